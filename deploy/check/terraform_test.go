package check

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// body says what a block may hold: arguments, those that it needs marked by "!", and blocks inside.
type body struct {
	arguments string
	blocks    map[string]body
}

// Arguments that every resource may have.
const meta = " count for_each depends_on provider"

// blockTypes are the parts of the providers that deploy/terraform uses, as their documentation describes them.
var blockTypes = map[string]body{
	"terraform": {"required_version!", map[string]body{"required_providers": {arguments: "aws google azurerm azuread"}}},
	"variable":  {"type! description default", map[string]body{"validation": {arguments: "condition! error_message!"}}},
	"output":    {arguments: "value! description"},
	"locals":    {arguments: "*"},

	"data aws_partition": {},
	"resource aws_iam_role": {"name! path description max_session_duration assume_role_policy!", map[string]body{
		"lifecycle": {blocks: map[string]body{"precondition": {arguments: "condition! error_message!"}}}}},
	"resource aws_iam_policy":                 {arguments: "name! path policy! description"},
	"resource aws_iam_role_policy":            {arguments: "name! role! policy!"},
	"resource aws_iam_role_policy_attachment": {arguments: "role! policy_arn!"},
	"resource aws_cloudformation_stack_set": {"name! description permission_model! capabilities! template_body!", map[string]body{
		"auto_deployment":       {arguments: "enabled! retain_stacks_on_account_removal"},
		"operation_preferences": {arguments: "max_concurrent_percentage failure_tolerance_percentage"},
		"lifecycle":             {arguments: "ignore_changes"}}},
	"resource aws_cloudformation_stack_instances": {"stack_set_name! regions!", map[string]body{"deployment_targets": {arguments: "organizational_unit_ids!"}}},

	"resource google_project_service":                            {arguments: "project! service! disable_on_destroy"},
	"resource google_service_account":                            {arguments: "project! account_id! display_name"},
	"resource google_organization_iam_custom_role":               {arguments: "org_id! role_id! title! description permissions!"},
	"resource google_organization_iam_member":                    {arguments: "org_id! role! member!"},
	"resource google_project_iam_member":                         {arguments: "project! role! member!"},
	"resource google_service_account_iam_member":                 {arguments: "service_account_id! role! member!"},
	"data azuread_client_config":                                 {},
	"data azuread_application_published_app_ids":                 {},
	"data azurerm_management_group":                              {arguments: "name!"},
	"resource azuread_application":                               {arguments: "display_name!"},
	"resource azuread_service_principal":                         {arguments: "client_id! use_existing"},
	"resource azuread_app_role_assignment":                       {arguments: "app_role_id! principal_object_id! resource_object_id!"},
	"resource azurerm_role_assignment":                           {arguments: "scope! role_definition_id! principal_id! principal_type"},
	"resource azurerm_role_definition":                           {"name! scope! description assignable_scopes", map[string]body{"permissions": {arguments: "actions!"}}},
	"resource azuread_application_federated_identity_credential": {arguments: "application_id! display_name! issuer! subject! audiences!"},
}

var clouds = []string{"aws", "azure", "gcp"}

// module is the parsed files of one folder.
func module(t *testing.T, cloud string) []*hclsyntax.Block {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(), "deploy", "terraform", cloud, "*.tf"))
	if err != nil || len(paths) != 2 {
		t.Fatalf("files %v, %v: want main.tf and permissions.tf", paths, err)
	}
	var out []*hclsyntax.Block
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
			t.Errorf("%s is not formatted: terraform fmt", path)
		}
		file, problems := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		for name := range file.Body.(*hclsyntax.Body).Attributes {
			t.Errorf("%s: %s stands outside of blocks", path, name)
		}
		out = append(out, file.Body.(*hclsyntax.Body).Blocks...)
	}
	return out
}

