package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// memberTypes are the resource types by which an organization or tenant lists what is below it.
var memberTypes = map[string]bool{"aws.organizations.account": true, "azure.subscriptions.member": true, "gcp.resourcemanager.member": true}

// activeStates are those of members that can be read.
var activeStates = []string{"ACTIVE", "Enabled", "Warned"}

// reconcileBoundaries says of every account that an organization of the package lists whether it is in scope, left out for a reason, or
// a gap.
func (b *builder) reconcileBoundaries(s *evidence.Scope) error {
	lists := map[string]*evidence.BoundaryList{}
	for row, err := range evidence.Rows[evidence.Cell](b.pkg, evidence.CellsFile) {
		if err != nil {
			return err
		}
		if memberTypes[row.Type] && b.account(row.Account).last() == row.Snapshot && row.State != posture.NotApplicable {
			lists[row.Account] = &evidence.BoundaryList{Organization: row.Account, Snapshot: row.Snapshot, Complete: row.State == posture.Complete, In: []string{}, Out: []string{}, Gaps: []string{}}
		}
	}
	for row, err := range evidence.Rows[evidence.Resource](b.pkg, evidence.ResourcesFile) {
		if err != nil {
			return err
		}
		list := lists[row.Account]
		if !memberTypes[row.Type] || list == nil || !row.Snapshots.Holds(list.Snapshot) {
			continue
		}
		var document struct {
			Attributes struct {
				Name         string `json:"name"`
				Member       string `json:"member_id"`
				Project      string `json:"project_id"`
				Subscription string `json:"subscription_id"`
				State        string `json:"state"`
			} `json:"attributes"`
		}
		if err := json.Unmarshal(row.Document, &document); err != nil {
			return fmt.Errorf("read %s %s: %w", row.Type, row.ID, err)
		}
		provider, _, _ := strings.Cut(row.Account, ":")
		m := document.Attributes
		b.reconcileBoundary(s, list, evidence.Boundary{Account: provider + ":" + cmp.Or(m.Member, m.Project, m.Subscription), Name: m.Name}, m.State)
	}
	s.Boundaries = []evidence.BoundaryList{}
	for _, list := range lists {
		slices.Sort(list.In)
		slices.Sort(list.Out)
		slices.Sort(list.Gaps)
		s.Boundaries = append(s.Boundaries, *list)
	}
	slices.SortFunc(s.Boundaries, func(x, y evidence.BoundaryList) int { return cmp.Compare(x.Organization, y.Organization) })
	return nil
}

func (b *builder) reconcileBoundary(s *evidence.Scope, list *evidence.BoundaryList, member evidence.Boundary, state string) {
	list.Listed++
	missed := func(g evidence.Gap) bool { return g.Kind == "boundary" && g.Account == member.Account }
	switch {
	case b.account(member.Account) != nil:
		list.In = append(list.In, member.Account)
	case slices.ContainsFunc(b.gaps, missed): // nothing was read of it by then
		list.Gaps = append(list.Gaps, member.Account)
	case slices.ContainsFunc(s.Out, func(o evidence.Boundary) bool { return o.Account == member.Account }):
		list.Out = append(list.Out, member.Account)
	case state != "" && !slices.Contains(activeStates, state):
		list.Out = append(list.Out, member.Account)
		member.Reason = "its state is " + state
		s.Out = append(s.Out, member)
	default:
		list.Gaps = append(list.Gaps, member.Account)
		b.gaps = append(b.gaps, evidence.Gap{Kind: "boundary", Account: member.Account, Reason: list.Organization + " lists it, and nothing was read of it"})
	}
}
