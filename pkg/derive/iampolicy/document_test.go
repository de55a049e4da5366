package iampolicy

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// policy wraps statements, written as JSON, into a parsed document.
func policy(t *testing.T, statements string) Document {
	t.Helper()
	document, err := Parse(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Document
	}{
		"a blank text is no policy": {" ", Document{}},
		"single values become lists, actions lower case": {
			`{"Version":"2012-10-17","Id":"i","Statement":{"Sid":"s","Effect":"Allow","Action":"S3:GetObject","Resource":"*"}}`,
			Document{"2012-10-17", "i", []Statement{{SID: "s", Effect: "Allow", Actions: []string{"s3:getobject"}, Resources: []string{"*"}}}},
		},
		"principals carry their kind, lists are sorted and hold nothing twice": {
			`{"Statement":[{"Effect":"Allow","Action":["b:x","a:x","b:X"],"Principal":{"Service":"ec2.amazonaws.com","AWS":["*","111122223333"],
				"Federated":"cognito-identity.amazonaws.com","CanonicalUser":"79a5"}}]}`,
			Document{Statements: []Statement{{Effect: "Allow", Actions: []string{"a:x", "b:x"}, Principals: []string{
				"AWS:*", "AWS:111122223333", "CanonicalUser:79a5", "Federated:cognito-identity.amazonaws.com", "Service:ec2.amazonaws.com"}}}},
		},
		"the negated elements and a star": {
			`{"statement":[{"effect":"deny","notaction":"iam:*","notprincipal":"*","notresource":["r"]}]}`,
			Document{Statements: []Statement{{Effect: "Deny", NotActions: []string{"iam:*"}, NotPrincipals: []string{"*"}, NotResources: []string{"r"}}}},
		},
		"conditions are canonical: keys sorted, values listed as text": {
			`{"Statement":[{"Effect":"Deny","Action":"*","Condition":{"NumericLessThan":{"s3:TlsVersion":1.2},
				"Bool":{"aws:SecureTransport":false},"StringEquals":{"b":["y","x"],"a":"<&>"}}}]}`,
			Document{Statements: []Statement{{Effect: "Deny", Actions: []string{"*"},
				ConditionsJSON: `{"Bool":{"aws:SecureTransport":["false"]},"NumericLessThan":{"s3:TlsVersion":["1.2"]},"StringEquals":{"a":["<&>"],"b":["x","y"]}}`,
				Conditions: Conditions{"Bool": {"aws:SecureTransport": {"false"}}, "NumericLessThan": {"s3:TlsVersion": {"1.2"}},
					"StringEquals": {"a": {"<&>"}, "b": {"x", "y"}}}}}},
		},
		"an empty condition is none": {
			`{"Statement":[{"Effect":"Allow","Action":"*","Condition":{}}]}`,
			Document{Statements: []Statement{{Effect: "Allow", Actions: []string{"*"}}}},
		},
		"no statements": {`{"Statement":[]}`, Document{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("document differs (-want +got):\n%s", diff)
			}
			again, err := Parse(got.Canonical())
			if diff := cmp.Diff(got, again); err != nil || diff != "" {
				t.Errorf("canonical form reads differently: %v\n%s", err, diff)
			}
			rebuilt, err := New(got.Statements)
			if diff := cmp.Diff(got.Statements, rebuilt.Statements); err != nil || diff != "" {
				t.Errorf("rebuilt statements differ: %v\n%s", err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a cut document":                   `{"Statement":[{"Effect":"Allow"`,
		"text after the end":               `{"Statement":[]} {}`,
		"a list at the top":                `[]`,
		"a missing statement":              `{"Version":"2012-10-17"}`,
		"a key given twice":                `{"Statement":[{"Effect":"Allow","Action":"a:b","Action":"a:c"}]}`,
		"a key given in two cases":         `{"Statement":[{"Effect":"Allow","Action":"a:b","action":"a:c"}]}`,
		"an unknown element":               `{"Statement":[{"Effect":"Allow","Action":"a:b","NotCondition":{}}]}`,
		"an unknown effect":                `{"Statement":[{"Effect":"Permit","Action":"a:b"}]}`,
		"a missing effect":                 `{"Statement":[{"Action":"a:b"}]}`,
		"a missing action":                 `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`,
		"an empty action list":             `{"Statement":[{"Effect":"Allow","Action":[]}]}`,
		"a null action":                    `{"Statement":[{"Effect":"Allow","Action":null}]}`,
		"an action and its negation":       `{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"a:b"}]}`,
		"a principal and its negation":     `{"Statement":[{"Effect":"Allow","Action":"*","Principal":"*","NotPrincipal":"*"}]}`,
		"an unknown kind of principal":     `{"Statement":[{"Effect":"Allow","Action":"*","Principal":{"Group":"g"}}]}`,
		"an empty principal":               `{"Statement":[{"Effect":"Allow","Action":"*","Principal":{}}]}`,
		"a condition that is a list":       `{"Statement":[{"Effect":"Allow","Action":"*","Condition":[]}]}`,
		"a condition key without values":   `{"Statement":[{"Effect":"Allow","Action":"*","Condition":{"Bool":{"a":[]}}}]}`,
		"nesting deeper than any document": `{"Statement":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse(text); err == nil {
				t.Errorf("parsed as %+v", got)
			}
		})
	}
}

func TestNew(t *testing.T) {
	for name, test := range map[string]struct {
		statement Statement
		wantError bool
	}{
		"stored fields are enough":        {Statement{Effect: "allow", Actions: []string{"S3:*"}, ConditionsJSON: `{"Bool":{"a":"true"}}`}, false},
		"garbled conditions":              {Statement{Effect: "Allow", Actions: []string{"*"}, ConditionsJSON: `{"Bool":`}, true},
		"actions lost on the way":         {Statement{Effect: "Allow"}, true},
		"an effect lost on the way":       {Statement{Actions: []string{"*"}}, true},
		"resources and their negation":    {Statement{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"a"}, NotResources: []string{"b"}}, true},
		"conditions that hold a bare key": {Statement{Effect: "Allow", Actions: []string{"*"}, ConditionsJSON: `{"Bool":"true"}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := New([]Statement{test.statement})
			if (err != nil) != test.wantError {
				t.Fatalf("error %v, want one: %v", err, test.wantError)
			}
			want := Statement{Effect: "Allow", Actions: []string{"s3:*"}, ConditionsJSON: `{"Bool":{"a":["true"]}}`, Conditions: Conditions{"Bool": {"a": {"true"}}}}
			if err == nil && !cmp.Equal(got.Statements, []Statement{want}) {
				t.Error(cmp.Diff([]Statement{want}, got.Statements))
			}
		})
	}
}

func TestDecode(t *testing.T) {
	const text = `{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a+b/*"}]}`
	got, err := Decode(url.PathEscape(text))
	if err != nil || got != text {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Decode("%7B+%2B"); err != nil || got != "{++" {
		t.Errorf("a plus stands for itself: got %q, %v", got, err)
	}
	if got, err := Decode("%7"); err == nil {
		t.Errorf("a cut escape was read as %q", got)
	}
}

func TestPatterns(t *testing.T) {
	for name, test := range map[string]struct {
		a, b               string
		covers, intersects bool
	}{
		"equal":                             {"iam:passrole", "iam:passrole", true, true},
		"different":                         {"iam:passrole", "iam:getrole", false, false},
		"a star covers all":                 {"*", "iam:*", true, true},
		"a service covers its prefix":       {"s3:*", "s3:get*", true, true},
		"a prefix meets its service only":   {"s3:get*", "s3:*", false, true},
		"a suffix and a prefix meet":        {"s3:get*", "s3:*acl", false, true},
		"a question mark is one character":  {"iam:passrol?", "iam:passrole", true, true},
		"a question mark is no star":        {"iam:passrol?", "iam:passrol*", false, true},
		"two questions need two characters": {"s3:??", "s3:a", false, false},
		"a star in the middle":              {"a*c*e", "abcde", true, true},
		"a star matches nothing too":        {"ab*", "ab", true, true},
		"both empty":                        {"", "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := covers(test.a, test.b); got != test.covers {
				t.Errorf("covers: %v", got)
			}
			if got := intersects(test.a, test.b); got != test.intersects {
				t.Errorf("intersects: %v", got)
			}
			if got := intersects(test.b, test.a); got != test.intersects {
				t.Errorf("intersects, the other way round: %v", got)
			}
		})
	}
}
