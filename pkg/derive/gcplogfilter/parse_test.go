package gcplogfilter

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct{ filter, want string }{
		"nothing is the empty filter":                 {"", ""},
		"comments alone are nothing":                  {" -- all of it\n--", ""},
		"a bare value means the same as a quoted one": {`resource.type=gce_network`, `resource.type="gce_network"`},
		"single quotes quote too":                     {`resource.type='gce_network'`, `resource.type="gce_network"`},
		"space does not count":                        {"resource.type  =\n\t\"gce_network\"", `resource.type="gce_network"`},
		"OR binds tighter than AND":                   {`a=1 OR b=2 AND c=3 OR d=4`, `(a=1 OR b=2) AND (c=3 OR d=4)`},
		"terms side by side are joined by AND":        {"a=1\nb=2 OR c=3", `a=1 AND (b=2 OR c=3)`},
		"NOT binds tightest":                          {`"a" OR NOT "b" AND NOT "c" OR "d"`, `("a" OR NOT "b") AND (NOT "c" OR "d")`},
		"a dash is NOT":                               {`-resource.type="x" -"y" -(a=1 OR b=2)`, `NOT resource.type="x" AND NOT "y" AND NOT (a=1 OR b=2)`},
		"a dash before a digit is a sign":             {`x>-5`, `x>-5`},
		"two NOTs are none":                           {`NOT (NOT a=1)`, `a=1`},
		"parentheses that change nothing go":          {`((a=1) AND (b=2 AND (c=3)))`, `a=1 AND b=2 AND c=3`},
		"small or is text":                            {`a or b`, `"a" AND "or" AND "b"`},
		"a quoted AND is text":                        {`a "AND" b`, `"a" AND "AND" AND "b"`},
		"a list of values":                            {`a=("x" OR y AND NOT z)`, `a=(("x" OR "y") AND NOT "z")`},
		"a list of one":                               {`a:("x")`, `a:"x"`},
		"every operator":                              {`a!=b a>b a>=b a<b a<=b a:b a=~b a!~b`, `a!="b" AND a>"b" AND a>="b" AND a<"b" AND a<="b" AND a:"b" AND a=~"b" AND a!~"b"`},
		"presence":                                    {`operation.id : *`, `operation.id:*`},
		"a star in quotes is another":                 {`a:"*"`, `a:"*"`},
		"numbers stay bare":                           {`a=5 b=0.25 c=-.5 d="5"`, `a=5 AND b=0.25 AND c=-.5 AND d="5"`},
		"null":                                        {`a=NULL_VALUE`, `a=NULL_VALUE`},
		"quoted parts of a path":                      {`protoPayload."@type"="x" labels."a/b".c=d`, `protoPayload."@type"="x" AND labels."a/b".c="d"`},
		"a part in needless quotes":                   {`"resource"."type"=x`, `resource.type="x"`},
		"a dot in quotes does not part":               {`"resource.type"=x`, `"resource.type"="x"`},
		"escapes":                                     {`a="say \"x\" \\ \d"`, `a="say \"x\" \\ \\d"`},
		"a comment ends with the line":                {"a=1 -- AND b=2\nc=3", `a=1 AND c=3`},
		"dashes in quotes are no comment":             {`a="b--c"`, `a="b--c"`},
		"functions":                                   {`LOG_ID("x/y") sample(insertId, 0.25)`, `log_id("x/y") AND sample(insertId, 0.25)`},
		"a function on the left":                      {`cast(a.b, FLOAT64)>5`, `cast(a.b, FLOAT64)>5`},
		"a function on the right":                     {`metric.type=starts_with("x")`, `metric.type=starts_with("x")`},
		"a group after a value":                       {`a (b OR c)`, `"a" AND ("b" OR "c")`},
		"NOT touches its parenthesis":                 {`NOT(a=1)`, `NOT a=1`},
		"every script":                                {`résumé=日本`, `"résumé"="日本"`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(test.filter)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, f.String()); diff != "" {
				t.Errorf("normal form differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		filter string
		offset int
	}{
		"an open quotation":             {`a="b`, 2},
		"an open parenthesis":           {`(a=1`, 4},
		"a parenthesis too many":        {`a=1)`, 3},
		"an open list":                  {`a=(b OR c`, 9},
		"an open call":                  {`log_id("x"`, 10},
		"no value":                      {`a=`, 2},
		"no field":                      {`="x"`, 0},
		"OR at the start":               {`OR a=1`, 0},
		"AND at the end":                {`a=1 AND`, 7},
		"NOT alone":                     {`NOT`, 3},
		"two operators":                 {`a==b`, 2},
		"a comparison of comparisons":   {`a=b=c`, 3},
		"a lone mark of exclamation":    {`a ! b`, 2},
		"empty parentheses":             {`()`, 1},
		"arguments without comma":       {`log_id("x" "y")`, 11},
		"a comma outside of a call":     {`a=1, b=2`, 3},
		"a word glued to a parenthesis": {`x-y("z")`, 3},
		"bytes that are no text":        {"a=\xff", 0},
		"parentheses without end":       {strings.Repeat("(", 5000), maxDepth},
		"calls without end":             {strings.Repeat("f(", 5000), 2*maxDepth + 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(test.filter)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("read as %s", f)
			}
			if syntax.Offset != test.offset {
				t.Errorf("%v, want byte %d", err, test.offset)
			}
		})
	}
}

