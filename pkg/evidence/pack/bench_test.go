package pack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"golang.org/x/mod/sumdb/tlog"
)

// large is an account with very many resources over very many snapshots, none of which is ever in memory.
type large struct {
	resources, snapshots int
	set                  *rule.Set
	sealed               []posture.Snapshot
	log                  memoryLog
}

func (l *large) id(i int) string { return fmt.Sprintf("bucket-%08d", i) }

// each version of a resource lasts for half of the snapshots in one of a hundred, and for all of them otherwise.
func (l *large) EachResource(_ context.Context, _ string, first, last int64, fn func(posture.Content, int64, int64) error) error {
	for i := range l.resources {
		for _, part := range l.parts(i, first, last) {
			c := l.content(i, part.public)
			if err := fn(c, part.from, part.to); err != nil {
				return err
			}
		}
	}
	return nil
}

type part struct {
	public   bool
	from, to int64
}

func (l *large) parts(i int, first, last int64) []part {
	if middle := (first + last) / 2; i%100 == 0 && middle < last {
		return []part{{true, first, middle}, {false, middle + 1, last}}
	}
	return []part{{false, first, last}}
}

func (l *large) content(i int, public bool) posture.Content {
	value := &bucket{Meta: posture.Meta{Name: l.id(i), Tags: map[string]string{"team": "payments", "env": "production"}}, Public: public, Days: 30, Rules: []bucketRule{{"a", true}, {"b", true}}}
	document, hash, err := ledger.Content(bucketType.Encode(value, nil), nil)
	if err != nil {
		panic(err)
	}
	return posture.Content{Key: posture.Key{Type: bucketType.Name, Region: "eu-west-1", ID: l.id(i)}, JSON: document, Hash: hash}
}

