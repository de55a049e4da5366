package account_test

import (
	"slices"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

// acrossRegions are services whose resources those of other regions rest on: a trail and its bucket may live anywhere.
var acrossRegions = []string{"cloudtrail", "s3", "s3control"}

// TestARefusedRegionIsNoOthers refuses one service in one region: every verdict on another region stays as it was.
func TestARefusedRegionIsNoOthers(t *testing.T) {
	f := newFaulty(t)
	const refused, other = "eu-west-1", "us-east-1"
	clean := map[scan.Judged]posture.Verdict{}
	for judged, v := range trial.Index(f.Sealed) {
		if judged.Resource.Region == other {
			clean[judged] = v
		}
	}
	var services []string
	for _, call := range f.Calls() {
		if call.Region == refused && !slices.Contains(services, call.Service) && !slices.Contains(acrossRegions, call.Service) {
			services = append(services, call.Service)
		}
	}
	if len(services) < 8 || len(clean) < 100 {
		t.Fatalf("only the services %v and %d verdicts to compare", services, len(clean))
	}
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			collected, _, err := f.Scan(t, fault.Rule{Call: fault.Call{Region: refused, Service: service}, Kind: fault.Denied})
			if err != nil {
				t.Fatal(err)
			}
			sealing, _, err := f.Judge.Judge(collected, scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			now := trial.Index(sealing)
			for judged, before := range clean {
				if v := now[judged]; v.Result != before.Result {
					t.Errorf("%s on %v is %q, was %s (%s)", judged.RuleID, judged.Resource, v.Result, before.Result, v.Reason)
				}
			}
			unknown := func(v posture.Verdict) bool { return v.Resource.Region == refused && v.Result == posture.Unknown }
			if !slices.ContainsFunc(sealing.Verdicts, unknown) {
				t.Errorf("no verdict on %s is unknown", refused)
			}
		})
	}
}
