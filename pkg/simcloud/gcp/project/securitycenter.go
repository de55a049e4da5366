package project

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/api/securitycenter/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Security Command Center: its detectors, and what they found. It may be off for the whole organization.
var securityCenterService = service{
	kinds: []world.Kind{
		{
			Name: "gcp.scc", Sort: inOrganization, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "off", Drift: 1}, {Name: "no-health-analytics", Drift: 1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.resourcemanager.organization", s.Account.ID), map[string]posture.Result{
					"gcp-organization-security-center-active": failIf(it.Has("off") || it.Has("no-health-analytics")),
				}
			},
		},
		{
			Name: "gcp.scc_finding", Sort: inOrganization, Global: true, Count: 10,
			Defects: []world.Defect{{Name: "overdue", Share: 0.3, Drift: 0.2}, {Name: "high", Share: 0.5}, {Name: "medium", Share: 0.1},
				{Name: "muted", Share: 0.1}, {Name: "resolved", Share: 0.1, Drift: 0.1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				if s.Items("gcp.scc")[0].Has("off") || it.Has("medium") || it.Has("muted") || it.Has("resolved") {
					return posture.Key{}, nil
				}
				return keyOf("gcp.securitycenter.finding", findingID(s, it)), map[string]posture.Result{
					"gcp-security-finding-resolved-in-time": failIf(it.Has("overdue")),
				}
			},
		},
	},
	handle: handleSecurityCenter,
}

// foundAt is when a finding was made: one that is dealt with in time is replaced by another before long.
func foundAt(s *world.State, it *world.Item) time.Time {
	if it.Has("overdue") {
		return s.Long(it, 40)
	}
	return s.Since(it, 5, "found")
}

func findingID(s *world.State, it *world.Item) string {
	return "sources/5001/findings/" + it.Hex(24, "finding") + foundAt(s, it).Format("20060102")
}

func handleSecurityCenter(s *gcp.Server, w *states) {
	gcp.List(s, "securitycenter.organizations.sources.list", "sources", func(c gcp.Call) (*securitycenter.ListSourcesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		it := state.Items("gcp.scc")[0]
		if it.Has("off") {
			return nil, notActivated("Security Command Center")
		}
		out := &securitycenter.ListSourcesResponse{}
		for i, name := range []string{"Event Threat Detection", "Security Health Analytics", "Web Security Scanner"} {
			if i == 1 && it.Has("no-health-analytics") {
				continue
			}
			full := fmt.Sprintf("%s/sources/%d", state.Account.ID, 5000+i)
			out.Sources = append(out.Sources, &securitycenter.Source{Name: full, CanonicalName: full, DisplayName: name})
		}
		return out, nil
	})
	gcp.List(s, "securitycenter.organizations.sources.findings.list", "listFindingsResults", func(c gcp.Call) (*securitycenter.ListFindingsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		if state.Items("gcp.scc")[0].Has("off") {
			return nil, notActivated("Security Command Center")
		}
		filter := c.Query.Get("filter")
		out := &securitycenter.ListFindingsResponse{ReadTime: stamp(c.Now)}
		for _, it := range state.Items("gcp.scc_finding") {
			f := finding(state, it)
			if strings.Contains(filter, `state="ACTIVE"`) && f.State != "ACTIVE" || strings.Contains(filter, `NOT mute="MUTED"`) && f.Mute == "MUTED" ||
				strings.Contains(filter, "severity=") && !strings.Contains(filter, `severity="`+f.Severity+`"`) {
				continue
			}
			out.ListFindingsResults = append(out.ListFindingsResults, &securitycenter.ListFindingsResult{Finding: f})
		}
		out.TotalSize = int64(len(out.ListFindingsResults))
		return out, nil
	})
}

func finding(s *world.State, it *world.Item) *securitycenter.Finding {
	name := s.Account.ID + "/" + findingID(s, it)
	f := &securitycenter.Finding{
		Name: name, CanonicalName: name, Parent: s.Account.ID + "/sources/5001", ParentDisplayName: "Security Health Analytics",
		Category: []string{"PUBLIC_BUCKET_ACL", "OPEN_FIREWALL", "MFA_NOT_ENFORCED"}[it.Index%3], FindingClass: "MISCONFIGURATION",
		ResourceName: "//storage.googleapis.com/" + it.Name(), State: "ACTIVE", Severity: "CRITICAL", Mute: "UNDEFINED",
		CreateTime: stamp(foundAt(s, it)), EventTime: stamp(s.Time().Add(-2 * time.Hour)),
	}
	if it.Has("high") {
		f.Severity = "HIGH"
	}
	if it.Has("medium") {
		f.Severity = "MEDIUM"
	}
	if it.Has("muted") {
		f.Mute = "MUTED"
	}
	if it.Has("resolved") {
		f.State = "INACTIVE"
	}
	return f
}
