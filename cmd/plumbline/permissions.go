package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
)

// permissionForms are the forms in which each provider's role can be printed, the default first.
var permissionForms = map[string][]string{"aws": {"json"}, "azure": {"json", "terraform"}, "gcp": {"yaml", "terraform"}}

func newPermissions(a *app) *cobra.Command {
	var form string
	c := &cobra.Command{
		Use: "permissions PROVIDER", Short: "Print the least-privilege role that a scan needs",
		Long: `Prints, from the operations that the readers declare, exactly what a role must grant, the reading of the cloud's own log of
changes included: an IAM policy document for aws; for azure a role definition for the root management group and the Microsoft
Graph permissions beside it; for gcp a custom role for the organization. JSON or YAML is for the clouds' own command lines,
Terraform has the grants too. What no role can grant stands in comments. --output csv lists the permissions alone.`,
		Example: `  plumbline permissions aws > plumbline-read.json
  plumbline permissions azure > role.json && az role definition create --role-definition role.json
  plumbline permissions gcp > role.yaml && gcloud iam roles create plumblineRead --organization 123456789012 --file role.yaml
  plumbline permissions gcp --form terraform > plumbline.tf`,
		Args: cobra.ExactArgs(1), ValidArgs: []string{"aws", "azure", "gcp"},
		RunE: func(_ *cobra.Command, args []string) error {
			forms, ok := permissionForms[args[0]]
			if !ok {
				return usageError{fmt.Errorf("provider %q: want aws, azure or gcp", args[0])}
			}
			if form == "" {
				form = forms[0]
			}
			if !slices.Contains(forms, form) {
				return usageError{fmt.Errorf("--form %q: want %s for %s", form, strings.Join(forms, " or "), args[0])}
			}
			operations := map[string][]collectors.Operation{
				"aws":   append(aws.Operations(), aws.ChangeLogOperations()...),
				"azure": append(azure.Operations(), azure.ChangeLogOperations()...),
				"gcp":   append(gcp.Operations(), gcp.ChangeLogOperations()...),
			}
			permissions := collectors.Permissions(operations[args[0]])
			switch {
			case a.output == "csv":
				rows := [][]any{}
				for _, p := range permissions {
					rows = append(rows, []any{p})
				}
				return a.show(nil, []string{"permission"}, rows)
			case args[0] == "azure":
				return a.showRoleDefinition(permissions, form)
			case args[0] == "gcp":
				return a.showCustomRole(permissions, form)
			default:
				return a.showPolicy(permissions)
			}
		},
	}
	c.Flags().StringVar(&form, "form", "", "json for aws; json or terraform for azure; yaml or terraform for gcp")
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

const title, description = "Plumbline read", "Exactly what a scan by plumbline reads, and nothing else."

// showRoleDefinition prints an Azure custom role, and what Microsoft Graph must grant beside it. Data actions ("Data: …") are no
// part of it: roles that hold any cannot be relied on at a management group, where this one belongs. Key Vault Reader has them.
func (a *app) showRoleDefinition(permissions []string, form string) error {
	actions, graph, others := []string{}, []string{}, []string{}
	for _, p := range permissions {
		name, isGraph := strings.CutPrefix(p, "Graph: ")
		switch {
		case isGraph:
			graph = append(graph, name)
		case strings.Contains(p, " "):
			others = append(others, p)
		default:
			actions = append(actions, p)
		}
	}
	for _, list := range [][]string{actions, graph} {
		slices.Sort(list)
	}
	if form == "json" {
		a.output = "json" // a role definition is JSON whatever is asked for
		fmt.Fprintf(a.err, "Microsoft Graph application permissions to grant beside the role: %s\n", strings.Join(graph, ", "))
		for _, o := range others {
			fmt.Fprintf(a.err, "Not part of the role: %s\n", o)
		}
		return a.show(struct {
			Name             string   `json:"Name"`
			IsCustom         bool     `json:"IsCustom"`
			Description      string   `json:"Description"`
			Actions          []string `json:"Actions"`
			NotActions       []string `json:"NotActions"`
			DataActions      []string `json:"DataActions"`
			NotDataActions   []string `json:"NotDataActions"`
			AssignableScopes []string `json:"AssignableScopes"`
		}{title, true, description, actions, []string{}, []string{}, []string{}, []string{"/providers/Microsoft.Management/managementGroups/ROOT-MANAGEMENT-GROUP"}}, nil, nil)
	}
	for _, o := range others {
		fmt.Fprintf(a.out, "# Not part of the role, grant it separately where wanted: %s\n", o)
	}
	fmt.Fprintf(a.out, `variable "root_management_group" {
  description = "Resource id of the root management group."
  type        = string
}

variable "principal_object_id" {
  description = "Object id of the service principal or managed identity that plumbline reads as."
  type        = string
}

resource "azurerm_role_definition" "plumbline_read" {
  name        = %q
  scope       = var.root_management_group
  description = %q
  permissions {
    actions = [
`, title, description)
	for _, p := range actions {
		fmt.Fprintf(a.out, "      %q,\n", p)
	}
	fmt.Fprint(a.out, `    ]
  }
}

resource "azurerm_role_assignment" "plumbline_read" {
  scope              = var.root_management_group
  role_definition_id = azurerm_role_definition.plumbline_read.role_definition_resource_id
  principal_id       = var.principal_object_id
}

data "azuread_application_published_app_ids" "well_known" {}

resource "azuread_service_principal" "graph" {
  client_id    = data.azuread_application_published_app_ids.well_known.result.MicrosoftGraph
  use_existing = true
}

resource "azuread_app_role_assignment" "plumbline_graph" {
  for_each = toset([
`)
	for _, p := range graph {
		fmt.Fprintf(a.out, "    %q,\n", p)
	}
	fmt.Fprint(a.out, `  ])
  app_role_id         = azuread_service_principal.graph.app_role_ids[each.value]
  principal_object_id = var.principal_object_id
  resource_object_id  = azuread_service_principal.graph.object_id
}
`)
	return nil
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