func TestTerraformFollowsItsSchema(t *testing.T) {
	for _, cloud := range clouds {
		t.Run(cloud, func(t *testing.T) {
			blocks := module(t, cloud)
			known := map[string]bool{"each": true, "count": true}
			for _, b := range blocks {
				switch b.Type {
				case "variable":
					known["var."+b.Labels[0]] = true
				case "locals":
					for name := range b.Body.Attributes {
						known["local."+name] = true
					}
				case "data":
					known["data."+strings.Join(b.Labels, ".")] = true
				case "resource":
					known[strings.Join(b.Labels, ".")] = true
				}
			}
			for _, b := range blocks {
				name := b.Type
				if b.Type == "resource" || b.Type == "data" {
					name += " " + b.Labels[0]
				}
				want, ok := blockTypes[name]
				if !ok {
					t.Errorf("%s: no such block here: %s", b.Range(), name)
					continue
				}
				if b.Type == "resource" {
					want.arguments += meta
				}
				checkBody(t, b.Body, name, want)
				checkReferences(t, b, known)
			}
		})
	}
}

func checkBody(t *testing.T, b *hclsyntax.Body, name string, want body) {
	t.Helper()
	for _, a := range strings.Fields(want.arguments) {
		a, needed := strings.CutSuffix(a, "!")
		if _, ok := b.Attributes[a]; needed && !ok {
			t.Errorf("%s: %s needs %s", b.SrcRange, name, a)
		}
	}
	allowed := strings.Fields(strings.ReplaceAll(want.arguments, "!", ""))
	for a, attribute := range b.Attributes {
		if !slices.Contains(allowed, a) && want.arguments != "*" {
			t.Errorf("%s: %s has no argument %s", attribute.SrcRange, name, a)
		}
	}
	for _, inner := range b.Blocks {
		if w, ok := want.blocks[inner.Type]; ok {
			checkBody(t, inner.Body, name+"."+inner.Type, w)
		} else {
			t.Errorf("%s: %s has no block %s", inner.Range(), name, inner.Type)
		}
	}
}

// checkReferences looks whether everything that expressions name is declared.
func checkReferences(t *testing.T, b *hclsyntax.Block, known map[string]bool) {
	t.Helper()
	if b.Type == "terraform" {
		return
	}
	var walk func(b *hclsyntax.Body)
	walk = func(b *hclsyntax.Body) {
		for name, a := range b.Attributes {
			if name == "type" || name == "ignore_changes" { // these name types and arguments
				continue
			}
			for _, v := range a.Expr.Variables() {
				var parts []string
				for _, step := range v {
					switch s := step.(type) {
					case hcl.TraverseRoot:
						parts = append(parts, s.Name)
					case hcl.TraverseAttr:
						parts = append(parts, s.Name)
					}
				}
				n := 2
				switch parts[0] {
				case "data":
					n = 3
				case "each", "count":
					n = 1
				}
				if reference := strings.Join(parts[:min(n, len(parts))], "."); !known[reference] {
					t.Errorf("%s: %s is declared nowhere", a.SrcRange, reference)
				}
			}
		}
		for _, inner := range b.Blocks {
			walk(inner.Body)
		}
	}
	walk(b.Body)
}

// evaluated are the locals of a module with these variables set, and further values that resources would have.
func evaluated(t *testing.T, cloud string, variables map[string]cty.Value, more map[string]cty.Value) (*hcl.EvalContext, []*hclsyntax.Block) {
	t.Helper()
	blocks := module(t, cloud)
	set := map[string]cty.Value{}
	c := &hcl.EvalContext{Variables: more, Functions: map[string]function.Function{
		"concat": stdlib.ConcatFunc, "length": stdlib.LengthFunc, "merge": stdlib.MergeFunc, "split": stdlib.SplitFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"trimprefix": stdlib.TrimPrefixFunc,
	}}
	if c.Variables == nil {
		c.Variables = map[string]cty.Value{}
	}
	for _, b := range blocks {
		if b.Type != "variable" {
			continue
		}
		value, ok := variables[b.Labels[0]]
		if d := b.Body.Attributes["default"]; !ok && d != nil {
			var problems hcl.Diagnostics
			if value, problems = d.Expr.Value(nil); problems.HasErrors() {
				t.Fatal(problems)
			}
		}
		set[b.Labels[0]] = value
	}
	c.Variables["var"] = cty.ObjectVal(set)
	open, locals := map[string]hclsyntax.Expression{}, map[string]cty.Value{}
	for _, b := range blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				open[name] = a.Expr
			}
		}
	}
	for range len(open) { // each round settles at least one
		for name, e := range open {
			c.Variables["local"] = cty.ObjectVal(locals)
			if v, problems := e.Value(c); !problems.HasErrors() {
				locals[name] = v
				delete(open, name)
			}
		}
	}
	c.Variables["local"] = cty.ObjectVal(locals)
	for name, e := range open {
		_, problems := e.Value(c)
		t.Fatalf("%s: %v", name, problems)
	}
	return c, blocks
}

