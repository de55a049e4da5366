package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
)

// permissionForms are the forms in which each provider's role can be printed, the default first.
var permissionForms = map[string][]string{"aws": {"json"}, "gcp": {"yaml", "terraform"}}

func newPermissions(a *app) *cobra.Command {
	var form string
	c := &cobra.Command{
		Use: "permissions PROVIDER", Short: "Print the least-privilege role that a scan needs",
		Long: `Prints, from the operations that the readers declare, exactly what a role must grant: an IAM policy document for aws; for gcp a
custom role, to be granted on the organization, as YAML for gcloud or as Terraform. What cannot be granted by a role stands in
comments. --output csv lists the permissions alone.`,
		Example: `  plumbline permissions aws > plumbline-read.json
  plumbline permissions gcp > role.yaml && gcloud iam roles create plumblineRead --organization 123456789012 --file role.yaml
  plumbline permissions gcp --form terraform > plumbline.tf`,
		Args: cobra.ExactArgs(1), ValidArgs: []string{"aws", "gcp"},
		RunE: func(_ *cobra.Command, args []string) error {
			forms, ok := permissionForms[args[0]]
			if !ok {
				return usageError{fmt.Errorf("provider %q: want aws or gcp", args[0])}
			}
			if form == "" {
				form = forms[0]
			}
			if !slices.Contains(forms, form) {
				return usageError{fmt.Errorf("--form %q: want %s for %s", form, strings.Join(forms, " or "), args[0])}
			}
			operations := aws.Operations()
			if args[0] == "gcp" {
				operations = gcp.Operations()
			}
			permissions := collectors.Permissions(operations)
			switch {
			case a.output == "csv":
				rows := [][]any{}
				for _, p := range permissions {
					rows = append(rows, []any{p})
				}
				return a.show(nil, []string{"permission"}, rows)
			case args[0] == "gcp":
				return a.showCustomRole(permissions, form)
			default:
				return a.showPolicy(permissions)
			}
		},
	}
	c.Flags().StringVar(&form, "form", "", "json for aws; yaml or terraform for gcp")
	return c
}

// policyStatement is one statement of an IAM policy.
type policyStatement struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource string   `json:"Resource"`
}

func (a *app) showPolicy(permissions []string) error {
	policy := struct {
		Version   string            `json:"Version"`
		Statement []policyStatement `json:"Statement"`
	}{"2012-10-17", []policyStatement{{"PlumblineRead", "Allow", permissions, "*"}}}
	a.output = "json" // a policy document is JSON whatever is asked for
	return a.show(policy, nil, nil)
}

// showCustomRole prints a Google Cloud custom role. Permissions that no role can hold, such as the scopes of the directory, are
// named in comments.
func (a *app) showCustomRole(permissions []string, form string) error {
	var grants, others []string
	for _, p := range permissions {
		if strings.ContainsAny(p, " /:") {
			others = append(others, p)
		} else {
			grants = append(grants, p)
		}
	}
	slices.Sort(grants)
	for _, o := range others {
		fmt.Fprintf(a.out, "# Not part of the role, grant it separately where wanted: %s\n", o)
	}
	const title, description = "Plumbline read", "Exactly what a scan by plumbline reads, and nothing else."
	if form == "yaml" {
		encoder := yaml.NewEncoder(a.out)
		encoder.SetIndent(2)
		return encoder.Encode(struct {
			Title       string   `yaml:"title"`
			Description string   `yaml:"description"`
			Stage       string   `yaml:"stage"`
			Permissions []string `yaml:"includedPermissions"`
		}{title, description, "GA", grants})
	}
	fmt.Fprintf(a.out, `variable "organization_id" {
  type = string
}

variable "service_account_email" {
  description = "The service account that plumbline reads as."
  type        = string
}

resource "google_organization_iam_custom_role" "plumbline_read" {
  org_id      = var.organization_id
  role_id     = "plumblineRead"
  title       = %q
  description = %q
  permissions = [
`, title, description)
	for _, p := range grants {
		fmt.Fprintf(a.out, "    %q,\n", p)
	}
	fmt.Fprint(a.out, `  ]
}

resource "google_organization_iam_member" "plumbline_read" {
  org_id = var.organization_id
  role   = google_organization_iam_custom_role.plumbline_read.name
  member = "serviceAccount:${var.service_account_email}"
}
`)
	return nil
}
