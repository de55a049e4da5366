package scan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

type disk struct {
	posture.Meta
	Encrypted bool `json:"encrypted"`
	Attached  bool `json:"attached" derived:"true"`
}

var diskType = posture.NewType[disk]("test.disk", nil)

// settling is a clock whose time goes by only while somebody waits.
type settling struct {
	now    time.Time
	waited time.Duration
	then   func() // what happens meanwhile
}

func (s *settling) Now() time.Time { return s.now }
func (s *settling) Sleep(ctx context.Context, d time.Duration) error {
	s.now, s.waited = s.now.Add(d), s.waited+d
	if s.then != nil {
		s.then()
	}
	return ctx.Err()
}

// lists are what the service and the second source answer; a word that is "!" fails.
type lists struct{ service, second string }

func (l *lists) account() collectors.Account {
	failed := errors.New("refused")
	return collectors.Account{
		Types:   []*posture.Type{diskType},
		Explain: func(error) posture.Cause { return posture.Cause{Reason: posture.ReasonDenied, Operation: "List"} },
		Tasks: []collectors.Task{{Region: posture.Global, Fills: []*posture.Type{diskType}, Collect: func(_ context.Context, emit collectors.Emit) error {
			for _, id := range strings.Fields(l.service) {
				if id == "!" {
					return failed
				}
				emit(id, &disk{Meta: posture.Meta{Name: id}})
			}
			return nil
		}}},
		Second: &collectors.SecondSource{
			Name: "inventory", Types: []*posture.Type{diskType}, Form: strings.ToLower,
			Read: func(context.Context) (map[string]map[string]string, error) {
				out := map[string]string{}
				for _, id := range strings.Fields(l.second) {
					if id == "!" {
						return nil, failed
					}
					out[id] = posture.Global
				}
				return map[string]map[string]string{diskType.Name: out}, nil
			},
		},
	}
}

func TestReconcile(t *testing.T) {
	refused := &posture.Cause{Reason: posture.ReasonDenied, Operation: "List"}
	result := func(status posture.ReconciliationStatus, listed, count int, settled bool, first, second string) *posture.Reconciliation {
		return &posture.Reconciliation{Source: "inventory", Status: status, Listed: listed, Count: count, Settled: settled,
			OnlyFirst: append([]string{}, strings.Fields(first)...), OnlySecond: append([]string{}, strings.Fields(second)...)}
	}
	single := func(listed int, settled bool) *posture.Reconciliation {
		out := result(posture.SingleSource, listed, 0, settled, "", "")
		out.Cause = refused
		return out
	}
	for name, test := range map[string]struct {
		lists, later lists
		want         *posture.Reconciliation
		unlisted     string
	}{
		"the same ids match":    {lists{"a b", "b A"}, lists{}, result(posture.Matched, 2, 2, false, "", ""), ""},
		"two empty lists match": {lists{"", ""}, lists{}, result(posture.Matched, 0, 0, false, "", ""), ""},
		"what the second source had not heard of yet matches later":   {lists{"a b", "a"}, lists{"a b", "a b"}, result(posture.Matched, 2, 2, true, "", ""), ""},
		"what it had not forgotten yet matches later":                 {lists{"a", "a b"}, lists{"a", "a"}, result(posture.Matched, 1, 1, true, "", ""), ""},
		"what only it has still is unreconciled":                      {lists{"a", "a b"}, lists{"a", "a b"}, result(posture.Unreconciled, 1, 2, true, "", "b"), "b"},
		"what it lacks still is unreconciled":                         {lists{"a b", "a"}, lists{"a b", "a"}, result(posture.Unreconciled, 2, 1, true, "b", ""), ""},
		"what was made meanwhile is no difference":                    {lists{"a b", "a"}, lists{"a b c", "a b c"}, result(posture.Matched, 2, 3, true, "", ""), ""},
		"what was removed meanwhile is none":                          {lists{"a b", "a"}, lists{"a", "a"}, result(posture.Matched, 2, 1, true, "", ""), ""},
		"a second source that fails is no match":                      {lists{"a", "!"}, lists{}, single(1, false), ""},
		"one that fails when asked again is no match":                 {lists{"a", "a b"}, lists{"a", "!"}, single(1, true), ""},
		"where the service fails the second time what it lacks stays": {lists{"a b", "a"}, lists{"!", "a"}, result(posture.Unreconciled, 2, 1, true, "b", ""), ""},
		"a list that was not read to its end is not held against it":  {lists{"a !", "a b"}, lists{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := test.lists
			clock := &settling{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), then: func() { l = test.later }}
			account := l.account()
			collected, err := Collect(t.Context(), account, clock, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := reconcile(t.Context(), account, &collected, clock, DefaultSettle); err != nil {
				t.Fatal(err)
			}
			got := collected.Cells[0].Reconciled
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(posture.Reconciliation{}, "ReadAt")); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
			if got != nil && got.Settled != (clock.waited == DefaultSettle) {
				t.Errorf("waited %v", clock.waited)
			}
			var unlisted []string
			for _, r := range collected.Resources {
				if slices.ContainsFunc(r.Unread, func(u posture.Unread) bool { return u.Reason == posture.ReasonUnreconciled && u.Path == "encrypted" }) {
					unlisted = append(unlisted, r.ID)
				}
			}
			if strings.Join(unlisted, " ") != test.unlisted {
				t.Errorf("only in the second source: %v", unlisted)
			}
		})
	}
}

// TestWhatIsGone: a resource that was there before ends only where the cell shows that it is absent.
func TestWhatIsGone(t *testing.T) {
	key := posture.Key{Type: diskType.Name, Region: posture.Global, ID: "old"}
	before := State{Resources: map[posture.Key]Prior{key: {}}}
	for name, test := range map[string]struct {
		cell posture.Cell
		gone bool
	}{
		"a list that was read to its end":     {posture.Cell{State: posture.Complete}, true},
		"one that matches":                    {posture.Cell{State: posture.Complete, Reconciled: &posture.Reconciliation{Status: posture.Matched}}, true},
		"one whose differences are explained": {posture.Cell{State: posture.Complete, Reconciled: &posture.Reconciliation{Status: posture.Explained}}, true},
		"one that differs":                    {posture.Cell{State: posture.Complete, Reconciled: &posture.Reconciliation{Status: posture.Unreconciled}}, false},
		"one whose second source failed":      {posture.Cell{State: posture.Complete, Reconciled: &posture.Reconciliation{Status: posture.SingleSource}}, false},
		"a list that was refused":             {posture.Cell{State: posture.Denied}, false},
	} {
		t.Run(name, func(t *testing.T) {
			test.cell.Type, test.cell.Region = key.Type, key.Region
			var s posture.Sealing
			if err := (Judge{}).contents(&s, Collected{Cells: []posture.Cell{test.cell}}, before); err != nil {
				t.Fatal(err)
			}
			if gone := len(s.Resources) == 0; gone != test.gone || !gone && !s.Resources[0].Stale {
				t.Errorf("gone: %v, %+v", gone, s.Resources)
			}
		})
	}
}
