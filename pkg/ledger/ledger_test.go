package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestContent(t *testing.T) {
	unread := []posture.Unread{
		{Path: "b", Cause: posture.Cause{Reason: posture.ReasonDenied, Permission: "s3:GetB"}},
		{Path: "a", Cause: posture.Cause{Reason: posture.ReasonTimeout}},
	}
	for name, test := range map[string]struct {
		attributes map[string]any
		unread     []posture.Unread
		want       string
	}{
		"nothing": {map[string]any{}, nil, `{"attributes":{},"schema":1,"unread":[]}`},
		"keys are sorted, absent is null": {map[string]any{"b": nil, "a": int64(1), "A": []any{"x", true}}, nil,
			`{"attributes":{"A":["x",true],"a":1,"b":null},"schema":1,"unread":[]}`},
		"unread paths are sorted": {nil, unread,
			`{"attributes":{},"schema":1,"unread":[{"path":"a","reason":"timeout"},{"path":"b","permission":"s3:GetB","reason":"denied"}]}`},
		"NUL becomes U+FFFD, markup stays":    {map[string]any{"a\x00": "<\x00&>"}, nil, "{\"attributes\":{\"a\uFFFD\":\"<\uFFFD&>\"},\"schema\":1,\"unread\":[]}"},
		"the largest integer that is exact":   {map[string]any{"n": int64(1<<53 - 1)}, nil, `{"attributes":{"n":9007199254740991},"schema":1,"unread":[]}`},
		"objects in lists are sorted as well": {map[string]any{"l": []any{map[string]any{"z": "1", "y": "2"}}}, nil, `{"attributes":{"l":[{"y":"2","z":"1"}]},"schema":1,"unread":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if test.attributes == nil {
				test.attributes = map[string]any{}
			}
			document, hash, err := Content(test.attributes, test.unread)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(document)); diff != "" {
				t.Errorf("document differs (-want +got):\n%s", diff)
			}
			if hash != sha256.Sum256(document) {
				t.Error("the hash is not the document's SHA-256")
			}
		})
	}
	if unread[0].Path != "b" {
		t.Error("the caller's slice was reordered")
	}
	_, _, err := Content(map[string]any{"disks": []any{map[string]any{"size": int64(math.MaxInt64)}}}, nil)
	if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), "disks[0].size") {
		t.Errorf("an integer beyond 2^53: %v, want ErrInvalid naming disks[0].size", err)
	}
}

func TestContentOfASchemaStruct(t *testing.T) {
	type bucket struct {
		posture.Meta
		Versioned posture.Opt[bool] `json:"versioned"`
	}
	kind := posture.NewType[bucket]("test.bucket", nil)
	value := &bucket{Meta: posture.Meta{Name: "logs", CreatedAt: posture.Some(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}}
	unread := []posture.Unread{{Path: "versioned", Cause: posture.Cause{Reason: posture.ReasonDenied}}}
	document, _, err := Content(kind.Encode(value, unread), unread)
	want := `{"attributes":{"created_at":"2026-01-02T03:04:05Z","name":"logs","tags":{}},"schema":1,"unread":[{"path":"versioned","reason":"denied"}]}`
	if err != nil || string(document) != want {
		t.Errorf("document is %s %v, want %s", document, err, want)
	}
}

// The shapes written by hand are what the library writes.
func TestHandWrittenJSONIsCanonical(t *testing.T) {
	var all strings.Builder
	for c := rune(1); c < 0x250; c++ {
		all.WriteRune(c)
	}
	for name, text := range map[string]string{
		"plain": "arn:aws:s3:::logs", "empty": "", "every character up to U+024F": all.String(), "quotes and backslashes": `a "b" \c\\`,
		"beyond the basic plane": "🪣 \u2028 \uFFFD",
	} {
		t.Run(name, func(t *testing.T) {
			leaf := Leaf{KindResource, text, text, text, text, sha256.Sum256([]byte(text))}
			want, err := Canonical(map[string]string{"kind": "resource", "account": text, "region": text, "type": text, "id": text,
				"hash": fmt.Sprintf("%x", leaf.Hash)})
			if got := leaf.AppendJSON(nil); err != nil || string(got) != string(want) {
				t.Errorf("leaf is %s, want %s %v", got, want, err)
			}
			verdict := posture.Verdict{RuleID: text, RuleVersion: text, Resource: posture.Key{Type: text, Region: text, ID: text},
				Result: posture.Unknown, Reason: text, Unread: []posture.Unread{{Path: text, Cause: posture.Cause{Reason: posture.ReasonDenied, Code: text}}}}
			for range 2 {
				canonical, err := Canonical(verdict)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := VerdictHash(verdict); err != nil || got != sha256.Sum256(canonical) {
					t.Errorf("the hash is not that of %s: %v", canonical, err)
				}
				verdict.Unread = nil
			}
		})
	}
	odd, plain := posture.Verdict{Reason: "a\x00b\xff"}, posture.Verdict{Reason: "a\uFFFDb\uFFFD"}
	first, err1 := VerdictHash(odd)
	second, err2 := VerdictHash(plain)
	if first != second || err1 != nil || err2 != nil {
		t.Errorf("text that cannot be stored hashes unlike what is stored instead: %v %v", err1, err2)
	}
}

func TestLeavesDiffer(t *testing.T) {
	cell := posture.Cell{Region: "r", Type: "t", State: posture.Complete, Started: time.Unix(1, 1500), Finished: time.Unix(2, 0), Calls: 3}
	base, err := CellLeaf("aws:1", cell)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(c *posture.Cell)
		same   bool
	}{
		"the state is hashed":                {func(c *posture.Cell) { c.State = posture.Denied }, false},
		"the cause is hashed":                {func(c *posture.Cell) { c.Cause = &posture.Cause{Code: "x"} }, false},
		"the calls are hashed":               {func(c *posture.Cell) { c.Calls++ }, false},
		"microseconds are hashed":            {func(c *posture.Cell) { c.Started = c.Started.Add(time.Microsecond) }, false},
		"nanoseconds are not: they get lost": {func(c *posture.Cell) { c.Started = c.Started.Add(100) }, true},
		"nor is the time zone":               {func(c *posture.Cell) { c.Started = c.Started.In(time.FixedZone("x", 3600)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			changed := cell
			test.change(&changed)
			got, err := CellLeaf("aws:1", changed)
			if err != nil || (got.Hash == base.Hash) != test.same {
				t.Errorf("same hash: %v, want %v (%v)", got.Hash == base.Hash, test.same, err)
			}
		})
	}
	one := VerdictLeaf("aws:1", posture.Verdict{RuleID: "a", Resource: posture.Key{ID: "x y"}}, [32]byte{})
	two := VerdictLeaf("aws:1", posture.Verdict{RuleID: "y a", Resource: posture.Key{ID: "x"}}, [32]byte{})
	if one.ID != "x y a" || one.ID != two.ID {
		t.Errorf("ids are %q and %q: only a rule id with a space, which sealing refuses, makes two alike", one.ID, two.ID)
	}
}

// memory is a log in memory.
type memory struct {
	records [][]byte
	hashes  []tlog.Hash
}

func (m *memory) Size(context.Context) (int64, error) { return int64(len(m.records)), nil }

func (m *memory) Hashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = m.hashes[index]
	}
	return out, nil
}

func (m *memory) Append(_ context.Context, index int64, record []byte, first int64, hashes []tlog.Hash) error {
	if index != int64(len(m.records)) || first != int64(len(m.hashes)) {
		return fmt.Errorf("record %d, hash %d do not follow", index, first)
	}
	m.records, m.hashes = append(m.records, record), append(m.hashes, hashes...)
	return nil
}

// A snapshot's root is what the log's own code computes over the same leaves, and does not depend on their order.
func TestRootIsRFC9162(t *testing.T) {
	for n := range 70 {
		leaves := make([]Leaf, n)
		for i := range leaves {
			leaves[i] = Leaf{Kind: KindResource, Account: "aws:1", Region: "r", Type: "t", ID: fmt.Sprintf("%03d", i)}
		}
		log := &memory{}
		for _, leaf := range leaves {
			if _, err := Append(t.Context(), log, leaf.AppendJSON(nil)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := TreeHead(t.Context(), log, int64(n))
		if err != nil {
			t.Fatal(err)
		}
		rand.New(rand.NewPCG(1, uint64(n))).Shuffle(n, func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
		hashes, err := Hashes(leaves)
		if got := Root(hashes); err != nil || got != want {
			t.Errorf("root of %d leaves is %v %v, want %v", n, got, err, want)
		}
	}
	twice := []Leaf{{Kind: KindCell, Type: "a"}, {Kind: KindCell, Type: "b"}, {Kind: KindCell, Type: "a", Hash: [32]byte{1}}}
	if _, err := Hashes(twice); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a name twice: %v, want ErrInvalid", err)
	}
}

func TestLogProvesEveryRecordAndEveryPrefix(t *testing.T) {
	log := &memory{}
	const size = 21
	heads := make([]tlog.Hash, size+1)
	for i := range size {
		record, err := Record(posture.Snapshot{Account: posture.Account{Provider: "aws", ID: "1"}, Seq: int64(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		if index, err := Append(t.Context(), log, record); err != nil || index != int64(i) {
			t.Fatalf("appended as %d %v, want %d", index, err, i)
		}
		if heads[i+1], err = TreeHead(t.Context(), log, int64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for n := int64(1); n <= size; n++ {
		for i := range n {
			proof, err := ProveRecord(t.Context(), log, n, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, n, heads[n], i, tlog.RecordHash(log.records[i])); err != nil {
				t.Errorf("record %d in log of %d: %v", i, n, err)
			}
			if err := tlog.CheckRecord(proof, n, heads[n], i, tlog.RecordHash([]byte("forged"))); err == nil {
				t.Errorf("a forged record %d in log of %d is proved", i, n)
			}
			if i == 0 {
				continue
			}
			tree, err := ProveTree(t.Context(), log, n, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckTree(tree, n, heads[n], i, heads[i]); err != nil {
				t.Errorf("log of %d continues that of %d: %v", n, i, err)
			}
			if err := tlog.CheckTree(tree, n, heads[n], i, tlog.Hash{1}); err == nil {
				t.Errorf("log of %d is proved to continue a forged one of %d", n, i)
			}
		}
	}
}

func TestRecordLeavesOutThePlaceInTheLog(t *testing.T) {
	s := posture.Snapshot{Account: posture.Account{Provider: "aws", ID: "1"}, Seq: 3, Sealed: time.Unix(1, 999), Root: "ab"}
	before, err := Record(s)
	if err != nil {
		t.Fatal(err)
	}
	s.LogIndex, s.Sealed = 7, s.Sealed.Truncate(time.Microsecond)
	if after, err := Record(s); err != nil || string(after) != string(before) {
		t.Errorf("record is %s, and with a place %s %v", before, after, err)
	}
	s.Root = "cd"
	if after, err := Record(s); err != nil || string(after) == string(before) {
		t.Errorf("another root gives the same record %s %v", after, err)
	}
}
