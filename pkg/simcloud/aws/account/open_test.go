package account_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

func TestRegionsAreAskedOfTwoServices(t *testing.T) {
	f := newFaulty(t)
	denied := func(service, operation string) fault.Rule {
		return fault.Rule{Call: fault.Call{Service: service, Operation: operation}, Kind: fault.Denied}
	}
	ec2, account := denied("ec2", "DescribeRegions"), denied("account", "ListRegions")
	cut, circle := account, account
	cut.Kind, circle.Kind = fault.MissingPage, fault.RepeatedToken
	open := outcome{State: posture.Complete}
	closed := func(by string) outcome {
		return outcome{posture.NotApplicable, posture.Cause{Code: "not-opted-in", Operation: by}}
	}
	unknown := outcome{posture.Denied, posture.Cause{Reason: posture.ReasonDenied, Operation: "EC2.DescribeRegions", Permission: "ec2:DescribeRegions", Code: "UnauthorizedOperation"}}
	for name, test := range map[string]struct {
		failing []fault.Rule
		want    map[string]outcome // of the cells of one regional type
	}{
		"EC2 tells": {nil, map[string]outcome{"eu-west-1": open, "us-east-1": open, "ap-east-1": closed("EC2.DescribeRegions")}},
		"the account service tells when EC2 does not": {[]fault.Rule{ec2},
			map[string]outcome{"eu-west-1": open, "us-east-1": open, "ap-east-1": closed("Account.ListRegions")}},
		"neither tells: the region of the settings is read, the others are unread": {[]fault.Rule{ec2, account},
			map[string]outcome{"us-east-1": open, "*": unknown}},
		"half a list leaves the other regions unread": {[]fault.Rule{ec2, cut},
			map[string]outcome{"eu-west-1": open, "us-east-1": open, "*": unknown}},
		"a list that runs in a circle ends": {[]fault.Rule{ec2, circle},
			map[string]outcome{"eu-west-1": open, "us-east-1": open, "*": unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			collected, _, err := f.Scan(t, test.failing...)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]outcome{}
			for _, cell := range collected.Cells {
				if cell.Type == "aws.ec2.vpc" {
					o := outcome{State: cell.State}
					if cell.Cause != nil {
						o.Cause = *cell.Cause
					}
					got[cell.Region] = o
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cells differ (-want +got):\n%s", diff)
			}
		})
	}
}

// outcome is how a cell ends.
type outcome struct {
	State posture.CellState
	Cause posture.Cause
}
