package reread

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// Recorded is one scan as a package has it.
type Recorded struct {
	Snapshot  evidence.Snapshot
	Cells     []posture.Cell
	Calls     []posture.Call
	resources []evidence.Resource
}

// Regions are the places that the scan read, other than the whole account.
func (r Recorded) Regions() []string {
	seen := map[string]bool{}
	for _, c := range r.Cells {
		if c.State != posture.NotApplicable && c.Region != posture.Global && c.Region != posture.Everywhere {
			seen[c.Region] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Called returns the regions in which the readers called an operation; none if they did not. What was called later is not theirs.
func (r Recorded) Called(operation string) []string {
	seen := map[string]bool{}
	var last time.Time
	for _, c := range r.Cells {
		if c.Finished.After(last) {
			last = c.Finished
		}
	}
	for _, c := range r.Calls {
		if c.Operation == operation && !c.Started.After(last) {
			seen[c.Region] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// settings are the recorded settings, without what was derived and without what the scan itself did not see.
func (r Recorded) settings(types map[string]*posture.Type) (settings, error) {
	out := settings{}
	for _, row := range r.resources {
		if row.Stale || unlisted(row.Document) {
			continue
		}
		var err error
		if out[row.Key()], err = asRead(types[row.Type], row.Document); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", row.Type, row.ID, err)
		}
	}
	return out, nil
}

// Scans reads the scans of a package, one after the other. Without calls it leaves those out.
func Scans(p *evidence.Package, calls bool) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		cells := newGroups(evidence.Rows[evidence.Cell](p, evidence.CellsFile), func(c evidence.Cell) pin { return pin{c.Account, c.Snapshot} })
		defer cells.stop()
		made := newGroups(evidence.Rows[evidence.Call](p, evidence.CallsFile), func(c evidence.Call) pin { return pin{c.Account, c.Snapshot} })
		defer made.stop()
		for s, err := range evidence.Rows[evidence.Snapshot](p, evidence.SnapshotsFile) {
			r := Recorded{Snapshot: s}
			at := pin{s.Account.String(), s.Seq}
			if err == nil {
				err = cells.each(at, func(c evidence.Cell) { r.Cells = append(r.Cells, c.Cell) })
			}
			if err == nil && calls {
				err = made.each(at, func(c evidence.Call) { r.Calls = append(r.Calls, c.Call) })
			}
			if err == nil {
				for row, e := range evidence.Rows[evidence.Resource](p, evidence.ResourcesFile) {
					if err = e; err != nil {
						break
					}
					if row.Account == at.account && row.Snapshots.Holds(at.seq) {
						r.resources = append(r.resources, row)
					}
				}
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

type pin struct {
	account string
	seq     int64
}

// groups hands out the rows of one snapshot after the other, which is how they are written.
type groups[T any] struct {
	next  func() (T, error, bool)
	stop  func()
	of    func(T) pin
	ahead *T
}

func newGroups[T any](rows iter.Seq2[T, error], of func(T) pin) *groups[T] {
	g := &groups[T]{of: of}
	g.next, g.stop = iter.Pull2(rows)
	return g
}

func (g *groups[T]) each(at pin, fn func(T)) error {
	for {
		if g.ahead == nil {
			row, err, ok := g.next()
			if err != nil || !ok {
				return err
			}
			g.ahead = &row
		}
		if g.of(*g.ahead) != at {
			return nil
		}
		fn(*g.ahead)
		g.ahead = nil
	}
}

// Difference is where reading the recorded answers again comes to something else than what is recorded.
type Difference struct {
	Account  string      `json:"account"`
	Snapshot int64       `json:"snapshot"`
	Kind     string      `json:"kind"`     // changed, missing, added, cell, call or answer
	Resource posture.Key `json:"resource"` // of a cell its type and region
	Path     string      `json:"path,omitempty"`
	Recorded string      `json:"recorded"`
	Again    string      `json:"again"`
}

// Raw is what reading the recorded answers again came to.
type Raw struct {
	Snapshots   int          `json:"snapshots"`
	Resources   int          `json:"resources"`
	Attributes  int          `json:"attributes"` // that came out as recorded
	Unread      int          `json:"unread"`     // that the scan itself did not read, and neither did this
	Differences []Difference `json:"differences"`
	// NotReperformable is what the recorded answers do not tell: the package has a digest of the answer alone, or something was
	// removed from it. Nothing of it counts as the same.
	NotReperformable []Lack `json:"not_reperformable"`
}

// Opener opens an account so that its readers ask the recording and nobody else.
type Opener func(ctx context.Context, scan Recorded, recording transport.Doer, options transport.Options) (collectors.Account, error)

// ErrNoAnswers says that a package holds digests alone.
var ErrNoAnswers = fmt.Errorf("%w: the package does not hold the clouds' answers: have it built with --raw whole", posture.ErrInvalid)

// ReadRaw serves the recorded answers of every scan of a package to the readers, and compares what they decode with what is recorded.
func ReadRaw(ctx context.Context, p *evidence.Package, open Opener) (Raw, error) {
	out := Raw{Differences: []Difference{}, NotReperformable: []Lack{}}
	m, err := evidence.Read[evidence.Manifest](p, evidence.ManifestFile)
	if err != nil {
		return out, err
	}
	if m.Raw != evidence.RawWhole {
		return out, ErrNoAnswers
	}
	lacks := map[Lack]int{}
	for s, err := range Scans(p, true) {
		if err != nil {
			return out, err
		}
		one := raw{scan: s, body: p.Raw, open: open, out: &out, lacks: lacks}
		if err := one.read(ctx); err != nil {
			return out, fmt.Errorf("read snapshot %s again: %w", s.Snapshot.ID(), err)
		}
		out.Snapshots++
	}
	for lack, n := range lacks {
		lack.Count = n
		out.NotReperformable = append(out.NotReperformable, lack)
	}
	slices.SortFunc(out.NotReperformable, compareLacks)
	return out, nil
}

// raw reads one scan again.
type raw struct {
	scan  Recorded
	body  func(sha256 string) ([]byte, error)
	open  Opener
	out   *Raw
	lacks map[Lack]int

	types    []*posture.Type
	fills    map[string][]string // operations by type
	recorded settings
	rests    map[posture.Key][]string // paths that change with what was removed; "" for all
	from     *Recording
}

// again reads the scan from its answers, with what was removed from them changed in one way.
func (r *raw) again(ctx context.Context, change func([]byte) []byte) (read, *Recording, error) {
	recording := NewRecording(r.scan.Calls, r.body)
	recording.change = change
	at := still{r.scan.Snapshot.Started}
	account, err := r.open(ctx, r.scan, recording, transport.Options{Clock: at, Attempts: 1, Rate: unlimited})
	if err != nil {
		return read{}, recording, err
	}
	places := map[string]bool{posture.Global: true, posture.Everywhere: true}
	for _, c := range r.scan.Cells {
		places[c.Region] = true
	}
	account.Tasks = slices.DeleteFunc(account.Tasks, func(t collectors.Task) bool { return !places[t.Region] })
	r.types, r.fills = account.Types, map[string][]string{}
	for _, task := range account.Tasks {
		for _, t := range task.Fills {
			for _, op := range task.Operations {
				r.fills[t.Name] = append(r.fills[t.Name], op.Name)
			}
		}
	}
	collected, err := scan.Collect(ctx, account, at, nil)
	if err != nil {
		return read{}, recording, err
	}
	out, err := readOf(collected)
	return out, recording, err
}

func (r *raw) read(ctx context.Context) error {
	first, recording, err := r.again(ctx, nil)
	if err != nil {
		return err
	}
	r.from, r.rests = recording, map[posture.Key][]string{}
	if r.recorded, err = r.scan.settings(byName(r.types)); err != nil {
		return err
	}
	for _, change := range removals {
		if len(recording.redacted) == 0 {
			break
		}
		other, _, err := r.again(ctx, change)
		if err != nil {
			return err
		}
		if err := r.note(first.settings, other.settings); err != nil {
			return err
		}
	}
	r.compareCells(first.cells)
	if err := r.compareResources(first); err != nil {
		return err
	}
	for _, operation := range slices.Sorted(maps.Keys(recording.unknown)) {
		r.differ("call", posture.Key{ID: operation}, "", "no such call", strconv.Itoa(recording.unknown[operation])+" asked for")
	}
	for _, digest := range slices.Sorted(maps.Keys(recording.altered)) {
		r.differ("answer", posture.Key{ID: evidence.RawDir + digest}, "", digest, recording.altered[digest])
	}
	return nil
}

// note remembers what differs between two readings of the same answers: it rests on what was removed.
func (r *raw) note(first, other settings) error {
	for _, key := range sortedKeys(first, other) {
		a, inA := first[key]
		b, inB := other[key]
		if !inA || !inB {
			r.rests[key] = append(r.rests[key], "")
			continue
		}
		fields, err := fieldsOf(key, a, b, nil)
		if err != nil {
			return err
		}
		for _, f := range fields {
			r.rests[key] = append(r.rests[key], f.Path)
		}
	}
	return nil
}

// compareCells checks that every list ended as it is recorded.
func (r *raw) compareCells(again map[posture.Key]posture.Cell) {
	recorded := posture.IndexCells(r.scan.Cells)
	for _, key := range sortedCells(recorded, again) {
		was, known := recorded[key]
		is, found := again[key]
		_, gap := was.Gap()
		cause, gapAgain := is.Gap()
		switch {
		case known && found && (was.State == is.State || gap && gapAgain):
		case known && found && !gap && gapAgain && r.lacking(key.Type, cause.Operation) != "":
			r.lack(Lack{Type: key.Type, Operation: cause.Operation, Why: r.lacking(key.Type, cause.Operation)})
		default:
			r.differ("cell", key, "", describeCell(was, known), describeCell(is, found))
		}
	}
}

func describeCell(c posture.Cell, known bool) string {
	switch {
	case !known:
		return "no such cell"
	case c.Cause != nil:
		return string(c.State) + ": " + c.Cause.String()
	}
	return string(c.State)
}

// lacking says why the answers to an operation do not tell all; empty if they do. A failure that names no operation may be due to any
// that fills the type.
func (r *raw) lacking(kind, operation string) string {
	operations := []string{operation}
	if operation == "" {
		operations = r.fills[kind]
	}
	for _, op := range operations {
		switch {
		case r.from.notKept[op]:
			return onlyDigest
		case r.from.redacted[op]:
			return removedFrom
		}
	}
	return ""
}

// Why something cannot be read again.
const (
	onlyDigest  = "only a digest of the answer is kept"
	removedFrom = "rests on what was removed from the answer"
)

func (r *raw) compareResources(again read) error {
	for _, key := range sortedKeys(r.recorded, again.settings) {
		recorded, known := r.recorded[key]
		decoded, found := again.settings[key]
		switch {
		case !found:
			r.missing(key, recorded, again)
			continue
		case !known:
			if slices.Contains(r.rests[key], "") {
				r.lack(Lack{Type: key.Type, Why: removedFrom})
				continue
			}
			r.differ("added", key, "", "", string(decoded))
			continue
		}
		r.out.Resources++
		if err := r.compareFields(key, recorded, decoded); err != nil {
			return fmt.Errorf("compare %s %s: %w", key.Type, key.ID, err)
		}
	}
	return nil
}

// missing is a recorded resource that the answers do not bring forth. In a cell that was read to its end they should have.
func (r *raw) missing(key posture.Key, recorded []byte, again read) {
	cell, _ := posture.CellIndex(again.cells).Of(key.Type, key.Region)
	cause, gap := cell.Gap()
	why := r.lacking(key.Type, cause.Operation)
	switch {
	case gap && why != "":
		for path := range attributesOf(recorded) {
			r.lack(Lack{Type: key.Type, Path: path, Operation: cause.Operation, Why: why})
		}
	case slices.Contains(r.rests[key], ""):
		r.lack(Lack{Type: key.Type, Why: removedFrom})
	default:
		r.differ("missing", key, "", string(recorded), "")
	}
}

func (r *raw) compareFields(key posture.Key, recorded, decoded []byte) error {
	fields, err := fieldsOf(key, recorded, decoded, nil)
	if err != nil {
		return err
	}
	settled := map[string]bool{} // attributes of the first level that are no match
	settle := func(path string) { settled[element.ReplaceAllString(top.FindString(path), "")] = true }
	for _, path := range r.rests[key] {
		r.lack(Lack{Type: key.Type, Path: element.ReplaceAllString(path, "[]"), Why: removedFrom})
		settle(path)
	}
	for _, f := range fields {
		settle(f.Path)
		if slices.ContainsFunc(r.rests[key], func(path string) bool { return related(path, f.Path) }) {
			continue
		}
		if f.AfterUnread && !f.BeforeUnread {
			cause, _ := unreadAt(decoded, f.Path)
			if why := r.lacking(key.Type, cause.Operation); why != "" {
				r.lack(Lack{Type: key.Type, Path: f.Path, Operation: cause.Operation, Why: why})
				continue
			}
		}
		r.differ("changed", key, f.Path, side(f.Before, f.BeforeUnread), side(f.After, f.AfterUnread))
	}
	values := attributesOf(recorded)
	for path := range values {
		if !settled[path] {
			r.out.Attributes++
		}
	}
	var d document
	if err := json.Unmarshal(recorded, &d); err != nil {
		return err
	}
	for _, u := range d.Unread {
		if _, both := unreadAt(decoded, u.Path); both && u.Reason != posture.ReasonNotCollected {
			r.out.Unread++
		}
	}
	return nil
}

var (
	top     = regexp.MustCompile(`^[^.]*`)
	element = regexp.MustCompile(`\[[^\]]*\]`)
)

func attributesOf(data []byte) map[string]json.RawMessage {
	var d struct {
		Attributes map[string]json.RawMessage `json:"attributes"`
	}
	_ = json.Unmarshal(data, &d) // our own document
	return d.Attributes
}

func side(value json.RawMessage, unread bool) string {
	if unread {
		return "not read"
	}
	return cmp.Or(string(value), "absent")
}

// maxDifferences is how many differences are listed.
const maxDifferences = 1000

func (r *raw) differ(kind string, key posture.Key, path, recorded, again string) {
	if len(r.out.Differences) < maxDifferences {
		r.out.Differences = append(r.out.Differences, Difference{r.scan.Snapshot.Account.String(), r.scan.Snapshot.Seq, kind, key, path, recorded, again})
	}
}

func (r *raw) lack(l Lack) { r.lacks[l]++ }

// still is a clock that stands at the start of the scan and waits for nothing.
type still struct{ at time.Time }

func (s still) Now() time.Time                                   { return s.at }
func (s still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
