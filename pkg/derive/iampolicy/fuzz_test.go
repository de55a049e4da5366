package iampolicy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func seeds(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"Statement":[]}`, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":["s3:Get*","S3:*"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}}`,
		`{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny","NotPrincipal":{"AWS":["111122223333"]},"NotAction":"iam:*","NotResource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"ForAnyValue:StringLikeIfExists":{"aws:PrincipalOrgPaths":["o-a/*"]}}}]}`,
		`{"Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*"}}}]}`,
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Condition":{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:PCR0":"00"}}},{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"},"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`,
	} {
		f.Add(s)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(document.Canonical())
		if err != nil {
			t.Fatalf("canonical form %s: %v", document.Canonical(), err)
		}
		if diff := cmp.Diff(document, again); diff != "" {
			t.Fatalf("canonical form reads differently:\n%s", diff)
		}
		if _, err := New(document.Statements); err != nil {
			t.Fatalf("stored statements: %v", err)
		}
	})
}

func FuzzAnalysis(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := Parse(text)
		if err != nil || len(text) > 4096 {
			return
		}
		plus := func(extra Statement) Document {
			return Document{Statements: append(slices.Clone(document.Statements), extra)}
		}
		denied := plus(Statement{Effect: deny, Principals: []string{"*"}, Actions: []string{"*"}, Resources: []string{"*"}})
		if denied.FullAdmin() || len(denied.PrivilegeEscalationPaths()) > 0 || len(denied.WildcardResourceActions()) > 0 {
			t.Error("something is granted in spite of a Deny of everything")
		}
		if denied.PublicWithin(BucketLimits()...) || denied.TrustPublic() || denied.PublicRead() || denied.PublicWrite() {
			t.Error("public in spite of a Deny of everything")
		}
		if denied.Enclave("111122223333").BypassPaths > 0 {
			t.Error("a bypass in spite of a Deny of everything")
		}
		for _, extra := range []Statement{
			{Effect: allow, Principals: []string{"AWS:444455556666"}, Actions: []string{"s3:getobject"}, Resources: []string{"*"}},
			{Effect: allow, Principals: []string{"*"}, Actions: []string{"*"}, Resources: []string{"*"}},
		} {
			more := plus(extra)
			for name, analysis := range map[string]func(Document) bool{
				"public":       func(d Document) bool { return d.PublicWithin(KeyLimits()...) },
				"trust public": Document.TrustPublic, "read": Document.PublicRead, "write": Document.PublicWrite,
				"full admin": Document.FullAdmin, "deputy": Document.ConfusedDeputyExposed, "subject": Document.FederatedSubjectOpen,
			} {
				if analysis(document) && !analysis(more) {
					t.Errorf("another Allow makes %s false", name)
				}
			}
			if document.TLSOnly("arn:aws:s3:::b") != more.TLSOnly("arn:aws:s3:::b") {
				t.Error("an Allow changes whether TLS is required")
			}
		}
		for name, list := range map[string][]string{
			"services": document.ServiceWildcards(), "actions": document.WildcardResourceActions(),
			"paths": document.PrivilegeEscalationPaths(), "duties": document.MixedDuties(),
			"accounts": document.ExternalAccounts("111122223333", nil),
		} {
			if !slices.IsSorted(list) {
				t.Errorf("%s are not sorted: %q", name, list)
			}
		}
		if document.ServiceRole() && len(document.ExternalAccounts("", nil)) > 0 {
			t.Error("a service role trusts accounts")
		}
		if len(document.ExternalAccounts("", nil)) == 0 && !document.ExternalTrustConditioned("", nil) {
			t.Error("trust of no external account is not conditioned")
		}
		if diff := cmp.Diff(document.Enclave(""), document.Enclave("")); diff != "" || document.PCRMismatches(nil) != 0 {
			t.Errorf("enclave analysis differs from itself, or misses what nobody approved: %s", diff)
		}
	})
}
