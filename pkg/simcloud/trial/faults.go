package trial

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// faultKinds are the ways in which a call can fail.
var faultKinds = []struct {
	name    string
	rule    fault.Rule
	retried bool // one such failure alone is invisible: the transport's second try finds the service well again
}{
	{"denied", fault.Rule{Kind: fault.Denied}, false},
	{"throttled", fault.Rule{Kind: fault.Throttled}, true},
	{"500", fault.Rule{Kind: fault.ServerError, Status: 500}, true},
	{"503", fault.Rule{Kind: fault.ServerError, Status: 503}, true},
	{"timeout", fault.Rule{Kind: fault.Slow, Delay: time.Hour}, true},
	{"cut body", fault.Rule{Kind: fault.CutBody}, true},
	{"garbled body", fault.Rule{Kind: fault.GarbledBody}, true},
	{"missing page", fault.Rule{Kind: fault.MissingPage}, false},
	{"repeated token", fault.Rule{Kind: fault.RepeatedToken}, false},
	{"expired token", fault.Rule{Kind: fault.ExpiredToken}, false},
	{"gone", fault.Rule{Kind: fault.Gone}, false},
}

// Faulty is a simulated account, its clean scan, and what it takes to scan again with a fault.
type Faulty struct {
	*Cloud
	Account world.Account
	clean   scan.Collected
	Sealed  posture.Sealing     // of the clean scan
	calls   []fault.Entry       // of the clean scan
	first   map[fault.Call]bool // services and operations that were asked before any reader ran
	explain map[string]string
}

