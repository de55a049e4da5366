package project_test

import (
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// TestVerdictsInNoOrganization: nothing lies above a stand-alone project, which is a value for the rules on it.
func TestVerdictsInNoOrganization(t *testing.T) {
	t.Setenv("PLUMBLINE_RULES", "gcp-iam-hierarchy,gcp-org-policy,gcp-project")
	c := newCloud(t, 2)
	c.World.Accounts = []world.Account{{Account: posture.Account{Provider: "gcp", ID: "acme-lab", Name: "lab"}, Regions: []string{"europe-west1", "us-central1"}}}
	trial.Verdicts(t, c)
}
