package project

import (
	"google.golang.org/api/accessapproval/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Access Approval, on projects and for all of them on the organization.
var accessApprovalService = service{
	kinds: []world.Kind{
		{
			Name: "gcp.approval", Sort: inProject, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "enrolled", Share: 0.2, Drift: 0.3}, {Name: "never-set-up", Share: 0.5}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.resourcemanager.project", s.Account.ID), map[string]posture.Result{
					"gcp-project-access-approval-enabled": failIf(!it.Has("enrolled") && !enrolledAbove(s)),
				}
			},
		},
		{
			Name: "gcp.organization_approval", Sort: inOrganization, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "enrolled", Drift: 0.6}, {Name: "no-support-plan", Drift: 0.2}},
		},
	},
	handle: handleAccessApproval,
}

func enrolledAbove(s *world.State) bool {
	above := s.Account.Above
	if len(above) == 0 {
		return false
	}
	organization, _ := s.World.State(above[len(above)-1], s.Time())
	return organization.Items("gcp.organization_approval")[0].Has("enrolled")
}

func handleAccessApproval(s *gcp.Server, w *states) {
	all := []*accessapproval.EnrolledService{{CloudProduct: "all", EnrollmentLevel: "BLOCK_ALL"}}
	gcp.Handle(s, "accessapproval.projects.getAccessApprovalSettings", func(c gcp.Call) (*accessapproval.AccessApprovalSettings, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		it, above := state.Items("gcp.approval")[0], enrolledAbove(state)
		if it.Has("never-set-up") && !it.Has("enrolled") && !above {
			return nil, gcp.NotFound("Access Approval settings of " + state.Account.ID)
		}
		out := &accessapproval.AccessApprovalSettings{Name: "projects/" + state.Account.ID + "/accessApprovalSettings", EnrolledAncestor: above,
			NotificationEmails: []string{"approvals@" + domain}}
		if it.Has("enrolled") {
			out.EnrolledServices = all
		}
		return out, nil
	})
	gcp.Handle(s, "accessapproval.organizations.getAccessApprovalSettings", func(c gcp.Call) (*accessapproval.AccessApprovalSettings, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		it := state.Items("gcp.organization_approval")[0]
		switch {
		case it.Has("enrolled"):
			return &accessapproval.AccessApprovalSettings{Name: state.Account.ID + "/accessApprovalSettings", EnrolledServices: all}, nil
		case it.Has("no-support-plan"):
			return nil, notActivated("Access Transparency")
		}
		return nil, gcp.NotFound("Access Approval settings of " + state.Account.ID)
	})
}

// notActivated is the answer of a product that was never switched on.
func notActivated(product string) error {
	return &gcp.Error{Status: 400, Code: "FAILED_PRECONDITION", Reason: "NOT_ACTIVATED", Message: product + " is not active."}
}