func TestEquals(t *testing.T) {
	for filter, want := range map[string][]string{
		`metric.type="x" AND resource.type="global"`: {"x"},
		`metric.type = x resource.type = y`:          {"x"},
		`metric.type=("x" OR "y")`:                   {"x", "y"},
		`NOT metric.type="x"`:                        nil,
		`metric.type=(NOT "x")`:                      nil,
		`metric.type!="x"`:                           nil,
		`metric.type:"x"`:                            nil,
		`metric.labels.type="x"`:                     nil,
		`metric.type=starts_with("x")`:               nil,
		`"metric.type=x"`:                            nil,
		``:                                           nil,
	} {
		f, err := Parse(filter)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Equals("metric", "type")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		``, `a`, `-a`, `- "a"`, `resource.type="gce_network" AND (protoPayload.methodName:"x" OR protoPayload.methodName:"y")`,
		`NOT log_id("cloudaudit.googleapis.com/activity") severity>=NOTICE -- comment`, `a=("x" OR NOT (y z))`, `"a\"b\\c"`,
		`a!=(x OR y)`, `sample(insertId, 0.01) ip_in_net(a.b, "10.0.0.0/8")`, `"é".'x'.y:*`, `a=~"^v1\.(x|y)$"`, `x=-("a")`, `..=.`, `-.5`, `severity=NULL_VALUE`,
		`protoPayload."@type"=type a.AND=NOT`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		filter, err := Parse(source)
		if err != nil {
			return
		}
		printed := filter.String()
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("normal form %s: %v", printed, err)
		}
		if diff := cmp.Diff(filter, again, cmp.AllowUnexported(Filter{}, not{}, comparison{}, call{}, text{})); diff != "" {
			t.Fatalf("normal form %s reads differently:\n%s", printed, diff)
		}
		turned := map[Coverage]Coverage{None: Every, Every: None}
		for _, class := range append(Changes(), AuditLogs(), Everything()) {
			got, opposite := filter.Of(class, "projects/acme"), Not(filter).Of(class, "projects/acme")
			if want, sure := turned[got]; sure && want != opposite {
				t.Errorf("%s: %s of %s, and its opposite %s", printed, nameOf(got), class.Name, nameOf(opposite))
			}
			if narrowed := All(filter, again, Not(filter)).Of(class, "projects/acme"); narrowed == Every {
				t.Errorf("%s: a filter and its opposite select every entry of %s", printed, class.Name)
			}
			if got == Every && !filter.Touches(class, "projects/acme") {
				t.Errorf("%s selects every entry of %s and touches none", printed, class.Name)
			}
		}
	})
}
