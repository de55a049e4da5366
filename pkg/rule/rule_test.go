package rule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

type server struct {
	posture.Meta
	Public   bool                   `json:"public"`
	Size     int64                  `json:"size"`
	Role     string                 `json:"role"`
	Days     posture.Opt[int64]     `json:"days"`
	Key      posture.Opt[string]    `json:"key"`
	Locked   posture.Opt[bool]      `json:"locked"`
	SeenAt   posture.Opt[time.Time] `json:"seen_at"`
	Zones    []string               `json:"zones"`
	Metadata metadata               `json:"metadata"`
	Backup   posture.Opt[backup]    `json:"backup"`
	Ports    []port                 `json:"ports"`
}

type metadata struct {
	Tokens string `json:"tokens"`
	Hops   int64  `json:"hops"`
}

type backup struct {
	Plan string `json:"plan"`
}

type port struct {
	ID    string   `json:"id" key:"true"`
	From  int64    `json:"from"`
	Open  bool     `json:"open"`
	CIDRs []string `json:"cidrs"`
}

var (
	serverType = "test.server"
	collected  = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	denied     = posture.Cause{Reason: posture.ReasonDenied, Operation: "Test.Get", Permission: "test:Get"}
)

func testTypes() []*posture.Type {
	return []*posture.Type{posture.NewType[server](serverType, nil), posture.NewType[metadata]("test.other", nil)}
}

