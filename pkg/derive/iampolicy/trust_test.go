package iampolicy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// trust returns an Allow to assume the role, for the principal and under the conditions, both given as JSON.
func trust(principal, conditions string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole*","Condition":` + conditions + `}`
}

const vendor = `{"AWS":"arn:aws:iam::444455556666:root"}`

func TestTrustPublic(t *testing.T) {
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"anyone":                    {trust(`"*"`, `{}`), true},
		"anyone in AWS":             {trust(`{"AWS":"*"}`, `{}`), true},
		"anyone with an id":         {trust(`{"AWS":"*"}`, `{"StringEquals":{"sts:ExternalId":"7f"}}`), false},
		"anyone in an organization": {trust(`{"AWS":"*"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}`), false},
		"anyone with MFA":           {trust(`{"AWS":"*"}`, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), true},
		"one account":               {trust(vendor, `{}`), false},
		"a service":                 {trust(`{"Service":"ec2.amazonaws.com"}`, `{}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy(t, test.statements).TrustPublic(); got != test.want {
				t.Errorf("public: %v", got)
			}
		})
	}
}

func TestExternalTrust(t *testing.T) {
	for name, test := range map[string]struct {
		statements  string
		accounts    []string
		conditioned bool
	}{
		"own account":                    {trust(`{"AWS":"111122223333"}`, `{}`), nil, true},
		"a trusted account":              {trust(`{"AWS":"arn:aws:iam::222233334444:role/ci"}`, `{}`), nil, true},
		"a vendor":                       {trust(vendor, `{}`), []string{"444455556666"}, false},
		"several, sorted, once":          {trust(`{"AWS":["999900001111","arn:aws:sts::444455556666:assumed-role/a/b","444455556666"]}`, `{}`), []string{"444455556666", "999900001111"}, false},
		"a vendor in China":              {trust(`{"AWS":"arn:aws-cn:iam::444455556666:root"}`, `{}`), []string{"444455556666"}, false},
		"a deleted principal":            {trust(`{"AWS":"AROAEXAMPLEID"}`, `{}`), nil, true},
		"a service":                      {trust(`{"Service":"ec2.amazonaws.com"}`, `{}`), nil, true},
		"denied only":                    {`{"Effect":"Deny","Principal":` + vendor + `,"Action":"*"}`, nil, true},
		"external id":                    {trust(vendor, `{"StringEquals":{"sts:ExternalId":["a","b"]}}`), []string{"444455556666"}, true},
		"any external id":                {trust(vendor, `{"StringLike":{"sts:ExternalId":"*"}}`), []string{"444455556666"}, false},
		"some external id":               {trust(vendor, `{"Null":{"sts:ExternalId":"false"}}`), []string{"444455556666"}, false},
		"MFA":                            {trust(vendor, `{"Bool":{"aws:MultiFactorAuthPresent":true}}`), []string{"444455556666"}, true},
		"MFA if it exists":               {trust(vendor, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`), []string{"444455556666"}, false},
		"no MFA":                         {trust(vendor, `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`), []string{"444455556666"}, false},
		"recent MFA":                     {trust(vendor, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), []string{"444455556666"}, true},
		"an address is not asked for":    {trust(vendor, `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), []string{"444455556666"}, false},
		"one conditioned, one not":       {trust(vendor, `{"StringEquals":{"sts:ExternalId":"a"}}`) + `,` + trust(vendor, `{}`), []string{"444455556666"}, false},
		"the other account is our own":   {trust(vendor, `{"StringEquals":{"sts:ExternalId":"a"}}`) + `,` + trust(`{"AWS":"111122223333"}`, `{}`), []string{"444455556666"}, true},
		"a vendor of the organization":   {trust(vendor, `{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}`), []string{"444455556666"}, true},
		"a canonical user has no number": {trust(`{"CanonicalUser":"444455556666"}`, `{}`), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			document, trusted := policy(t, test.statements), []string{"222233334444"}
			if diff := cmp.Diff(test.accounts, document.ExternalAccounts("111122223333", trusted)); diff != "" {
				t.Errorf("accounts differ (-want +got):\n%s", diff)
			}
			if got := document.ExternalTrustConditioned("111122223333", trusted); got != test.conditioned {
				t.Errorf("conditioned: %v", got)
			}
		})
	}
}

func TestFederatedSubjectOpen(t *testing.T) {
	federated := func(provider, conditions string) string {
		return trust(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/`+provider+`"}`, conditions)
	}
	const github, gitlab = "token.actions.githubusercontent.com", "gitlab.example.org"
	sub := func(operator, issuer, value string) string {
		return `{"` + operator + `":{"` + issuer + `:sub":"` + value + `","` + issuer + `:aud":"sts.amazonaws.com"}}`
	}
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"no condition":                      {federated(github, `{}`), true},
		"the audience alone":                {federated(github, `{"StringEquals":{"`+github+`:aud":"sts.amazonaws.com"}}`), true},
		"one branch":                        {federated(github, sub("StringEquals", github, "repo:example/app:ref:refs/heads/main")), false},
		"one repository":                    {federated(github, sub("StringLike", github, "repo:example/app:*")), false},
		"one organization":                  {federated(github, sub("StringLike", github, "repo:example/*")), false},
		"a key in another case":             {federated(github, sub("StringLike", "Token.Actions.GithubUserContent.com", "repo:example/*")), false},
		"organizations by prefix":           {federated(github, sub("StringLike", github, "repo:example*")), true},
		"any organization's main branch":    {federated(github, sub("StringLike", github, "repo:*:ref:refs/heads/main")), true},
		"any repository":                    {federated(github, sub("StringLike", github, "repo:*")), true},
		"a wildcard":                        {federated(github, sub("StringLike", github, "*")), true},
		"only if it exists":                 {federated(github, sub("StringLikeIfExists", github, "repo:example/*")), true},
		"for all values":                    {federated(github, sub("ForAllValues:StringLike", github, "repo:example/*")), true},
		"for any value":                     {federated(github, sub("ForAnyValue:StringLike", github, "repo:example/*")), false},
		"another provider's subject":        {federated(github, sub("StringLike", gitlab, "project_path:example/*")), true},
		"not a repository":                  {federated(github, sub("StringNotLike", github, "repo:example/*")), true},
		"a provider of one's own, open":     {federated(gitlab, `{}`), true},
		"a provider of one's own, any":      {federated(gitlab, sub("StringLike", gitlab, "*:*")), true},
		"a provider of one's own, a kind":   {federated(gitlab, sub("StringLike", gitlab, "project_path:*")), false},
		"Terraform, one organization":       {federated("app.terraform.io", sub("StringLike", "app.terraform.io", "organization:example:project:*")), false},
		"Terraform, any organization":       {federated("app.terraform.io", sub("StringLike", "app.terraform.io", "organization:*:project:prod:*")), true},
		"a cluster is no CI provider":       {federated("oidc.eks.eu-west-1.amazonaws.com/id/ABC", `{}`), false},
		"a person's sign-in":                {trust(`{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`, `{}`), false},
		"an action that takes no token":     {`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + github + `"},"Action":"sts:TagSession"}`, false},
		"a deny":                            {`{"Effect":"Deny","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + github + `"},"Action":"*"}`, false},
		"an enterprise's own GitHub issuer": {federated(github+"/corp", sub("StringLike", github+"/corp", "repo:*")), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy(t, test.statements).FederatedSubjectOpen(); got != test.want {
				t.Errorf("open: %v", got)
			}
		})
	}
}