// NewFaulty scans an account without faults at a tick.
func NewFaulty(t *testing.T, c *Cloud, account world.Account, tick int) *Faulty {
	f := &Faulty{Cloud: c, Account: account, explain: map[string]string{}}
	for _, op := range c.Operations {
		f.explain[op.Name] = op.Permission
	}
	c.At(tick)
	injector := &fault.Injector{}
	var err error
	f.clean, err = c.read(t, account, fault.InMemory(injector.Wrap(c.Server)), func(*collectors.Account) {
		f.first = map[fault.Call]bool{}
		for _, e := range injector.Log() {
			f.first[fault.Call{Service: e.Service, Operation: e.Operation}] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c.pin(t, &f.clean, c.seal)
	f.calls = injector.Log()
	for _, broken := range c.LastResorts {
		_, injector, err := f.Scan(t, broken)
		if err != nil {
			t.Fatal(err)
		}
		f.calls = append(f.calls, injector.Log()...)
	}
	if f.Sealed, _, err = c.Judge.Judge(f.copy(f.clean), scan.State{}); err != nil {
		t.Fatal(err)
	}
	f.Sealed.Snapshot.Seq = 1
	return f
}

// copy gives judging resources of its own: it adds to them.
func (f *Faulty) copy(collected scan.Collected) scan.Collected {
	resources := collected.Resources
	collected.Resources = nil
	for _, r := range resources {
		clone := *r
		clone.Unread, clone.Derived = slices.Clone(r.Unread), nil
		collected.Resources = append(collected.Resources, &clone)
	}
	return collected
}

// Case is one way for one operation to fail.
type Case struct {
	Name    string
	Rules   []fault.Rule // the first is tried; a second makes its call needed
	retried bool
}

// fails reports whether an operation, as readers declare it, is one of those that fail.
func (c Case) fails(operation string) bool {
	return slices.ContainsFunc(c.Rules, func(r fault.Rule) bool { return strings.EqualFold(operation, r.Service+"."+r.Operation) })
}

// Calls lists every call of the clean scan, and of those that make a last resort needed.
func (f *Faulty) Calls() []fault.Entry { return f.calls }

// Asked lists the operations of the clean scan, once each.
func (f *Faulty) Asked() []fault.Call {
	seen := map[fault.Call]bool{}
	var out []fault.Call
	for _, e := range f.calls {
		call := fault.Call{Service: e.Service, Operation: e.Operation}
		if !seen[call] {
			seen[call] = true
			out = append(out, call)
		}
	}
	slices.SortFunc(out, func(a, b fault.Call) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}

// Cases are all operations × all kinds × every call or only the first; without PLUMBLINE_LONG a seeded third of them, though
// always the refusals.
func (f *Faulty) Cases() []Case {
	var out []Case
	random := rand.New(rand.NewPCG(1, 2))
	for _, call := range f.Asked() {
		for _, kind := range faultKinds {
			for nth, which := range []string{"every call", "first call", "second call"} {
				if nth == 2 && kind.name != "503" { // in the middle of a list
					continue
				}
				r := kind.rule
				r.Call, r.Nth = call, nth
				if kind.rule.Kind == fault.Gone && f.SaysNotSet[call.Service+"."+call.Operation] {
					continue
				}
				c := Case{fmt.Sprintf("%s.%s %s, %s", call.Service, call.Operation, kind.name, which), []fault.Rule{r}, kind.retried && nth > 0}
				if broken, ok := f.LastResorts[call]; ok {
					c.Rules = append(c.Rules, broken)
				}
				if Long() || kind.name == "denied" || nth == 2 || random.IntN(3) == 0 {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// Scan reads the account again with rules of failing; a slow answer is one that never comes within the time limit. Readers
// that make none of the calls concerned are not run: what they read without faults stands.
func (f *Faulty) Scan(t *testing.T, rules ...fault.Rule) (scan.Collected, *fault.Injector, error) {
	injector := &fault.Injector{Rules: rules, Wait: func(context.Context, time.Duration) error {
		return context.DeadlineExceeded // the caller's patience ends at once
	}}
	again := map[posture.Key]bool{} // types and regions that are read anew
	collected, err := f.read(t, f.Account, hurried{fault.InMemory(injector.Wrap(f.Server))}, func(account *collectors.Account) {
		account.Tasks = slices.DeleteFunc(account.Tasks, func(task collectors.Task) bool { return !f.concerned(task, rules) })
		for _, task := range account.Tasks {
			for _, t := range task.Fills {
				again[posture.Key{Type: t.Name, Region: task.Region}] = true
			}
		}
	})
	if err != nil {
		return collected, injector, err
	}
	old := func(kind, region string) bool {
		return !again[posture.Key{Type: kind, Region: region}] && !again[posture.Key{Type: kind, Region: posture.Everywhere}]
	}
	for _, cell := range f.clean.Cells {
		if old(cell.Type, cell.Region) {
			collected.Cells = append(collected.Cells, cell)
		}
	}
	for _, r := range f.copy(f.clean).Resources {
		if old(r.Type, r.Region) {
			collected.Resources = append(collected.Resources, r)
		}
	}
	f.pin(t, &collected, f.seal)
	return collected, injector, nil
}

// concerned reports whether a reader makes one of the calls that fail, or was begun by one.
func (f *Faulty) concerned(task collectors.Task, rules []fault.Rule) bool {
	return slices.ContainsFunc(rules, func(r fault.Rule) bool {
		return r.Operation == "" || f.first[fault.Call{Service: r.Service, Operation: r.Operation}] || slices.ContainsFunc(task.Operations, func(op collectors.Operation) bool {
			return strings.EqualFold(op.Name, r.Service+"."+r.Operation)
		})
	})
}

// hurried turns a connection that ends without an answer into a timeout, which is what a client without patience sees.
type hurried struct{ base http.RoundTripper }

func (h hurried) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.base.RoundTrip(r)
	if err != nil {
		return nil, context.DeadlineExceeded
	}
	return resp, nil
}

func (f *Faulty) opens(c Case) bool {
	return slices.ContainsFunc(f.Opening, c.fails)
}

// NothingReadWrongly fails every call that any reader makes in every way, and holds the verdicts against those of a clean
// scan, both as the first scan of the account and as one that follows a clean one.
func (f *Faulty) NothingReadWrongly(t *testing.T, least int) {
	if len(f.Sealed.Verdicts) < least {
		t.Fatalf("the clean scan has only %d verdicts", len(f.Sealed.Verdicts))
	}
	cases := f.Cases()
	compared := 0
	for _, c := range cases {
		collected, injector, err := f.Scan(t, c.Rules...)
		injected := slices.ContainsFunc(injector.Log(), func(e fault.Entry) bool {
			return e.Injected != "" && e.Service == c.Rules[0].Service && e.Operation == c.Rules[0].Operation
		})
		if err != nil {
			if !f.opens(c) {
				t.Errorf("%s: the scan did not open: %v", c.Name, err)
			}
			continue // nothing is sealed without an identity
		}
		if !injected {
			continue // this call has no pages
		}
		for _, complaint := range f.Complaints(t, collected, c) {
			t.Errorf("%s: %s", c.Name, complaint)
		}
		compared += 2 * len(f.Sealed.Verdicts)
	}
	t.Logf("%s: %d cases over %d operations, about %d verdicts compared", f.Account.ID, len(cases), len(f.Asked()), compared)
	fmt.Printf("fault cases of %s: %d\n", f.Account.ID, len(cases))
}

// GuardMatters takes what was read for the truth, as if nothing were ever unread: the same comparison must then find wrong
// verdicts, for at least half of the operations.
func (f *Faulty) GuardMatters(t *testing.T) {
	wrong, tried := 0, 0
	for _, c := range f.Cases() {
		if c.Rules[0].Kind != fault.Denied || c.Rules[0].Nth != 0 || f.opens(c) {
			continue
		}
		collected, _, err := f.Scan(t, c.Rules...)
		if err != nil {
			continue
		}
		tried++
		for i, cell := range collected.Cells {
			if _, gap := cell.Gap(); gap {
				collected.Cells[i].State, collected.Cells[i].Cause = posture.Complete, nil
			}
		}
		for _, r := range collected.Resources {
			r.Unread = slices.DeleteFunc(r.Unread, func(u posture.Unread) bool { return u.Reason == posture.ReasonDenied })
		}
		if len(f.Complaints(t, collected, c)) > 0 {
			wrong++
		}
	}
	t.Logf("%s: without the guard %d of %d refused operations give wrong verdicts or drop resources", f.Account.ID, wrong, tried)
	if wrong < tried/2 {
		t.Errorf("the comparison found only %d of %d", wrong, tried)
	}
}

// Complaints says what is wrong with a scan under a fault.
func (f *Faulty) Complaints(t *testing.T, collected scan.Collected, c Case) []string {
	out := f.cells(collected.Cells, c)
	first, _, err := f.Judge.Judge(f.copy(collected), scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := f.Judge.Judge(f.copy(collected), scan.NewState(f.Sealed))
	if err != nil {
		t.Fatal(err)
	}
	clean := Index(f.Sealed)
	for name, sealing := range map[string]posture.Sealing{"first scan": first, "later scan": second} {
		now := Index(sealing)
		unknownCells := map[string]bool{}
		for judged, v := range now {
			before, known := clean[judged]
			if judged.Resource.ID == "" {
				unknownCells[judged.RuleID] = true
				known, before.Result = true, cmp.Or(before.Result, posture.Pass) // a cell that was read has no verdict
			}
			switch {
			case !known:
				out = append(out, fmt.Sprintf("%s: %s judges %v, which does not exist", name, v.RuleID, v.Resource))
			case v.Result == before.Result:
			case v.Result != posture.Unknown:
				out = append(out, fmt.Sprintf("%s: %s on %v turned from %s to %s (%s)", name, v.RuleID, v.Resource, before.Result, v.Result, v.Reason))
			default:
				out = append(out, f.names(v, before, c)...)
			}
		}
		for judged, v := range clean {
			if _, there := now[judged]; there || v.Resource.ID == "" {
				continue
			}
			if name == "later scan" || !unknownCells[judged.RuleID] {
				out = append(out, fmt.Sprintf("%s: the verdict of %s on %v is gone", name, v.RuleID, v.Resource))
			}
		}
		if name == "later scan" {
			present := map[posture.Key]bool{}
			for _, r := range sealing.Resources {
				present[r.Key] = true
			}
			for _, r := range f.Sealed.Resources {
				if !present[r.Key] {
					out = append(out, fmt.Sprintf("resource %v ended", r.Key))
				}
			}
		}
		if c.retried && !sameResults(clean, now) {
			out = append(out, name+": one failure that a second try mends changed a verdict")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cells: a cell that a fault left incomplete says so and blames the call; no other ends otherwise or is lost.
func (f *Faulty) cells(cells []posture.Cell, c Case) []string {
	var out []string
	now, clean := posture.IndexCells(cells), posture.IndexCells(f.clean.Cells)
	for _, cell := range cells {
		who := "cell " + cell.Type + " " + cell.Region
		switch before, _ := clean.Of(cell.Type, cell.Region); {
		case cell.State == before.State:
		case cell.State != posture.Denied && cell.State != posture.Failed:
			out = append(out, fmt.Sprintf("%s turned from %q to %q", who, before.State, cell.State))
		case cell.Cause == nil:
			out = append(out, fmt.Sprintf("%s is %s and does not say why", who, cell.State))
		default:
			if (cell.State == posture.Denied) != (cell.Cause.Reason == posture.ReasonDenied) {
				out = append(out, fmt.Sprintf("%s is %s because of %s", who, cell.State, cell.Cause.Reason))
			}
			out = append(out, f.blame(*cell.Cause, c, who)...)
		}
	}
	for _, cell := range f.clean.Cells {
		if _, there := now.Of(cell.Type, cell.Region); !there {
			out = append(out, fmt.Sprintf("cell %s %s is gone", cell.Type, cell.Region))
		}
	}
	return out
}

// blame checks that a cause names a call that failed, and what permission the call needs.
func (f *Faulty) blame(cause posture.Cause, c Case, who string) []string {
	if !c.fails(cause.Operation) {
		return []string{fmt.Sprintf("%s blames %q", who, cause.Operation)}
	}
	if want := f.explain[cause.Operation]; cause.Permission != want {
		return []string{fmt.Sprintf("%s names permission %q, want %q", who, cause.Permission, want)}
	}
	return nil
}

// names checks that a verdict that is unknown because of the fault names the call and its permission. It may name beside them
// what nothing collects, and what was unread without the fault too: neither mattered before.
func (f *Faulty) names(v, before posture.Verdict, c Case) []string {
	var out []string
	who := fmt.Sprintf("%s on %v", v.RuleID, v.Resource)
	named := false
	for _, u := range v.Unread {
		if u.Reason != posture.ReasonNotCollected && !slices.Contains(before.Unread, u) {
			named = true
			out = append(out, f.blame(u.Cause, c, who)...)
		}
	}
	if !named {
		out = append(out, who+" is unknown and names no call that failed: "+v.Reason)
	}
	return out
}

// NeverAsked lists the declared operations that none of the scans asks for.
func NeverAsked(c *Cloud, scans ...*Faulty) []string {
	asked := map[string]bool{}
	for _, f := range scans {
		for _, call := range f.Asked() {
			asked[strings.ToLower(call.Service+"."+call.Operation)] = true
		}
	}
	var missing []string
	for _, op := range c.Operations {
		if !asked[strings.ToLower(op.Name)] {
			missing = append(missing, op.Name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// InPostgres takes a seeded sample of the faults through the store: what was sealed after a clean scan is what the comparison
// finds there, no resource ended and no verdict turned.
func (f *Faulty) InPostgres(t *testing.T, sample int) {
	cases := f.Cases()
	random := rand.New(rand.NewPCG(3, 4))
	account := f.clean.Account.String()
	for range sample {
		c := cases[random.IntN(len(cases))]
		if f.opens(c) {
			continue
		}
		db, _ := plumbtest.Store(t)
		if _, err := db.Seal(t.Context(), f.Sealed); err != nil {
			t.Fatal(err)
		}
		collected, _, err := f.Scan(t, c.Rules...)
		if err != nil {
			t.Fatal(err)
		}
		before, err := db.State(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		sealing, _, err := f.Judge.Judge(collected, scan.NewState(before))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Seal(t.Context(), sealing); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		after, err := db.State(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[posture.Key]bool{}
		for _, r := range after.Resources {
			stored[r.Key] = true
		}
		for _, r := range f.Sealed.Resources {
			if !stored[r.Key] {
				t.Errorf("%s: resource %v ended", c.Name, r.Key)
			}
		}
		clean := Index(f.Sealed)
		for judged, v := range Index(after) {
			if was, known := clean[judged]; known && v.Result != was.Result && v.Result != posture.Unknown {
				t.Errorf("%s: %s on %v turned from %s to %s", c.Name, v.RuleID, v.Resource, was.Result, v.Result)
			}
		}
	}
}

// Index finds verdicts by rule and resource.
func Index(s posture.Sealing) map[scan.Judged]posture.Verdict {
	out := make(map[scan.Judged]posture.Verdict, len(s.Verdicts))
	for _, v := range s.Verdicts {
		out[scan.Judged{RuleID: v.RuleID, Resource: v.Resource}] = v
	}
	return out
}

func sameResults(a, b map[scan.Judged]posture.Verdict) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k].Result != v.Result {
			return false
		}
	}
	return true
}