func newTestCompiler(t testing.TB) *Compiler {
	t.Helper()
	types, err := NewTypes(testTypes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCompiler(types)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ruleFile is a rule whose conditions are given; every "|" line is added as it stands.
func ruleFile(passes string, more ...string) string {
	quoted, _ := json.Marshal(passes)
	return "id: test-server-x\nresource: test.server\npasses_when: " + string(quoted) + "\n" + strings.Join(more, "\n")
}

func compile(t testing.TB, c *Compiler, text string) *Program {
	t.Helper()
	r, err := Parse("test/server/x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Compile(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decode(t testing.TB, c *Compiler, id, attributes string, unread ...posture.Unread) *Record {
	t.Helper()
	list, err := json.Marshal(unread)
	if err != nil {
		t.Fatal(err)
	}
	content := fmt.Appendf(nil, `{"attributes":%s,"schema":1,"unread":%s}`, attributes, list)
	r, err := c.Types().Decode(posture.Key{Type: serverType, Region: "eu-west-1", ID: id}, "111122223333", content)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func unreadAt(paths ...string) []posture.Unread {
	var out []posture.Unread
	for _, p := range paths {
		out = append(out, posture.Unread{Path: p, Cause: denied})
	}
	return out
}

// full is a server of which everything was read.
const full = `{"backup":{"plan":"daily"},"created_at":"2026-01-01T00:00:00Z","days":30,"key":"k","locked":false,"name":"a",
	"metadata":{"hops":1,"tokens":"required"},"ports":[{"cidrs":["10.0.0.0/8"],"from":22,"id":"p1","open":false},
	{"cidrs":[],"from":443,"id":"p2","open":true}],"public":true,"role":"web-front","seen_at":"2026-03-08T23:00:00Z","size":3,
	"tags":{"env":"prod"},"zones":["a","b"]}`

// bare is a server whose optional settings are absent.
const bare = `{"backup":null,"created_at":null,"days":null,"key":null,"locked":null,"seen_at":null}`

func TestThreeValuedLogic(t *testing.T) {
	c := newTestCompiler(t)
	for name, test := range map[string]struct {
		condition string
		unread    []string
		want      posture.Result
		names     []string // the unread paths the verdict must name
	}{
		"a value decides":                                   {`resource.public`, nil, posture.Pass, nil},
		"the negation of unread is unknown":                 {`!resource.public`, []string{"public"}, posture.Unknown, []string{"public"}},
		"true decides or":                                   {`resource.public || resource.size > 1`, []string{"public"}, posture.Pass, nil},
		"false does not decide or":                          {`resource.public || resource.size > 9`, []string{"public"}, posture.Unknown, []string{"public"}},
		"false decides and":                                 {`resource.public && resource.size > 9`, []string{"public"}, posture.Fail, nil},
		"true does not decide and":                          {`resource.public && resource.size > 1`, []string{"public"}, posture.Unknown, []string{"public"}},
		"and names everything unread":                       {`resource.public && resource.size > 1`, []string{"public", "size"}, posture.Unknown, []string{"public", "size"}},
		"a nested or decides":                               {`(resource.public || resource.size == 3) && resource.role != ""`, []string{"public"}, posture.Pass, nil},
		"an unread choice is unknown":                       {`resource.public ? resource.size > 1 : resource.size > 2`, []string{"public"}, posture.Unknown, []string{"public"}},
		"a branch not taken may be unread":                  {`resource.public ? resource.size > 1 : resource.role == "x"`, []string{"role"}, posture.Pass, nil},
		"comparison with unread is unknown":                 {`resource.size >= 1`, []string{"size"}, posture.Unknown, []string{"size"}},
		"a string method of unread is unknown":              {`resource.role.startsWith("web")`, []string{"role"}, posture.Unknown, []string{"role"}},
		"a string method":                                   {`resource.role.matches("^web-[a-z]+$") && resource.role.lowerAscii().contains("front")`, nil, posture.Pass, nil},
		"in with an unread value is unknown":                {`resource.role in ["web-front", "x"]`, []string{"role"}, posture.Unknown, []string{"role"}},
		"in finds what was read of an incomplete list":      {`"a" in resource.zones`, []string{"zones[]"}, posture.Pass, nil},
		"in does not miss in an incomplete list":            {`"z" in resource.zones`, []string{"zones[]"}, posture.Unknown, []string{"zones[]"}},
		"not in of an incomplete list":                      {`!("z" in resource.zones)`, []string{"zones[]"}, posture.Unknown, []string{"zones[]"}},
		"in of joined lists":                                {`"z" in (["x"] + resource.zones + ["y"])`, []string{"zones[]"}, posture.Unknown, []string{"zones[]"}},
		"in of joined lists finds":                          {`"y" in (resource.zones + ["y"])`, []string{"zones[]"}, posture.Pass, nil},
		"in of a list wholly unread":                        {`"a" in resource.zones`, []string{"zones"}, posture.Unknown, []string{"zones"}},
		"exists is settled by a known element":              {`resource.ports.exists(p, p.open)`, []string{"ports[]"}, posture.Pass, nil},
		"exists is not refuted by an incomplete list":       {`resource.ports.exists(p, p.from == 1)`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"all is refuted by a known element":                 {`resource.ports.all(p, p.open)`, []string{"ports[]"}, posture.Fail, nil},
		"all is not met by an incomplete list":              {`resource.ports.all(p, p.from > 1)`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"an unread element field matters":                   {`resource.ports.all(p, !p.open || p.from == 443)`, []string{"ports[p1].open"}, posture.Unknown, []string{"ports[p1].open"}},
		"an unread element field may not matter":            {`resource.ports.all(p, p.open || p.from == 22)`, []string{"ports[p1].open"}, posture.Pass, nil},
		"an element wholly unread":                          {`resource.ports.all(p, p.from > 1)`, []string{"ports[p1]"}, posture.Unknown, []string{"ports[p1]"}},
		"an element nobody saw makes the list incomplete":   {`resource.ports.all(p, p.from > 1)`, []string{"ports[p9].open"}, posture.Unknown, []string{"ports[p9].open"}},
		"a list within an element is incomplete":            {`resource.ports.all(p, p.cidrs.all(c, c != "0.0.0.0/0"))`, []string{"ports[p1].cidrs[]"}, posture.Unknown, []string{"ports[p1].cidrs[]"}},
		"count of a complete list":                          {`count(resource.ports) == 2 && count(resource.zones) == 2`, nil, posture.Pass, nil},
		"count of an incomplete list":                       {`count(resource.ports) >= 1`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"count of a filtered incomplete list":               {`count(resource.ports.filter(p, p.open)) == 1`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"in of a mapped incomplete list":                    {`"p9" in resource.ports.map(p, p.id)`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"exists_one of an incomplete list":                  {`resource.ports.exists_one(p, p.open)`, []string{"ports[]"}, posture.Unknown, []string{"ports[]"}},
		"a nested object":                                   {`resource.metadata.tokens == "required"`, nil, posture.Pass, nil},
		"a nested field is unread":                          {`resource.metadata.tokens == "required"`, []string{"metadata.tokens"}, posture.Unknown, []string{"metadata.tokens"}},
		"the other nested field is not":                     {`resource.metadata.hops == 1`, []string{"metadata.tokens"}, posture.Pass, nil},
		"a nested object is unread":                         {`resource.metadata.tokens == "required"`, []string{"metadata"}, posture.Unknown, []string{"metadata"}},
		"an optional object that is there":                  {`resource.backup != null && resource.backup.plan != ""`, nil, posture.Pass, nil},
		"an optional selection of unread":                   {`resource.?days.orValue(0) > 5`, []string{"days"}, posture.Unknown, []string{"days"}},
		"an optional selection within unread":               {`resource.?backup.?plan.orValue("") == "daily"`, []string{"backup"}, posture.Unknown, []string{"backup"}},
		"an optional selection of a value":                  {`resource.?days.orValue(0) > 5 && resource.?backup.?plan.orValue("") == "daily"`, nil, posture.Pass, nil},
		"unread compared with null":                         {`resource.days == null`, []string{"days"}, posture.Unknown, []string{"days"}},
		"a value compared with null":                        {`resource.days != null && resource.days <= 30`, nil, posture.Pass, nil},
		"tags":                                              {`resource.tags["env"] == "prod" && "env" in resource.tags && !("x" in resource.tags)`, nil, posture.Pass, nil},
		"unread tags":                                       {`"env" in resource.tags`, []string{"tags"}, posture.Unknown, []string{"tags"}},
		"a tag that is unread makes all tags so":            {`"env" in resource.tags`, []string{"tags.env"}, posture.Unknown, []string{"tags.env"}},
		"unread through a function":                         {`age_days(resource.seen_at) < 5`, []string{"seen_at"}, posture.Unknown, []string{"seen_at"}},
		"the envelope":                                      {`resource.id == "i-1" && resource.region == "eu-west-1" && resource.account_id == "111122223333"`, nil, posture.Pass, nil},
		"a path the schema does not have":                   {`resource.public`, []string{"gone", "gone.x", "metadata.gone", "ports[p1].gone", "public.x.y[", "[", "]", ".", ""}, posture.Unknown, []string{"public.x.y["}},
		"joined lists of an incomplete one count as unread": {`count(resource.zones + ["z"]) > 0`, []string{"zones[]"}, posture.Unknown, []string{"zones[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			record := decode(t, c, "i-1", full, unreadAt(test.unread...)...)
			got := compile(t, c, ruleFile(test.condition)).Evaluate(Subject{Key: record.Key(), Resource: record}, collected)
			if got.Result != test.want {
				t.Fatalf("want %s, got %s: %s", test.want, got.Result, got.Reason)
			}
			var names []string
			for _, u := range got.Unread {
				names = append(names, u.Path)
				if u.Cause != denied {
					t.Errorf("%s: want cause %v, got %v", u.Path, denied, u.Cause)
				}
			}
			if diff := cmp.Diff(test.names, names); diff != "" {
				t.Errorf("unread paths differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAbsentAndNeverCollected(t *testing.T) {
	c := newTestCompiler(t)
	for name, test := range map[string]struct {
		condition, attributes string
		want                  posture.Result
		reason                string // part of it
	}{
		"absent equals null":                     {`resource.days == null && resource.key == null && resource.seen_at == null && resource.backup == null`, bare, posture.Pass, "days = absent"},
		"absent fails a guarded comparison":      {`resource.days != null && resource.days <= 5`, bare, posture.Fail, "resource.days != null (days = absent)"},
		"absent compared is a rule error":        {`resource.days <= 5`, bare, posture.Unknown, "rule error in passes_when: resource.days <= 5"},
		"absent equality is false":               {`resource.locked == true`, bare, posture.Fail, "locked = absent"},
		"an absent condition is a rule error":    {`resource.locked`, bare, posture.Unknown, "rule error"},
		"a field of an absent object":            {`resource.backup.plan == "daily"`, bare, posture.Unknown, "rule error"},
		"or saves from an error":                 {`resource.days <= 5 || resource.locked == null`, bare, posture.Pass, "locked = absent"},
		"unknown outweighs an error":             {`resource.days <= 5 || resource.public`, bare, posture.Unknown, "not read: public, not_collected"},
		"an optional selection of absent":        {`resource.?days.orValue(7) == 7 && resource.?backup.?plan.orValue("none") == "none"`, bare, posture.Pass, "days = absent"},
		"a function of absent is a rule error":   {`age_days(resource.seen_at) < 5`, bare, posture.Unknown, "rule error"},
		"what is missing was not collected":      {`resource.metadata.tokens == "x"`, bare, posture.Unknown, "not read: metadata, not_collected"},
		"a missing field of an element":          {`resource.ports.all(p, p.open)`, `{"ports":[{"id":"p1"}]}`, posture.Unknown, "not read: ports[p1].open, not_collected"},
		"a missing tag is a rule error":          {`resource.tags["x"] == "y"`, full, posture.Unknown, "rule error"},
		"null where nothing may be absent":       {`resource.size == 0`, `{"size":null}`, posture.Unknown, "not read: size, parse_error"},
		"a value of another shape":               {`resource.size == 0`, `{"size":"many"}`, posture.Unknown, "not read: size, parse_error"},
		"a number too large":                     {`resource.size == 0`, `{"size":1e400}`, posture.Unknown, "not read: size, parse_error"},
		"a time that is none":                    {`resource.seen_at == null`, `{"seen_at":"yesterday"}`, posture.Unknown, "not read: seen_at, parse_error"},
		"an element of another shape":            {`resource.zones.all(z, z == "a")`, `{"zones":["a",1]}`, posture.Unknown, "not read: zones[], parse_error"},
		"a tag of another shape":                 {`!("x" in resource.tags)`, `{"tags":{"a":1}}`, posture.Unknown, "not read: tags, parse_error"},
		"escapes are read":                       {`resource.role == "a\"b\u00e9"`, `{"role":"a\"b\u00e9"}`, posture.Pass, "role"},
		"ages count days of the calendar in UTC": {`age_days(resource.seen_at) == 2`, full, posture.Pass, "seen_at = 2026-03-08T23:00:00Z"},
		"days until are ages backwards":          {`days_until(resource.seen_at) == -2`, full, posture.Pass, "seen_at = 2026-03-08T23:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			record := decode(t, c, "i-1", test.attributes)
			got := compile(t, c, ruleFile(test.condition)).Evaluate(Subject{Key: record.Key(), Resource: record}, collected)
			if got.Result != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("want %s, %q; got %s, %q", test.want, test.reason, got.Result, got.Reason)
			}
			if (got.Result == posture.Unknown) != (len(got.Unread) > 0) {
				t.Errorf("unread goes with unknown: %v", got.Unread)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	c := newTestCompiler(t)
	for name, test := range map[string]struct {
		condition string
		more      []string
		want      string
	}{
		"the conjunct that failed": {
			`resource.size > 1 && resource.role == "db"`, nil,
			`not met: resource.role == "db" (role = "web-front")`},
		"every conjunct that was met": {
			`resource.size > 1 && resource.public`, nil,
			`met: resource.size > 1 (size = 3); resource.public (public = true)`},
		"the alternative that was met": {
			`resource.size > 5 || resource.public`, nil,
			`met: resource.public (public = true)`},
		"every alternative that failed": {
			`resource.size > 5 || !resource.public`, nil,
			`not met: resource.size > 5 (size = 3); !resource.public (public = true)`},
		"parameters": {
			`resource.size > params.least`, []string{"params: {least: 2}"},
			`met: resource.size > params.least (size = 3, params.least = 2)`},
		"the element that breaks all": {
			`resource.ports.all(p, !p.open)`, nil,
			`not met: resource.ports.all(p, !p.open) (ports: [p2 {open: true}])`},
		"the element that meets exists": {
			`resource.ports.exists(p, p.open && p.from == 443)`, nil,
			`met: resource.ports.exists(p, p.open && p.from == 443) (ports: [p2 {from: 443, open: true}])`},
		"all elements when none decides": {
			`resource.ports.exists(p, p.from == 1)`, nil,
			`not met: resource.ports.exists(p, p.from == 1) (ports = [p1 {from: 22}, p2 {from: 443}])`},
		"the condition that says whom it concerns": {
			`resource.public`, []string{`applies_when: resource.role == "db"`},
			`does not apply: resource.role == "db" (role = "web-front")`},
		"no ages": {
			`age_days(resource.seen_at) > 100`, nil,
			`not met: age_days(resource.seen_at) > 100 (seen_at = 2026-03-08T23:00:00Z)`},
	} {
		t.Run(name, func(t *testing.T) {
			record := decode(t, c, "i-1", full)
			got := compile(t, c, ruleFile(test.condition, test.more...)).Evaluate(Subject{Key: record.Key(), Resource: record}, collected)
			if diff := cmp.Diff(test.want, got.Reason); diff != "" {
				t.Errorf("reason differs (-want +got):\n%s", diff)
			}
		})
	}
}

// Of a list whose reading broke off at once nobody knows whether it holds anything, even where every element would count.
func TestNothingKnownOfAList(t *testing.T) {
	c := newTestCompiler(t)
	record := decode(t, c, "i-1", `{"ports":[],"public":true,"zones":[]}`, unreadAt("zones[]")...)
	for condition, want := range map[string]posture.Result{
		`resource.zones.exists(z, resource.public)`:                posture.Unknown,
		`resource.zones.exists(z, !resource.public)`:               posture.Fail,
		`resource.zones.all(z, resource.public)`:                   posture.Pass,
		`resource.zones.all(z, !resource.public)`:                  posture.Unknown,
		`resource.zones.all(z, z in [] || resource.public)`:        posture.Pass,
		`resource.zones.exists_one(z, resource.public)`:            posture.Unknown,
		`resource.zones.exists_one(z, !resource.public)`:           posture.Fail,
		`count(resource.zones.filter(z, resource.public)) == 1`:    posture.Unknown,
		`count(resource.zones.filter(z, false)) == 0`:              posture.Pass,
		`count(resource.zones.map(z, 1)) == 1`:                     posture.Unknown,
		`count(resource.zones.map(z, resource.public, 1)) == 1`:    posture.Unknown,
		`1 in resource.zones.map(z, 1)`:                            posture.Unknown,
		`resource.zones.all(z, resource.ports.exists(p, p.open))`:  posture.Unknown,
		`!resource.zones.exists(z, resource.ports.all(p, p.open))`: posture.Unknown,
	} {
		got := compile(t, c, ruleFile(condition)).Evaluate(Subject{Resource: record}, collected)
		if got.Result != want {
			t.Errorf("%s: want %s, got %s: %s", condition, want, got.Result, got.Reason)
		}
	}
}

func TestUnknownAppliesWhenIsUnknown(t *testing.T) {
	c := newTestCompiler(t)
	record := decode(t, c, "i-1", full, unreadAt("role")...)
	p := compile(t, c, ruleFile("resource.public", `applies_when: resource.role == "db"`))
	if got := p.Evaluate(Subject{Key: record.Key(), Resource: record}, collected); got.Result != posture.Unknown {
		t.Errorf("got %s: %s", got.Result, got.Reason)
	}
}

func TestUnknownForACell(t *testing.T) {
	c := newTestCompiler(t)
	p := compile(t, c, ruleFile("resource.public"))
	cell := posture.Key{Type: serverType, Region: "eu-west-1"}
	want := posture.Verdict{RuleID: "test-server-x", RuleVersion: p.Version, Resource: cell, Result: posture.Unknown,
		Reason: "not read: the list of test.server, denied: Test.Get (needs test:Get)", Unread: []posture.Unread{{Cause: denied}}}
	if diff := cmp.Diff(want, p.UnknownFor(cell, denied)); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
}

func TestRulesOnAWholeAccount(t *testing.T) {
	c := newTestCompiler(t)
	p := compile(t, c, "id: x\nresource: test.account\ninputs: [test.server]\npasses_when: inputs.test.server.exists(s, s.public)\n")
	private, public, unread := decode(t, c, "i-1", `{"public":false}`), decode(t, c, "i-2", `{"public":true}`), decode(t, c, "i-3", `{}`)
	account := posture.Key{Type: "test.account", Region: posture.Global, ID: "111122223333"}
	for name, test := range map[string]struct {
		inputs map[string]Input
		want   posture.Result
		names  []string
	}{
		"a list without resources fails exists": {map[string]Input{serverType: NewInput(serverType, nil, nil)}, posture.Fail, nil},
		"one resource meets it":                 {map[string]Input{serverType: NewInput(serverType, []*Record{private, public}, nil)}, posture.Pass, nil},
		"a known resource settles it":           {map[string]Input{serverType: NewInput(serverType, []*Record{public}, []posture.Cause{denied})}, posture.Pass, nil},
		"a region not listed leaves it open": {map[string]Input{serverType: NewInput(serverType, []*Record{private}, []posture.Cause{denied, denied})},
			posture.Unknown, []string{"inputs.test.server"}},
		"an unread field of an input names the resource": {map[string]Input{serverType: NewInput(serverType, []*Record{private, unread}, nil)},
			posture.Unknown, []string{"inputs.test.server[i-3].public"}},
		"an input that was not given is unread": {nil, posture.Unknown, []string{"inputs.test.server"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.Evaluate(Subject{Key: account, Inputs: test.inputs}, collected)
			if got.Result != test.want || got.Resource != account {
				t.Fatalf("want %s of %v, got %s of %v: %s", test.want, account, got.Result, got.Resource, got.Reason)
			}
			var names []string
			for _, u := range got.Unread {
				names = append(names, u.Path)
			}
			if diff := cmp.Diff(test.names, names); diff != "" {
				t.Errorf("unread paths differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusesWhatIsNoDocument(t *testing.T) {
	c := newTestCompiler(t)
	for _, content := range []string{``, `[]`, `{`, `{"attributes":[]}`, `{"attributes":{"size":1}`, `{"attributes":{"zones":["a"`, `{} {}`,
		`{"attributes":{"size":1,"size":2}}`, `{"attributes":{},"unread":{}}`, "{\"attributes\":{\"role\":\"\xff\"}}"} {
		if _, err := c.Types().Decode(posture.Key{Type: serverType}, "1", []byte(content)); err == nil {
			t.Errorf("%s was taken for a document", content)
		}
	}
	if _, err := c.Types().Decode(posture.Key{Type: "test.none"}, "1", []byte(`{}`)); err == nil {
		t.Error("a type nobody knows was decoded")
	}
}