// argument evaluates an argument of a resource.
func argument(t *testing.T, c *hcl.EvalContext, blocks []*hclsyntax.Block, resource, name string) cty.Value {
	t.Helper()
	for _, b := range blocks {
		if b.Type == "resource" && strings.Join(b.Labels, ".") == resource {
			v, problems := b.Body.Attributes[name].Expr.Value(c)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			return v
		}
	}
	t.Fatalf("no resource %s", resource)
	return cty.NilVal
}

type statement struct {
	Effect    string
	Action    any
	Principal map[string]any
	Condition map[string]map[string]string
	Resource  string
}

type document struct {
	Version   string
	Statement []statement
}

func decodeJSON(t *testing.T, v cty.Value, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(v.AsString()), into); err != nil {
		t.Fatal(err)
	}
}

func TestAWSRoleForOneAccount(t *testing.T) {
	c, blocks := evaluated(t, "aws", map[string]cty.Value{
		"trusted_principals": cty.ListVal([]cty.Value{cty.StringVal("arn:aws:iam::111122223333:role/runner")}),
		"external_id":        cty.StringVal("6f1c8a52"),
		"kubernetes": cty.ObjectVal(map[string]cty.Value{
			"oidc_provider_arn": cty.StringVal("arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
			"namespace":         cty.StringVal("audit"), "service_account": cty.StringVal("plumbline"),
		}),
	}, nil)
	var trust document
	decodeJSON(t, argument(t, c, blocks, "aws_iam_role.plumbline", "assume_role_policy"), &trust)
	if len(trust.Statement) != 2 || trust.Statement[0].Condition["StringEquals"]["sts:ExternalId"] != "6f1c8a52" ||
		trust.Statement[1].Condition["StringEquals"]["oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub"] != "system:serviceaccount:audit:plumbline" {
		t.Errorf("the role trusts %+v", trust.Statement)
	}
	if n := argument(t, c, blocks, "aws_cloudformation_stack_set.members", "count"); !n.RawEquals(cty.NumberIntVal(0)) {
		t.Error("a stack set without organizational units")
	}
	c, _ = evaluated(t, "aws", map[string]cty.Value{"trusted_principals": cty.ListVal([]cty.Value{cty.StringVal("arn:aws:iam::111122223333:root")})}, nil)
	encoded, problems := stdlib.JSONEncode(c.Variables["local"].GetAttr("trust"))
	if problems != nil || strings.Contains(encoded.AsString(), "ExternalId") {
		t.Errorf("without an external id: %s, %v", encoded.AsString(), problems)
	}
	if nobody, _ := evaluated(t, "aws", nil, nil); nobody.Variables["local"].GetAttr("trust").LengthInt() != 0 {
		t.Error("somebody may assume the role though nobody is named")
	}
}

func TestAWSStackSet(t *testing.T) {
	const arn = "arn:aws:iam::999988887777:role/audit/plumbline-read"
	c, blocks := evaluated(t, "aws", map[string]cty.Value{
		"trusted_principals":      cty.ListVal([]cty.Value{cty.StringVal("arn:aws:iam::111122223333:role/runner")}),
		"organizational_unit_ids": cty.ListVal([]cty.Value{cty.StringVal("r-a1b2")}),
	}, map[string]cty.Value{
		"aws_iam_role": cty.ObjectVal(map[string]cty.Value{"plumbline": cty.ObjectVal(map[string]cty.Value{"arn": cty.StringVal(arn)})}),
		"data": cty.ObjectVal(map[string]cty.Value{"aws_partition": cty.ObjectVal(map[string]cty.Value{"current": cty.ObjectVal(map[string]cty.Value{
			"partition": cty.StringVal("aws")})})}),
	})
	text := argument(t, c, blocks, "aws_cloudformation_stack_set.members", "template_body")
	if n := len(text.AsString()); n > 51_200 {
		t.Errorf("the template has %d bytes, the service takes 51,200", n)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				RoleName, Path           string
				ManagedPolicyArns        []map[string]string
				AssumeRolePolicyDocument document
				PolicyDocument           json.RawMessage
			}
		}
	}
	decodeJSON(t, text, &template)
	role := template.Resources["Role"].Properties
	if got := role.AssumeRolePolicyDocument.Statement; len(got) != 1 || got[0].Principal["AWS"] != arn {
		t.Errorf("members trust %+v", got)
	}
	var actions []string
	for _, reference := range role.ManagedPolicyArns {
		p := template.Resources[reference["Ref"]]
		if n := len(p.Properties.PolicyDocument); p.Type != "AWS::IAM::ManagedPolicy" || n > 6144 {
			t.Errorf("%s: %s of %d characters; the service takes 6,144", reference["Ref"], p.Type, n)
		}
		var d document
		if err := json.Unmarshal(p.Properties.PolicyDocument, &d); err != nil {
			t.Fatal(err)
		}
		for _, a := range d.Statement[0].Action.([]any) {
			actions = append(actions, a.(string))
		}
	}
	if len(role.ManagedPolicyArns) > 10 || len(role.ManagedPolicyArns)+1 != len(template.Resources) || len(actions) < 90 {
		t.Errorf("%d policies of %d resources with %d actions", len(role.ManagedPolicyArns), len(template.Resources), len(actions))
	}
	var assume document
	decodeJSON(t, argument(t, c, blocks, "aws_iam_role_policy.assume_members", "policy"), &assume)
	if got := assume.Statement[0].Resource; got != "arn:aws:iam::*:role"+role.Path+role.RoleName {
		t.Errorf("the management account's role may assume %s", got)
	}
}

