package rule

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// conditions use every operator and function rules have, over every kind of field.
var conditions = []string{
	`resource.public`, `!resource.public || resource.size > 2`, `resource.public && resource.size > 2`,
	`resource.public ? resource.size > 2 : resource.role == "a"`, `resource.role in ["a", "b"]`, `!(resource.role in resource.zones)`,
	`"a" in resource.zones`, `resource.zones.all(z, z != "b")`, `resource.zones.exists(z, z.startsWith("c"))`, `count(resource.zones) > 1`,
	`count(resource.zones + ["a"]) == 3`, `"b" in (["x"] + resource.zones)`, `"b" in resource.zones.map(z, z)`,
	`resource.zones.exists_one(z, z == "a")`, `count(resource.zones.filter(z, z == "a")) == 1`, `resource.zones[0] == "a"`,
	`resource.days == null || resource.days <= 2`, `resource.days != null && resource.days > 2`, `resource.?days.orValue(3) > 2`,
	`resource.?days.hasValue()`, `resource.locked == true`, `resource.key == null`, `resource.key == resource.role`,
	`age_days(resource.created_at) > 2 || resource.created_at == null`, `days_until(resource.seen_at) > 0`,
	`resource.metadata.tokens == "a" && resource.metadata.hops > 1`, `resource.?backup.?plan.orValue("a") == "a"`,
	`resource.backup == null || resource.backup.plan != "b"`, `"a" in resource.tags && resource.tags["a"] == "b"`, `size(resource.tags) == 1`,
	`resource.tags.all(k, k != "b")`, `resource.tags == {"a": "b"}`, `resource.?tags["a"].orValue("c") == "b"`,
	`resource.ports.all(p, !p.open || p.from > 2)`, `resource.ports.exists(p, p.open && p.cidrs.exists(c, c == "a"))`,
	`resource.ports.all(p, p.cidrs.all(c, c in resource.zones))`, `count(resource.ports.filter(p, p.open)) > count(resource.zones)`,
	`resource.ports.exists(p, p.from == resource.size) == resource.public`, `count(resource.ports) == 0 || resource.ports[0].open`,
	`resource.zones.all(z, resource.ports.exists(p, z in p.cidrs))`, `resource.role.contains("a") != resource.public`,
	`resource.ports.map(p, p.from).exists(f, f > 2)`, `resource.zones.join("") == "ab"`, `(resource.public ? resource.zones : ["a"]).exists(z, z == "a")`,
}

// randomServer draws from few values, so that equal and unequal both happen.
func randomServer(r *rand.Rand) map[string]any {
	text := func() any { return string(rune('a' + r.IntN(3))) }
	maybe := func(v any) any {
		if r.IntN(3) == 0 {
			return nil
		}
		return v
	}
	texts := func() []any {
		out := []any{}
		for range r.IntN(4) {
			out = append(out, text())
		}
		return out
	}
	ports := []any{}
	for i := range r.IntN(4) {
		ports = append(ports, map[string]any{"id": fmt.Sprint("p.", i, "]"), "from": r.IntN(5), "open": r.IntN(2) == 0, "cidrs": texts()})
	}
	tags := map[string]any{}
	for range r.IntN(3) {
		tags[text().(string)] = text()
	}
	return map[string]any{
		"name": text(), "tags": tags, "public": r.IntN(2) == 0, "size": r.IntN(5), "role": text(), "zones": texts(), "ports": ports,
		"created_at": maybe(fmt.Sprintf("2026-03-%02dT08:00:00Z", 5+r.IntN(9))), "seen_at": maybe(fmt.Sprintf("2026-03-%02dT08:00:00Z", 5+r.IntN(9))),
		"days": maybe(r.IntN(5)), "key": maybe(text()), "locked": maybe(r.IntN(2) == 0),
		"metadata": map[string]any{"tokens": text(), "hops": r.IntN(3)}, "backup": maybe(map[string]any{"plan": text()}),
	}
}

