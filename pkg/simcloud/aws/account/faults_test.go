package account_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	collect "github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/rules"
)

// faultKinds are the ways in which a call can fail. Once means that the transport's second try finds the service well again.
var faultKinds = []struct {
	name    string
	rule    fault.Rule
	retried bool // one such failure alone is invisible
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

// faulty is a simulated account, its clean scan, and what it takes to scan again with a fault.
type faulty struct {
	*cloud
	judge   scan.Judge
	clean   scan.Collected
	sealed  posture.Sealing
	calls   []fault.Entry // of the clean scan, and of those that make a last resort needed
	explain map[string]string
}

const faultAccount, faultTick = "111122223333", 33

func newFaulty(t *testing.T) *faulty {
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{cloud: newCloud(t, 2), explain: map[string]string{}}
	f.judge = scan.Judge{Types: set.Compiler.Types(), Programs: set.Of("aws"), Derive: derive.Derive}
	for _, op := range collect.Operations() {
		f.explain[op.Name] = op.Permission
	}
	injector := &fault.Injector{}
	f.clean = f.read(t, faultAccount, faultTick, injector.Wrap(f.server))
	f.calls = injector.Log()
	for _, broken := range lastResorts {
		_, injector, err := f.scanWith(t, broken)
		if err != nil {
			t.Fatal(err)
		}
		f.calls = append(f.calls, injector.Log()...)
	}
	f.sealed, _, err = f.judge.Judge(f.clean, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lastResorts are operations that are asked only when another call has failed, and what makes it fail.
var lastResorts = map[fault.Call]fault.Rule{
	{Service: "account", Operation: "ListRegions"}: {Call: fault.Call{Service: "ec2", Operation: "DescribeRegions"}, Kind: fault.Denied},
}

// TestEveryDeclaredOperationIsAsked keeps the fault test from losing operations unseen.
func TestEveryDeclaredOperationIsAsked(t *testing.T) {
	asked := map[string]bool{}
	for _, call := range newFaulty(t).operations() {
		asked[call.Service+"."+strings.ToLower(call.Operation)] = true
	}
	for _, op := range collect.Operations() {
		if !asked[strings.ToLower(op.Name)] {
			t.Errorf("the simulated account gives no occasion to ask for %s", op.Name)
		}
	}
}

// scanWith reads the account again while calls fail; a slow answer is one that never comes within the time limit.
func (f *faulty) scanWith(t *testing.T, rules ...fault.Rule) (scan.Collected, *fault.Injector, error) {
	injector := &fault.Injector{Rules: rules, Wait: func(ctx context.Context, _ time.Duration) error {
		return context.DeadlineExceeded // the caller's patience ends at once
	}}
	client := &http.Client{Transport: hurried{fault.InMemory(injector.Wrap(f.server))}}
	opened, err := collect.Open(context.Background(), collect.Options{Config: aws.Config(faultAccount, "us-east-1", client), Transport: transport.Options{Clock: f, Attempts: 2}})
	if err != nil {
		return scan.Collected{}, injector, err
	}
	collected, err := scan.Collect(context.Background(), opened, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return collected, injector, nil
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

// TestNothingReadWrongly fails every call that any reader makes in every way, and holds the verdicts against those of a clean
// scan, both as the first scan of the account and as one that follows a clean one.
func TestNothingReadWrongly(t *testing.T) {
	f := newFaulty(t)
	if len(f.sealed.Verdicts) < 500 {
		t.Fatalf("the clean scan has only %d verdicts", len(f.sealed.Verdicts))
	}
	cases := f.cases(t)
	compared := 0
	for _, c := range cases {
		collected, injector, err := f.scanWith(t, c.rules...)
		injected := slices.ContainsFunc(injector.Log(), func(e fault.Entry) bool {
			return e.Injected != "" && e.Service == c.rules[0].Service && e.Operation == c.rules[0].Operation
		})
		if err != nil {
			if c.rules[0].Operation != "GetCallerIdentity" {
				t.Errorf("%s: the scan did not open: %v", c.name, err)
			}
			continue // nothing is sealed without an identity
		}
		if !injected {
			continue // this call has no pages
		}
		for _, complaint := range f.complaints(t, collected, c) {
			t.Errorf("%s: %s", c.name, complaint)
		}
		compared += 2 * len(f.sealed.Verdicts)
	}
	t.Logf("%d cases over %d operations, about %d verdicts compared", len(cases), len(f.operations()), compared)
	fmt.Printf("fault cases: %d\n", len(cases))
}

// TestNothingReadWronglyInPostgres takes a seeded sample of the faults through the store: what was sealed after a clean scan
// is what the comparison finds there, no resource ended and no verdict turned.
func TestNothingReadWronglyInPostgres(t *testing.T) {
	f := newFaulty(t)
	cases := f.cases(t)
	random := rand.New(rand.NewPCG(3, 4))
	for range 12 {
		c := cases[random.IntN(len(cases))]
		if c.rules[0].Operation == "GetCallerIdentity" {
			continue
		}
		db, _ := plumbtest.Store(t)
		if _, err := db.Seal(t.Context(), f.sealed); err != nil {
			t.Fatal(err)
		}
		collected, _, err := f.scanWith(t, c.rules...)
		if err != nil {
			t.Fatal(err)
		}
		before, err := db.State(t.Context(), "aws:"+faultAccount)
		if err != nil {
			t.Fatal(err)
		}
		sealing, _, err := f.judge.Judge(collected, scan.NewState(before))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Seal(t.Context(), sealing); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		after, err := db.State(t.Context(), "aws:"+faultAccount)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[posture.Key]bool{}
		for _, r := range after.Resources {
			stored[r.Key] = true
		}
		for _, r := range f.sealed.Resources {
			if !stored[r.Key] {
				t.Errorf("%s: resource %v ended", c.name, r.Key)
			}
		}
		clean := index(f.sealed)
		for judged, v := range index(after) {
			if was, known := clean[judged]; known && v.Result != was.Result && v.Result != posture.Unknown {
				t.Errorf("%s: %s on %v turned from %s to %s", c.name, v.RuleID, v.Resource, was.Result, v.Result)
			}
		}
	}
}

// TestWithoutTheGuardVerdictsAreWrong takes what was read for the truth, as if nothing were ever unread: the same comparison
// must then find wrong verdicts.
func TestWithoutTheGuardVerdictsAreWrong(t *testing.T) {
	f := newFaulty(t)
	wrong, tried := 0, 0
	for _, c := range f.cases(t) {
		if c.rules[0].Kind != fault.Denied || c.rules[0].Nth != 0 {
			continue
		}
		collected, _, err := f.scanWith(t, c.rules...)
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
		if len(f.complaints(t, collected, c)) > 0 {
			wrong++
		}
	}
	t.Logf("without the guard %d of %d refused operations give wrong verdicts or drop resources", wrong, tried)
	if wrong < tried/2 {
		t.Errorf("the comparison found only %d of %d", wrong, tried)
	}
}

// saysNotSet are operations whose not-found answer is the documented way to say that a setting was never made: a value.
var saysNotSet = map[string]bool{"iam.GetAccountPasswordPolicy": true, "account.GetAlternateContact": true, "s3control.GetPublicAccessBlock": true, "securityhub.DescribeHub": true}

type faultCase struct {
	name    string
	rules   []fault.Rule // the first is tried; a second makes its call needed
	retried bool
}

// fails reports whether an operation, as readers declare it, is one of those that fail.
func (c faultCase) fails(operation string) bool {
	return slices.ContainsFunc(c.rules, func(r fault.Rule) bool { return strings.EqualFold(operation, r.Service+"."+r.Operation) })
}

func (f *faulty) operations() []fault.Call {
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

// cases are all operations × all kinds × every call or only the first; without PLUMBLINE_LONG a seeded third of them, though
// always the refusals.
func (f *faulty) cases(t *testing.T) []faultCase {
	var out []faultCase
	random := rand.New(rand.NewPCG(1, 2))
	for _, call := range f.operations() {
		for _, kind := range faultKinds {
			for _, nth := range []int{0, 1} {
				r := kind.rule
				r.Call, r.Nth = call, nth
				once := "every call"
				if nth == 1 {
					once = "first call"
				}
				if kind.rule.Kind == fault.Gone && saysNotSet[call.Service+"."+call.Operation] {
					continue
				}
				c := faultCase{fmt.Sprintf("%s.%s %s, %s", call.Service, call.Operation, kind.name, once), []fault.Rule{r}, kind.retried && nth == 1}
				if broken, ok := lastResorts[call]; ok {
					c.rules = append(c.rules, broken)
				}
				if os.Getenv("PLUMBLINE_LONG") != "" || kind.name == "denied" || random.IntN(3) == 0 {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// complaints says what is wrong with a scan under a fault.
func (f *faulty) complaints(t *testing.T, collected scan.Collected, c faultCase) []string {
	out := f.cellComplaints(collected.Cells, c)
	// Judging adds to the resources, so each judging gets its own.
	copied := collected
	copied.Resources = nil
	for _, r := range collected.Resources {
		clone := *r
		clone.Unread = slices.Clone(r.Unread)
		copied.Resources = append(copied.Resources, &clone)
	}
	first, _, err := f.judge.Judge(collected, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := f.judge.Judge(copied, scan.NewState(f.sealed))
	if err != nil {
		t.Fatal(err)
	}
	clean := index(f.sealed)
	for name, sealing := range map[string]posture.Sealing{"first scan": first, "later scan": second} {
		now := index(sealing)
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
				out = append(out, f.names(v, c)...)
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
			for _, r := range f.sealed.Resources {
				if !present[r.Key] {
					out = append(out, fmt.Sprintf("resource %v ended", r.Key))
				}
			}
		}
		if c.retried && !changesNothing(clean, now) {
			out = append(out, name+": one failure that a second try mends changed a verdict")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cellComplaints: a cell that a fault left incomplete says so and blames the call; no other ends otherwise or is lost.
func (f *faulty) cellComplaints(cells []posture.Cell, c faultCase) []string {
	var out []string
	now := map[posture.Key]bool{}
	clean := map[posture.Key]posture.CellState{}
	for _, cell := range f.clean.Cells {
		clean[posture.Key{Type: cell.Type, Region: cell.Region}] = cell.State
	}
	for _, cell := range cells {
		key := posture.Key{Type: cell.Type, Region: cell.Region}
		now[key] = true
		switch before := clean[key]; {
		case cell.State == before:
		case cell.State != posture.Denied && cell.State != posture.Failed:
			out = append(out, fmt.Sprintf("cell %s %s turned from %q to %q", cell.Type, cell.Region, before, cell.State))
		case cell.Cause == nil:
			out = append(out, fmt.Sprintf("cell %s %s is %s and does not say why", cell.Type, cell.Region, cell.State))
		default:
			if (cell.State == posture.Denied) != (cell.Cause.Reason == posture.ReasonDenied) {
				out = append(out, fmt.Sprintf("cell %s %s is %s because of %s", cell.Type, cell.Region, cell.State, cell.Cause.Reason))
			}
			out = append(out, f.blame(*cell.Cause, c, "cell "+cell.Type+" "+cell.Region)...)
		}
	}
	for key := range clean {
		if !now[key] && !now[posture.Key{Type: key.Type, Region: "*"}] {
			out = append(out, fmt.Sprintf("cell %s %s is gone", key.Type, key.Region))
		}
	}
	return out
}

// blame checks that a cause names a call that failed, and what permission the call needs.
func (f *faulty) blame(cause posture.Cause, c faultCase, who string) []string {
	if !c.fails(cause.Operation) {
		return []string{fmt.Sprintf("%s blames %q", who, cause.Operation)}
	}
	if want := f.explain[cause.Operation]; cause.Permission != want {
		return []string{fmt.Sprintf("%s names permission %q, want %q", who, cause.Permission, want)}
	}
	return nil
}

// names checks that a verdict that is unknown because of the fault names the call and its permission. It may name beside
// them what nothing collects, which did not matter before.
func (f *faulty) names(v posture.Verdict, c faultCase) []string {
	var out []string
	who := fmt.Sprintf("%s on %v", v.RuleID, v.Resource)
	named := false
	for _, u := range v.Unread {
		if u.Reason != posture.ReasonNotCollected {
			named = true
			out = append(out, f.blame(u.Cause, c, who)...)
		}
	}
	if !named {
		out = append(out, who+" is unknown and names no call that failed: "+v.Reason)
	}
	return out
}

func index(s posture.Sealing) map[scan.Judged]posture.Verdict {
	out := make(map[scan.Judged]posture.Verdict, len(s.Verdicts))
	for _, v := range s.Verdicts {
		out[scan.Judged{RuleID: v.RuleID, Resource: v.Resource}] = v
	}
	return out
}

func changesNothing(a, b map[scan.Judged]posture.Verdict) bool {
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