func TestRolesOnlyRead(t *testing.T) {
	lists := map[string][]string{"aws": {"actions"}, "azure": {"actions", "graph_permissions"}, "gcp": {"permissions"}}
	for _, cloud := range clouds {
		c, _ := evaluated(t, cloud, nil, nil)
		for _, list := range lists[cloud] {
			var names []string
			var flatten func(v cty.Value)
			flatten = func(v cty.Value) {
				if v.Type() == cty.String {
					names = append(names, v.AsString())
					return
				}
				for it := v.ElementIterator(); it.Next(); {
					_, e := it.Element()
					flatten(e)
				}
			}
			flatten(c.Variables["local"].GetAttr(list))
			if len(names) < 5 || !slices.IsSorted(names) {
				t.Errorf("%s: %d %s, sorted %v", cloud, len(names), list, slices.IsSorted(names))
			}
			for _, name := range names {
				verb := name[strings.LastIndexAny(name, ".:/")+1:]
				if list == "graph_permissions" {
					verb = strings.Split(name, ".")[1]
				}
				if !slices.ContainsFunc([]string{"get", "batchget", "list", "describe", "search", "read", "generate", "lookup", "query"}, func(p string) bool { return strings.HasPrefix(strings.ToLower(verb), p) }) {
					t.Errorf("%s: %s is no reading", cloud, name)
				}
				if strings.Contains(name, "*") {
					t.Errorf("%s: %s grants more than one thing", cloud, name)
				}
			}
		}
	}
}

func TestTerraformFmt(t *testing.T) {
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform here; the other tests hold the files to the formatter's library")
	}
	command := exec.Command(program, "fmt", "-check", "-diff", "-recursive", filepath.Join(root(), "deploy", "terraform"))
	command.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	if out, err := command.Output(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