func TestServiceTrust(t *testing.T) {
	for name, test := range map[string]struct {
		statements       string
		service, exposed bool
	}{
		"EC2":                                {trust(`{"Service":"ec2.amazonaws.com"}`, `{}`), true, false},
		"CloudTrail, any customer's":         {trust(`{"Service":"cloudtrail.amazonaws.com"}`, `{}`), true, true},
		"CloudTrail, one account's":          {trust(`{"Service":"cloudtrail.amazonaws.com"}`, `{"StringEquals":{"AWS:SourceAccount":"111122223333"}}`), true, false},
		"CloudTrail, by ARN":                 {trust(`{"Service":"cloudtrail.amazonaws.com"}`, `{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:111122223333:trail/*"}}`), true, false},
		"CloudTrail, by anybody's ARN":       {trust(`{"Service":"cloudtrail.amazonaws.com"}`, `{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:trail/*"}}`), true, true},
		"a service of one region":            {trust(`{"Service":"states.eu-west-1.amazonaws.com"}`, `{}`), true, true},
		"a service in China":                 {trust(`{"Service":"config.amazonaws.com.cn"}`, `{}`), true, true},
		"denied outside the account":         {trust(`{"Service":"config.amazonaws.com"}`, `{}`) + `,{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}}`, true, false},
		"a service and an account":           {trust(`{"Service":"ec2.amazonaws.com","AWS":"111122223333"}`, `{}`), false, false},
		"an account":                         {trust(vendor, `{}`), false, false},
		"a deny for an account":              {trust(`{"Service":"ec2.amazonaws.com"}`, `{}`) + `,{"Effect":"Deny","Principal":` + vendor + `,"Action":"*"}`, true, false},
		"everyone but a service":             {`{"Effect":"Allow","NotPrincipal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`, false, false},
		"a deny that spares the service":     {trust(`{"Service":"config.amazonaws.com"}`, `{}`) + `,{"Effect":"Deny","NotPrincipal":{"Service":"config.amazonaws.com"},"Action":"*"}`, true, true},
		"no statement trusts anybody at all": {`{"Effect":"Deny","Principal":"*","Action":"*"}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			document := policy(t, test.statements)
			if got := document.ServiceRole(); got != test.service {
				t.Errorf("service role: %v", got)
			}
			if got := document.ConfusedDeputyExposed(); got != test.exposed {
				t.Errorf("exposed: %v", got)
			}
		})
	}
}