// blind takes something away from a server, as a scan that could not read it does, and returns what it took.
func blind(r *rand.Rand, server map[string]any) (map[string]any, []posture.Unread) {
	var out map[string]any
	data, _ := json.Marshal(server)
	_ = json.Unmarshal(data, &out)
	names := []string{"public", "size", "role", "days", "key", "locked", "created_at", "seen_at", "zones", "ports", "tags", "metadata", "backup"}
	name := names[r.IntN(len(names))]
	list, isList := out[name].([]any)
	switch {
	case isList && r.IntN(3) > 0: // only its beginning was read
		out[name] = list[:r.IntN(len(list)+1)]
		return out, unreadAt(name + "[]")
	case name == "ports" && len(list) > 0 && r.IntN(2) == 0:
		port := list[r.IntN(len(list))].(map[string]any)
		inner := []string{"from", "open", "cidrs"}[r.IntN(3)]
		delete(port, inner)
		return out, unreadAt(fmt.Sprintf("ports[%s].%s", port["id"], inner))
	case name == "metadata":
		inner := []string{"tokens", "hops"}[r.IntN(2)]
		delete(out[name].(map[string]any), inner)
		return out, unreadAt("metadata." + inner)
	case r.IntN(2) == 0: // its value is left to mislead
		return out, unreadAt(name)
	default:
		delete(out, name)
		return out, nil
	}
}

// TestUnreadNeverFlips is the first promise: whatever could not be read, a verdict stays what it would have been, or becomes
// unknown.
func TestUnreadNeverFlips(t *testing.T) {
	c := newTestCompiler(t)
	var programs []*Program
	for i, condition := range conditions {
		programs = append(programs, compile(t, c, ruleFile(condition)))
		if i%3 == 0 && i > 0 { // conditions joined, and one as applies_when of the other
			programs = append(programs, compile(t, c, ruleFile("("+condition+") && ("+conditions[i-1]+")")),
				compile(t, c, ruleFile("("+condition+") || ("+conditions[i-1]+")")),
				compile(t, c, ruleFile(condition, "applies_when: '"+conditions[i-1]+"'")))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	became := map[string]int{}
	for range 4000 {
		server := randomServer(random)
		less, unread := blind(random, server)
		if random.IntN(2) == 0 {
			var more []posture.Unread
			less, more = blind(random, less)
			unread = append(unread, more...)
		}
		whole, _ := json.Marshal(server)
		part, _ := json.Marshal(less)
		seen, seenLess := decode(t, c, "i-1", string(whole)), decode(t, c, "i-1", string(part), unread...)
		for _, p := range programs {
			want := p.Evaluate(Subject{Key: seen.Key(), Resource: seen}, collected)
			got := p.Evaluate(Subject{Key: seen.Key(), Resource: seenLess}, collected)
			became[string(want.Result+" to "+got.Result)]++
			ruleError := want.Result == posture.Unknown // by a null: the value was read and cannot be judged
			if got.Result != want.Result && got.Result != posture.Unknown && !ruleError {
				t.Fatalf("%s\n%s is %s\n%s, unread %v, is %s: %s", p.PassesWhen, whole, want.Result, part, unread, got.Result, got.Reason)
			}
		}
	}
	for _, must := range []string{"pass to unknown", "fail to unknown", "not_applicable to unknown", "pass to pass", "fail to fail"} {
		if became[must] < 1000 {
			t.Errorf("%s happened only %d times: the test tests little", must, became[must])
		}
	}
	t.Log(became)
}

// TestMissingInputsNeverFlip is the same for a whole account of which some regions could not be listed.
func TestMissingInputsNeverFlip(t *testing.T) {
	c := newTestCompiler(t)
	var programs []*Program
	for _, condition := range []string{
		`inputs.test.server.exists(s, s.public && s.size > 2)`, `inputs.test.server.all(s, !s.public || "a" in s.zones)`,
		`count(inputs.test.server) > 2`, `!inputs.test.server.exists(s, s.role == "a" && count(s.ports) > 1)`,
		`inputs.test.server.exists_one(s, s.public)`, `count(inputs.test.server.filter(s, s.locked == true)) == 0`,
		`inputs.test.server.all(a, inputs.test.server.exists(b, a.size < b.size || a.public))`,
		`["a", "b"].all(x, inputs.test.server.exists(s, s.role == x))`, `inputs.test.server.exists(s, true)`,
	} {
		programs = append(programs, compile(t, c, "id: x\nresource: a.account\ninputs: [test.server]\npasses_when: '"+condition+"'"))
	}
	random := rand.New(rand.NewPCG(3, 4))
	became := map[string]int{}
	for range 3000 {
		var whole, part []*Record
		for i := range random.IntN(4) {
			server := randomServer(random)
			data, _ := json.Marshal(server)
			whole = append(whole, decode(t, c, fmt.Sprint("i-", i), string(data)))
			switch random.IntN(3) {
			case 0: // in a region that could not be listed
			case 1:
				less, unread := blind(random, server)
				data, _ = json.Marshal(less)
				part = append(part, decode(t, c, fmt.Sprint("i-", i), string(data), unread...))
			default:
				part = append(part, whole[i])
			}
		}
		for _, p := range programs {
			want := p.Evaluate(Subject{Inputs: map[string]Input{serverType: NewInput(serverType, whole, nil)}}, collected).Result
			got := p.Evaluate(Subject{Inputs: map[string]Input{serverType: NewInput(serverType, part, []posture.Cause{denied})}}, collected)
			became[string(want+" to "+got.Result)]++
			if got.Result != want && got.Result != posture.Unknown {
				t.Fatalf("%s: %s became %s: %s", p.PassesWhen, want, got.Result, got.Reason)
			}
		}
	}
	for _, must := range []string{"pass to unknown", "fail to unknown", "pass to pass", "fail to fail"} {
		if became[must] < 300 {
			t.Errorf("%s happened only %d times: the test tests little", must, became[must])
		}
	}
	t.Log(became)
}

func TestProgramsAreSharedByGoroutines(t *testing.T) {
	c := newTestCompiler(t)
	p := compile(t, c, ruleFile(`resource.zones.exists(z, resource.ports.exists(p, z in p.cidrs)) || resource.ports.all(p, p.from > 1)`))
	random := rand.New(rand.NewPCG(5, 6))
	var records []*Record
	var want []posture.Verdict
	for range 50 {
		less, unread := blind(random, randomServer(random))
		data, _ := json.Marshal(less)
		record := decode(t, c, "i", string(data), unread...)
		records, want = append(records, record), append(want, p.Evaluate(Subject{Resource: record}, collected))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i, record := range records {
				if diff := cmp.Diff(want[i], p.Evaluate(Subject{Resource: record}, collected)); diff != "" {
					t.Errorf("verdict differs (-alone +together):\n%s", diff)
				}
			}
		})
	}
	group.Wait()
}

