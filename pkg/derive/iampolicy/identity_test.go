package iampolicy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	denyAll = `,{"Effect":"Deny","Action":"*","Resource":"*"}`
	ifMFA   = `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`
)

func TestFullAdmin(t *testing.T) {
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"star on star":                           {`{"Effect":"Allow","Action":"*","Resource":"*"}`, true},
		"star colon star":                        {`{"Effect":"Allow","Action":"*:*","Resource":["*"]}`, true},
		"stars in a row":                         {`{"Effect":"Allow","Action":"**","Resource":"**"}`, true},
		"an ARN of stars":                        {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:*:*:*:*"}`, true},
		"only with MFA":                          {`{"Effect":"Allow","Action":"*","Resource":"*"` + ifMFA, false},
		"a condition anyone meets":               {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":"*"}}}`, true},
		"an empty condition":                     {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}`, true},
		"on one bucket":                          {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}`, false},
		"one service":                            {`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`, false},
		"everything but one bucket":              {`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b"}`, true},
		"everything but IAM resources":           {`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:iam::*:*"}`, false},
		"all actions but of one service":         {`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`, true},
		"all actions but one of IAM":             {`{"Effect":"Allow","NotAction":"iam:DeleteUser","Resource":"*"}`, true},
		"all actions but IAM":                    {`{"Effect":"Allow","NotAction":["IAM:*"],"Resource":"*"}`, false},
		"all actions but Organizations":          {`{"Effect":"Allow","NotAction":["organizations:*"],"Resource":"*"}`, false},
		"a deny of the same":                     {`{"Effect":"Allow","Action":"*","Resource":"*"}` + denyAll, false},
		"a deny of one service":                  {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, true},
		"a deny without MFA":                     {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`, true},
		"a deny that needs a key to be present":  {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:SourceVpc":"*"}}}`, true},
		"only a deny":                            {`{"Effect":"Deny","Action":"*","Resource":"*"}`, false},
		"all actions, split into two statements": {`{"Effect":"Allow","Action":"iam:*","Resource":"*"},{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy(t, test.statements).FullAdmin(); got != test.want {
				t.Errorf("full admin: %v", got)
			}
		})
	}
}

func TestWildcards(t *testing.T) {
	for name, test := range map[string]struct {
		statements        string
		services, actions []string
	}{
		"kept as written, lower case, sorted": {`{"Effect":"Allow","Action":["S3:*","kms:ReEncrypt*","kms:Decrypt"],"Resource":"*"}`, []string{"s3"}, []string{"kms:decrypt", "kms:reencrypt*", "s3:*"}},
		"a narrower resource adds nothing":    {`{"Effect":"Allow","Action":"cloudtrail:*","Resource":"arn:aws:cloudtrail:*:*:trail/a"}`, nil, nil},
		"a condition does not help":           {`{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"` + ifMFA, []string{"cloudtrail"}, []string{"cloudtrail:*"}},
		"the star names no service":           {`{"Effect":"Allow","Action":["*","*:*"],"Resource":"*"}`, nil, []string{"*", "*:*"}},
		"not all actions of a service":        {`{"Effect":"Allow","Action":["s3:Get*","s3:?*"],"Resource":"*"}`, nil, []string{"s3:?*", "s3:get*"}},
		"a deny takes the service back":       {`{"Effect":"Allow","Action":["s3:*","kms:Decrypt"],"Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, nil, []string{"kms:decrypt"}},
		"a deny of a part takes nothing back": {`{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}`, []string{"s3"}, []string{"s3:*"}},
		"a negated deny takes back the rest":  {`{"Effect":"Allow","Action":["s3:*","kms:Decrypt"],"Resource":"*"},{"Effect":"Deny","NotAction":"kms:*","Resource":"*"}`, nil, []string{"kms:decrypt"}},
		"all but some resources":              {`{"Effect":"Allow","Action":"kms:*","NotResource":"arn:aws:kms:*:*:key/a"}`, []string{"kms"}, []string{"kms:*"}},
	} {
		t.Run(name, func(t *testing.T) {
			document := policy(t, test.statements)
			if diff := cmp.Diff(test.services, document.ServiceWildcards()); diff != "" {
				t.Errorf("services differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.actions, document.WildcardResourceActions()); diff != "" {
				t.Errorf("actions differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrivilegeEscalationPaths(t *testing.T) {
	for name, test := range map[string]struct {
		statements string
		want       []string
	}{
		"one action is enough":                     {`{"Effect":"Allow","Action":"iam:CreatePolicyVersion","Resource":"*"}`, []string{"create-policy-version"}},
		"a wildcard spells it too":                 {`{"Effect":"Allow","Action":"iam:Attach*Policy","Resource":"*"}`, []string{"attach-group-policy", "attach-role-policy", "attach-user-policy"}},
		"a pair, half granted":                     {`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`, nil},
		"a pair, in two statements":                {`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"},{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`, []string{"pass-role-and-ec2"}},
		"PassRole for one role":                    {`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/app"},{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`, nil},
		"PassRole for all roles of the account":    {`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/*"},{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`, []string{"pass-role-and-ec2"}},
		"PassRole to one service":                  {`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ecs.amazonaws.com"}}},{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`, nil},
		"one's own user":                           {`{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"arn:aws:iam::*:user/${aws:username}"}`, nil},
		"all users":                                {`{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"arn:aws:iam::*:user/*"}`, []string{"create-access-key"}},
		"an action on the wrong kind of resource":  {`{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"arn:aws:iam::*:role/*"}`, nil},
		"functions of one team":                    {`{"Effect":"Allow","Action":"lambda:UpdateFunctionCode","Resource":"arn:aws:lambda:eu-west-1:111122223333:function:team-*"}`, nil},
		"all functions":                            {`{"Effect":"Allow","Action":"lambda:UpdateFunctionCode","Resource":"arn:aws:lambda:eu-west-1:111122223333:function:*"}`, []string{"lambda-code"}},
		"any role":                                 {`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`, []string{"assume-any-role"}},
		"one role":                                 {`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/read"}`, nil},
		"commands on all instances":                {`{"Effect":"Allow","Action":["ssm:SendCommand"],"Resource":"arn:aws:ec2:*:*:instance/*"}`, []string{"ssm-command"}},
		"only with MFA":                            {`{"Effect":"Allow","Action":"iam:PutUserPolicy","Resource":"*"` + ifMFA, nil},
		"own deny":                                 {`{"Effect":"Allow","Action":["iam:PutUserPolicy","iam:PutRolePolicy"],"Resource":"*"},{"Effect":"Deny","Action":"iam:PutUser*","Resource":"*"}`, []string{"put-role-policy"}},
		"own deny on the account's roles":          {`{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"arn:aws:iam::111122223333:role/*"}`, nil},
		"own deny on one role":                     {`{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"arn:aws:iam::111122223333:role/admin"}`, []string{"put-role-policy"}},
		"own deny with a condition":                {`{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"` + ifMFA, []string{"put-role-policy"}},
		"own deny of everything else":              {`{"Effect":"Allow","Action":"iam:*","Resource":"*"},{"Effect":"Deny","NotAction":"iam:Get*","Resource":"*"}`, nil},
		"half of a pair denied":                    {`{"Effect":"Allow","Action":["iam:PassRole","ec2:*"],"Resource":"*"},{"Effect":"Deny","Action":"iam:PassRole","Resource":"*"}`, nil},
		"all actions but some that do not help":    {`{"Effect":"Allow","NotAction":["iam:*","sts:*","lambda:*","ssm:*","glue:*","sagemaker:*","sso:*","ec2-instance-connect:*"],"Resource":"*"}`, nil},
		"all actions but those of another service": {`{"Effect":"Allow","NotAction":["iam:*","lambda:*","ssm:*","glue:*","sagemaker:*","sso:*","ec2-instance-connect:*"],"Resource":"*"}`, []string{"assume-any-role"}},
		"all resources but users":                  {`{"Effect":"Allow","Action":["iam:PutUserPolicy","iam:PutRolePolicy"],"NotResource":"arn:aws:iam::*:user/*"}`, []string{"put-role-policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, policy(t, test.statements).PrivilegeEscalationPaths()); diff != "" {
				t.Errorf("paths differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEscalationsAreFoundInFullAdmin(t *testing.T) {
	admin := policy(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`).PrivilegeEscalationPaths()
	for _, e := range escalations() {
		if !slices.Contains(admin, e.name) {
			t.Errorf("full admin lacks %s", e.name)
		}
		document, err := New([]Statement{{Effect: allow, Actions: e.actions, Resources: []string{"*"}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := document.PrivilegeEscalationPaths(); !slices.Contains(got, e.name) {
			t.Errorf("%s is not found in its own actions: %v", e.name, got)
		}
		for i := range e.actions { // without any one action the way is closed
			part := slices.Delete(slices.Clone(e.actions), i, i+1)
			rest, err := New([]Statement{{Effect: allow, Actions: append(part, "s3:getobject"), Resources: []string{"*"}}})
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(rest.PrivilegeEscalationPaths(), e.name) {
				t.Errorf("%s does not need %s", e.name, e.actions[i])
			}
		}
	}
	if len(admin) != len(escalations()) {
		t.Errorf("%d names for %d escalations", len(admin), len(escalations()))
	}
}
