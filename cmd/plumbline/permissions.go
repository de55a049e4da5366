package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/rules"
)

// permissionForms are the forms in which each provider's role can be printed, the default first.
var permissionForms = map[string][]string{"aws": {"json", "terraform", "cloudformation"}, "azure": {"json", "terraform"}, "gcp": {"yaml", "terraform"}}

func newPermissions(a *app) *cobra.Command {
	var form string
	var only []string
	c := &cobra.Command{
		Use: "permissions PROVIDER", Short: "Print the least-privilege role that a scan needs",
		Long: `Prints, from the operations that the readers declare, exactly what a role must grant, the reading of the cloud's own log of
changes included: an IAM policy document for aws; for azure a role definition for the root management group and the Microsoft
Graph permissions beside it; for gcp a custom role for the organization. JSON or YAML is for the clouds' own command lines,
Terraform and CloudFormation have the grants too. What no role can grant stands in comments. --output csv lists the permissions
alone.

For aws, --rules leaves what some rules need, by id or by pattern: all other rules will then say unknown and name what they miss.`,
		Example: `  plumbline permissions aws > plumbline-read.json
  plumbline permissions aws --form cloudformation > plumbline-read.yaml
  plumbline permissions aws --rules 'aws-s3-*,aws-kms-key-rotation-enabled'
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
			if len(only) > 0 {
				if args[0] != "aws" {
					return usageError{fmt.Errorf("--rules: known for aws alone, not for %s", args[0])}
				}
				var err error
				if permissions, err = needed(only); err != nil {
					return usageError{fmt.Errorf("--rules: %w", err)}
				}
			}
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
				return a.showPolicy(permissions, form)
			}
		},
	}
	c.Flags().StringVar(&form, "form", "", "json, terraform or cloudformation for aws; json or terraform for azure; yaml or terraform for gcp")
	c.Flags().StringSliceVar(&only, "rules", nil, "only what these rules need, by id or pattern (aws)")
	return c
}

// needed returns the permissions, beside the one that a scan begins with and those to read the log of changes, that the rules
// matched by patterns rest on.
func needed(patterns []string) ([]string, error) {
	needs, err := rules.Needs("aws")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, op := range append(aws.Opening(), aws.ChangeLogOperations()...) {
		for _, p := range op.Permissions() {
			seen[p] = true
		}
	}
	for _, pattern := range patterns {
		matched := false
		for id, permissions := range needs {
			ok, err := path.Match(pattern, id)
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
			if !ok {
				continue
			}
			matched = true
			for _, p := range permissions {
				seen[p] = true
			}
		}
		if !matched {
			return nil, fmt.Errorf("no rule is called %q; plumbline rules list shows all", pattern)
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// policy is an IAM policy document.
type policy struct {
	Version   string            `json:"Version" yaml:"Version"`
	Statement []policyStatement `json:"Statement" yaml:"Statement"`
}

// policyStatement is one statement of an IAM policy.
type policyStatement struct {
	Sid      string   `json:"Sid" yaml:"Sid"`
	Effect   string   `json:"Effect" yaml:"Effect"`
	Action   []string `json:"Action" yaml:"Action"`
	Resource string   `json:"Resource" yaml:"Resource"`
}

func policyOf(permissions []string) policy {
	return policy{"2012-10-17", []policyStatement{{"PlumblineRead", "Allow", permissions, "*"}}}
}

// inlinePolicy is how many characters a policy inside a role takes at most, white space not counted.
const inlinePolicy = 10_240

func (a *app) showPolicy(permissions []string, form string) error {
	switch form {
	case "terraform":
		a.showPolicyTerraform(aws.SplitActions(permissions))
		return nil
	case "cloudformation":
		return a.showPolicyStack(aws.SplitActions(permissions))
	}
	whole := policyOf(permissions)
	if data, err := json.Marshal(whole); err == nil && len(data) > aws.MaxManagedPolicy {
		fmt.Fprintf(a.err, "The policy is too long for a managed one: put it into the role itself, which takes %d characters, or use --form terraform or cloudformation, which cut it.\n", inlinePolicy)
	}
	a.output = "json" // a policy document is JSON whatever is asked for
	return a.show(whole, nil, nil)
}

func (a *app) showPolicyTerraform(policies [][]string) {
	fmt.Fprint(a.out, `variable "role_name" {
  description = "Name of the role that plumbline reads as."
  type        = string
}

`)
	for i, actions := range policies {
		fmt.Fprintf(a.out, `resource "aws_iam_policy" "plumbline_read_%[1]d" {
  name        = "plumbline-read-%[1]d"
  description = %[2]q
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "PlumblineRead"
      Effect   = "Allow"
      Resource = "*"
      Action = [
`, i+1, description)
		for _, action := range actions {
			fmt.Fprintf(a.out, "        %q,\n", action)
		}
		fmt.Fprintf(a.out, `      ]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "plumbline_read_%[1]d" {
  role       = var.role_name
  policy_arn = aws_iam_policy.plumbline_read_%[1]d.arn
}
`, i+1)
		if i < len(policies)-1 {
			fmt.Fprintln(a.out)
		}
	}
}

// showPolicyStack prints a template of the role with its policies.
func (a *app) showPolicyStack(policies [][]string) error {
	type object = map[string]any
	resources := object{}
	var arns []any
	for i, actions := range policies {
		name := fmt.Sprintf("Policy%d", i+1)
		resources[name] = object{
			"Type":       "AWS::IAM::ManagedPolicy",
			"Properties": object{"Description": description, "PolicyDocument": policyOf(actions)},
		}
		arns = append(arns, object{"Ref": name})
	}
	trust := object{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"AWS": object{"Ref": "TrustedPrincipal"}}, "Condition": object{
		"Fn::If": []any{"HasExternalId", object{"StringEquals": object{"sts:ExternalId": object{"Ref": "ExternalId"}}}, object{"Ref": "AWS::NoValue"}},
	}}
	resources["Role"] = object{"Type": "AWS::IAM::Role", "Properties": object{
		"RoleName": object{"Ref": "RoleName"}, "Path": "/audit/", "Description": description, "ManagedPolicyArns": arns,
		"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []any{trust}},
	}}
	encoder := yaml.NewEncoder(a.out)
	encoder.SetIndent(2)
	if err := encoder.Encode(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              description,
		"Parameters": object{
			"TrustedPrincipal": object{"Type": "String", "Description": "ARN of the role or user that assumes the role."},
			"ExternalId":       object{"Type": "String", "Default": "", "Description": "Asked for when the role is assumed; empty for none."},
			"RoleName":         object{"Type": "String", "Default": "plumbline-read"},
		},
		"Conditions": object{"HasExternalId": object{"Fn::Not": []any{object{"Fn::Equals": []any{object{"Ref": "ExternalId"}, ""}}}}},
		"Resources":  resources,
		"Outputs":    object{"RoleArn": object{"Value": object{"Fn::GetAtt": []any{"Role", "Arn"}}}},
	}); err != nil {
		return err
	}
	return encoder.Close()
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