func FuzzLoadRule(f *testing.F) {
	f.Add(goodRule)
	f.Add("id: x\nresource: a.account\ninputs: [test.server]\npasses_when: inputs.test.server.exists(s, s.public)\n" +
		"examples: [{want: pass, inputs: {test.server: [{public: true, unread: [size]}]}, incomplete: [test.server]}]")
	for _, condition := range conditions {
		f.Add(ruleFile(condition, "params: {a: [1], b: {c: d}}", "examples: [{want: pass, resource: {tags: {a: b}, seen_at: -1d}}]"))
	}
	c := newTestCompiler(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse("x.yaml", []byte(text))
		if err != nil {
			return
		}
		if _, err := c.Compile(r, nil); err == nil {
			c.RunExamples(r)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"attributes":`+full+`,"schema":1,"unread":[]}`, "ports[p1].cidrs[]")
	f.Add(`{"attributes":{"zones":["a",null],"ports":[{"id":1}],"tags":{"a":1}}}`, "ports[].open")
	c := newTestCompiler(f)
	p := compile(f, c, ruleFile(`resource.ports.all(p, p.open && count(p.cidrs) > 0) || resource.metadata.hops > 1`))
	f.Fuzz(func(t *testing.T, content, path string) {
		r, err := c.Types().Decode(posture.Key{Type: serverType}, "1", []byte(content))
		if err == nil {
			r.markUnread(unreadAt(path))
			p.Evaluate(Subject{Resource: r}, collected)
		}
	})
}