func (l *large) EachVerdict(_ context.Context, _ string, first, last int64, fn func(posture.Verdict, int64, int64) error) error {
	private, err := l.set.Program("aws-test-bucket-private")
	if err != nil {
		return err
	}
	for i := range l.resources {
		for _, p := range l.parts(i, first, last) {
			c := l.content(i, p.public)
			record, err := l.set.Compiler.Types().Decode(c.Key, "111122223333", c.JSON)
			if err != nil {
				return err
			}
			if err := fn(private.Evaluate(rule.Subject{Key: c.Key, Resource: record}, day(0)), p.from, p.to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *large) Accounts(context.Context) ([]posture.Account, error) {
	return []posture.Account{account("111122223333")}, nil
}
func (l *large) Snapshot(_ context.Context, _ string, seq int64) (posture.Snapshot, error) {
	return l.sealed[seq-1], nil
}
func (l *large) LastFinished(context.Context, string, time.Time, int64) (posture.Snapshot, error) {
	return l.sealed[len(l.sealed)-1], nil
}
func (l *large) Finished(context.Context, string, time.Time, time.Time, int64) ([]posture.Snapshot, error) {
	return l.sealed, nil
}
func (l *large) Cells(_ context.Context, _ string, seq int64) ([]posture.Cell, error) {
	return []posture.Cell{l.cell(seq)}, nil
}
func (l *large) cell(seq int64) posture.Cell {
	at := day(int(seq))
	return posture.Cell{Region: "eu-west-1", Type: bucketType.Name, State: posture.Complete, Started: at, Finished: at.Add(time.Minute), Calls: 1}
}
func (l *large) EachCall(_ context.Context, _ string, _ int64, fn func(posture.Call) error) error {
	for i := range 1000 {
		if err := fn(posture.Call{Seq: i + 1, Operation: "Test.Listbucket", Region: "eu-west-1", Attempt: 1, Status: 200, RequestID: "req-" + strconv.Itoa(i)}); err != nil {
			return err
		}
	}
	return nil
}
func (l *large) Body(context.Context, string, string) ([]byte, error) {
	return nil, posture.ErrNotFound
}
func (l *large) FindingsPage(context.Context, string, time.Time, finding.Finding, int) ([]finding.Finding, error) {
	return nil, nil
}
func (l *large) EachEvent(context.Context, string, time.Time, func(finding.Event) error) error {
	return nil
}
func (l *large) ExceptionsOf(context.Context, string, time.Time) ([]finding.Exception, error) {
	return nil, nil
}
func (l *large) Attachments(context.Context, string, time.Time) ([]finding.Attachment, error) {
	return nil, nil
}
func (l *large) AttachmentData(context.Context, int64) ([]byte, error) {
	return nil, posture.ErrNotFound
}
func (l *large) EachAudit(context.Context, int64, func([]byte, int64) error) error { return nil }
func (l *large) Heads(context.Context, int64) ([]ledger.Head, error)               { return nil, nil }
func (l *large) Log() ledger.Storage                                               { return &l.log }
func (l *large) Holders(context.Context, time.Time) ([]access.Holder, error)       { return nil, nil }
func (l *large) AttributedTo(context.Context, string, posture.Key, int64, int64, time.Time) ([]attribution.Attribution, error) {
	return nil, nil
}

func (l *large) LogReads(context.Context, string, time.Time) ([]attribution.LogRead, error) {
	return nil, nil
}

func (l *large) EachAlerted(context.Context, string, time.Time, func(string, int64, posture.Opt[time.Time], posture.Opt[time.Time]) error) error {
	return nil
}

func (l *large) PackageBefore(context.Context, string, time.Time) (string, error) { return "", nil }
func (l *large) EachRuleText(context.Context, func(string, string, string, string, []byte) error) error {
	return nil
}
func (l *large) LogRecords(_ context.Context, from int64, limit int) ([][]byte, error) {
	return l.log.records[from : from+int64(limit)], nil
}

// memoryLog is a log in memory.
type memoryLog struct {
	records [][]byte
	hashes  []tlog.Hash
}

func (m *memoryLog) Size(context.Context) (int64, error) { return int64(len(m.records)), nil }
func (m *memoryLog) Hashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = m.hashes[index]
	}
	return out, nil
}
func (m *memoryLog) Append(_ context.Context, _ int64, record []byte, first int64, hashes []tlog.Hash) error {
	if first != int64(len(m.hashes)) {
		return errors.New("out of order")
	}
	m.records, m.hashes = append(m.records, record), append(m.hashes, hashes...)
	return nil
}

// seal computes the roots of the snapshots, all in one pass.
func (l *large) seal(tb testing.TB) {
	tb.Helper()
	ctx := context.Background()
	trees := make([]ledger.Tree, l.snapshots)
	name := account("111122223333").String()
	for i := range trees {
		leaf, err := ledger.CellLeaf(name, l.cell(int64(i+1)))
		if err := errors.Join(err, trees[i].Add(leaf)); err != nil {
			tb.Fatal(err)
		}
	}
	last := int64(l.snapshots)
	add := func(leaf ledger.Leaf, from, to int64) error {
		for i := from; i <= to; i++ {
			if err := trees[i-1].Add(leaf); err != nil {
				return err
			}
		}
		return nil
	}
	err := l.EachResource(ctx, name, 1, last, func(c posture.Content, from, to int64) error { return add(ledger.ResourceLeaf(name, c), from, to) })
	if err == nil {
		err = l.EachVerdict(ctx, name, 1, last, func(v posture.Verdict, from, to int64) error {
			hash, err := ledger.VerdictHash(v)
			return errors.Join(err, add(ledger.VerdictLeaf(name, v, hash), from, to))
		})
	}
	for i := range trees {
		root := trees[i].Root()
		s := posture.Snapshot{Account: account("111122223333"), Seq: int64(i + 1), RunID: "run", Trigger: "schedule", Started: day(i + 1), Finished: day(i + 1).Add(time.Minute),
			Sealed: day(i + 1).Add(2 * time.Minute), Root: hexOf(root), Resources: l.resources}
		record, recordErr := ledger.Record(s)
		if err == nil {
			err = recordErr
		}
		if err == nil {
			s.LogIndex, err = ledger.Append(ctx, &l.log, record)
		}
		l.sealed = append(l.sealed, s)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkPackage builds and verifies a package of 10,000 resources over 30 snapshots, of 100,000 over 365 with PLUMBLINE_LONG, or of
// PLUMBLINE_RESOURCES over PLUMBLINE_SNAPSHOTS. It reports the peak of the heap, which must not grow with either.
func BenchmarkPackage(b *testing.B) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	set, err := rule.Load(testRules, testTypes)
	if err != nil {
		b.Fatal(err)
	}
	l := &large{resources: number("PLUMBLINE_RESOURCES", 10_000), snapshots: number("PLUMBLINE_SNAPSHOTS", 30), set: set}
	if os.Getenv("PLUMBLINE_LONG") != "" {
		l.resources, l.snapshots = number("PLUMBLINE_RESOURCES", 100_000), number("PLUMBLINE_SNAPSHOTS", 365)
	}
	l.seal(b)
	w := &world{t: b, set: set, signer: newSigner(b, "")}
	head := ledger.Head{Size: int64(len(l.log.records)), Signed: day(l.snapshots + 2)}
	if head.Root, err = ledger.TreeHead(context.Background(), &l.log, head.Size); err != nil {
		b.Fatal(err)
	}
	note, err := w.signer.SignCheckpoint(ledger.Checkpoint{Size: head.Size, Root: head.Root, At: head.Signed})
	if err != nil {
		b.Fatal(err)
	}
	head.Note = string(note)
	request := w.periodRequest(head)
	request.From, request.To = day(1), day(l.snapshots+1)
	for b.Loop() {
		dir := b.TempDir()
		peak := watchHeap()
		started := time.Now()
		if _, _, err := Build(context.Background(), l, request, dir); err != nil {
			b.Fatal(err)
		}
		built := time.Since(started)
		report, err := evidence.VerifyPath(dir, evidence.Trust{Keys: []ledger.Key{w.signer.Key}})
		if err != nil || report.Code() != evidence.Good {
			b.Fatal(err, report.Problems)
		}
		b.ReportMetric(built.Seconds(), "s/build")
		b.ReportMetric(time.Since(started).Seconds()-built.Seconds(), "s/verify")
		b.ReportMetric(float64(peak())/(1<<20), "MB-peak")
		b.ReportMetric(float64(l.resources), "resources")
		b.ReportMetric(float64(l.snapshots), "snapshots")
		_ = os.RemoveAll(dir)
	}
}

// watchHeap samples the heap until the returned function is called, which returns the peak in bytes.
func watchHeap() func() uint64 {
	runtime.GC()
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return peak.Load()
	}
}
