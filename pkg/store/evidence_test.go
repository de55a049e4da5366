package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestHeadsAreSignedOnce(t *testing.T) {
	s, _ := plumbtest.Store(t)
	signed := 0
	sign := func(c ledger.Checkpoint) ([]byte, error) {
		signed++
		return fmt.Appendf(nil, "%d %s", c.Size, c.Root), nil
	}
	if _, err := s.SignHead(t.Context(), sign); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("an empty log was signed: %v", err)
	}
	at := plumbtest.Day(0)
	s.Now = func() time.Time { return at }
	seal(t, s, plumbtest.Sealing(0))
	first, err := s.SignHead(t.Context(), sign)
	if err != nil {
		t.Fatal(err)
	}
	at = plumbtest.Day(1)
	again, err := s.SignHead(t.Context(), sign)
	if err != nil || again != first || signed != 1 {
		t.Errorf("signed %d times, %v: %+v, before %+v", signed, err, again, first)
	}
	seal(t, s, plumbtest.Sealing(1))
	second, err := s.SignHead(t.Context(), sign)
	if err != nil || second.Size != first.Size+1 || second.Root == first.Root {
		t.Errorf("the next head is %+v %v", second, err)
	}
	root, err := ledger.TreeHead(t.Context(), s.Log(), second.Size)
	if err != nil || root != second.Root {
		t.Errorf("the root is %s %v, signed %s", root, err, second.Root)
	}
	if since, err := s.HeadSince(t.Context(), plumbtest.Day(0).Add(time.Second)); err != nil || since != second {
		t.Errorf("since the first: %+v %v", since, err)
	}
	if _, err := s.HeadSince(t.Context(), plumbtest.Day(2)); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("a head of the future: %v", err)
	}
	if heads, err := s.Heads(t.Context(), first.Size); err != nil || len(heads) != 1 {
		t.Errorf("up to the first: %+v %v", heads, err)
	}
	if err := s.Published(t.Context(), second.Size, "https://witness.example.com", "refused"); err != nil {
		t.Fatal(err)
	}
	if sent, err := s.Publications(t.Context()); err != nil || len(sent) != 1 || sent[0].Error != "refused" {
		t.Errorf("publications %+v %v", sent, err)
	}
	refuse := func(ledger.Checkpoint) ([]byte, error) { return nil, errors.New("no key") }
	seal(t, s, plumbtest.Sealing(2))
	if _, err := s.SignHead(t.Context(), refuse); err == nil {
		t.Error("a head without a signature was kept")
	}
	if heads, err := s.Heads(t.Context(), 0); err != nil || len(heads) != 2 {
		t.Errorf("%d heads, %v", len(heads), err)
	}
}

func TestRowsOfAPackage(t *testing.T) {
	s, _ := plumbtest.Store(t)
	account := plumbtest.Account().String()
	a, b := plumbtest.Resource("a", nil), plumbtest.Resource("b", nil)
	seal(t, s, plumbtest.Sealing(0, a, b))
	seal(t, s, plumbtest.Sealing(1, a, plumbtest.Resource("b", map[string]any{"versioned": true})))
	seal(t, s, plumbtest.Sealing(2, a))
	read := func(first, last int64) (out []string) {
		t.Helper()
		if err := s.EachResource(t.Context(), account, first, last, func(c posture.Content, from, to int64) error {
			out = append(out, fmt.Sprintf("%s %d-%d", c.ID, from, to))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, test := range []struct {
		first, last int64
		want        []string
	}{
		{1, 3, []string{"a 1-3", "b 1-1", "b 2-2"}}, {1, 1, []string{"a 1-1", "b 1-1"}}, {2, 3, []string{"a 2-3", "b 2-2"}}, {3, 3, []string{"a 3-3"}},
	} {
		if diff := cmp.Diff(test.want, read(test.first, test.last)); diff != "" {
			t.Errorf("resources of %d to %d differ (-want +got):\n%s", test.first, test.last, diff)
		}
	}
	stop := errors.New("stop")
	n := 0
	if err := s.EachVerdict(t.Context(), account, 1, 3, func(posture.Verdict, int64, int64) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("reading went on after an error: %v, %d rows", err, n)
	}
	for _, test := range []struct {
		from, to int
		size     int64
		want     int
	}{{0, 3, 3, 3}, {1, 3, 3, 2}, {0, 3, 1, 1}, {5, 9, 3, 0}} {
		if list, err := s.Finished(t.Context(), account, plumbtest.Day(test.from), plumbtest.Day(test.to), test.size); err != nil || len(list) != test.want {
			t.Errorf("%+v: %d snapshots, %v", test, len(list), err)
		}
	}
	if last, err := s.LastFinished(t.Context(), account, plumbtest.Day(9), 2); err != nil || last.Seq != 2 {
		t.Errorf("the last in a log of two records is %d, %v", last.Seq, err)
	}
}

func TestPackagesAndSamplesAreKept(t *testing.T) {
	s, _ := plumbtest.Store(t)
	seal(t, s, plumbtest.Sealing(0))
	head, err := s.SignHead(t.Context(), func(ledger.Checkpoint) ([]byte, error) { return []byte("x"), nil })
	if err != nil {
		t.Fatal(err)
	}
	by := access.Actor{ID: "clara@example.com", Kind: access.Person}
	p := store.Package{ID: "P-1", Audit: "2026", Type: "type1", From: plumbtest.Day(0), To: plumbtest.Day(1), Root: head.Root.String(), Size: head.Size, Envelope: []byte("{}")}
	if err := s.AddPackage(t.Context(), by, p); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a root that is none: %v", err)
	}
	p.Root = fmt.Sprintf("%x", head.Root[:])
	for range 2 {
		if err := s.AddPackage(t.Context(), by, p); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.Packages(t.Context()); err != nil || len(list) != 1 || list[0].By != by.ID {
		t.Errorf("packages %+v %v", list, err)
	}
	if before, err := s.PackageBefore(t.Context(), "2026", plumbtest.Day(2)); err != nil || before != p.Root {
		t.Errorf("before day 2: %q %v", before, err)
	}
	if before, err := s.PackageBefore(t.Context(), "2026", plumbtest.Day(1)); err != nil || before != "" {
		t.Errorf("before its own day: %q %v", before, err)
	}
	drawn, err := s.AddSample(t.Context(), by, store.Sample{Audit: "2026", Control: "access", Population: "abc", Method: "random", Seed: "00", Size: 1, Items: json.RawMessage(`["a"]`)})
	if err != nil || drawn.N != 1 {
		t.Fatalf("%+v %v", drawn, err)
	}
	if list, err := s.Samples(t.Context(), "2026"); err != nil || len(list) != 1 || string(list[0].Items) != `["a"]` {
		t.Errorf("samples %+v %v", list, err)
	}
	entries, err := s.AuditLog(t.Context(), store.AuditFilter{})
	if err != nil || len(entries) != 3 || entries[0].Action != access.SampleDraw || entries[1].Action != access.PackageBuild {
		t.Errorf("audit log %+v %v", entries, err)
	}
	rules := []store.RuleText{{RuleID: "r", Version: "1", File: "f", Text: "old", Params: map[string]any{"n": 1}}}
	if err := s.SaveRules(t.Context(), rules); err != nil {
		t.Fatal(err)
	}
	rules[0].Text = "new"
	if err := s.SaveRules(t.Context(), rules); err != nil {
		t.Fatal(err)
	}
	if err := s.EachRuleText(t.Context(), func(id, version, file, text string, params []byte) error {
		if text != "old" || string(params) != `{"n": 1}` {
			t.Errorf("%s %s is %q with %s", id, version, text, params)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
