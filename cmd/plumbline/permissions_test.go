package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/rules"
)

// awsActions is everything a role has to grant.
func awsActions() []string {
	return slices.Sorted(slices.Values(collectors.Permissions(append(aws.Operations(), aws.ChangeLogOperations()...))))
}

func TestRoleAsCloudFormation(t *testing.T) {
	_, out, _ := command(t, "permissions", "aws", "--form", "cloudformation")
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				PolicyDocument    any   `yaml:"PolicyDocument"`
				ManagedPolicyArns []any `yaml:"ManagedPolicyArns"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(out), &template); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for name, r := range template.Resources {
		if r.Properties.PolicyDocument == nil {
			continue
		}
		document, err := json.Marshal(r.Properties.PolicyDocument)
		if err != nil || len(document) > aws.MaxManagedPolicy {
			t.Errorf("%s: %d characters, %v", name, len(document), err)
		}
		var policy struct{ Statement []struct{ Action []string } }
		if err := json.Unmarshal(document, &policy); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, policy.Statement[0].Action...)
	}
	slices.Sort(actions)
	if !slices.Equal(actions, awsActions()) {
		t.Errorf("the template grants %d actions, the readers need %d", len(actions), len(awsActions()))
	}
	if n := len(template.Resources["Role"].Properties.ManagedPolicyArns); n != len(template.Resources)-1 {
		t.Errorf("the role has %d of %d policies", n, len(template.Resources)-1)
	}

	lint := filepath.Join(filepath.Dir(os.Getenv("PLUMBLINE_PYTHON")), "cfn-lint")
	if os.Getenv("PLUMBLINE_PYTHON") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no PLUMBLINE_PYTHON")
		}
		t.Skip("make test installs what validates the template; PLUMBLINE_PYTHON names its interpreter")
	}
	file := filepath.Join(t.TempDir(), "role.yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(lint, file).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, said)
	}
}

func TestRoleAsTerraform(t *testing.T) {
	_, out, _ := command(t, "permissions", "aws", "--form", "terraform")
	for _, action := range awsActions() {
		if strings.Count(out, `"`+action+`",`) != 1 {
			t.Errorf("%s is not granted once", action)
		}
	}
}

func TestRoleForSomeRules(t *testing.T) {
	needs, err := rules.Needs("aws")
	if err != nil {
		t.Fatal(err)
	}
	const key = "aws-kms-key-policy-not-public"
	want := slices.Sorted(slices.Values(append([]string{"sts:GetCallerIdentity", "cloudtrail:LookupEvents"}, needs[key]...)))
	_, out, _ := command(t, "permissions", "aws", "--rules", key)
	var policy struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(out), &policy); err != nil {
		t.Fatal(err)
	}
	if len(needs[key]) < 2 || !slices.Equal(policy.Statement[0].Action, want) {
		t.Errorf("%v, want %v", policy.Statement[0].Action, want)
	}
	for name, args := range map[string][]string{
		"a rule there is not":       {"permissions", "aws", "--rules", "aws-vax-*"},
		"a pattern that is none":    {"permissions", "aws", "--rules", "aws-["},
		"a cloud it is unknown for": {"permissions", "gcp", "--rules", "gcp-iam-*"},
	} {
		if code, _, said := command(t, args...); code != 2 || !strings.Contains(said, "--rules") {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
}
