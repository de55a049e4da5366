// Package pack builds packages of evidence. The same records give the same bytes on every machine: nothing in a package tells when or
// where it was built.
package pack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

// Source is where the records are. Every list has an order, and none is held in memory that grows with resources or time.
type Source interface {
	Accounts(ctx context.Context) ([]posture.Account, error)
	Snapshot(ctx context.Context, account string, seq int64) (posture.Snapshot, error)
	LastFinished(ctx context.Context, account string, t time.Time, size int64) (posture.Snapshot, error)
	Finished(ctx context.Context, account string, from, to time.Time, size int64) ([]posture.Snapshot, error)
	Cells(ctx context.Context, account string, seq int64) ([]posture.Cell, error)
	EachCall(ctx context.Context, account string, seq int64, fn func(posture.Call) error) error
	EachResource(ctx context.Context, account string, first, last int64, fn func(c posture.Content, from, to int64) error) error
	EachVerdict(ctx context.Context, account string, first, last int64, fn func(v posture.Verdict, from, to int64) error) error
	Body(ctx context.Context, account, sum string) ([]byte, error)
	FindingsPage(ctx context.Context, account string, asOf time.Time, after finding.Finding, limit int) ([]finding.Finding, error)
	EachEvent(ctx context.Context, account string, until time.Time, fn func(finding.Event) error) error
	ExceptionsOf(ctx context.Context, account string, asOf time.Time) ([]finding.Exception, error)
	Attachments(ctx context.Context, control string, asOf time.Time) ([]finding.Attachment, error)
	AttachmentData(ctx context.Context, id int64) ([]byte, error)
	EachAudit(ctx context.Context, size int64, fn func(entry []byte, index int64) error) error
	Heads(ctx context.Context, size int64) ([]ledger.Head, error)
	Log() ledger.Storage
	LogRecords(ctx context.Context, from int64, limit int) ([][]byte, error)
	EachRuleText(ctx context.Context, fn func(id, version, file, text string, params []byte) error) error
	Holders(ctx context.Context, asOf time.Time) ([]access.Holder, error)
	AttributedTo(ctx context.Context, account string, key posture.Key, after, to int64, asOf time.Time) ([]attribution.Attribution, error)
	LogReads(ctx context.Context, account string, asOf time.Time) ([]attribution.LogRead, error)
	EachAlerted(ctx context.Context, account string, asOf time.Time, fn func(finding string, seq int64, sent, acknowledged posture.Opt[time.Time]) error) error
	PackageBefore(ctx context.Context, audit string, t time.Time) (string, error)
}

// Request says what a package is about.
type Request struct {
	Type     string // evidence.Type1 or Type2
	Audit    string
	Engaged  *Engagement
	From, To time.Time // the day, or the period; To is not included
	Zone     string    // IANA name of the time zone of From and To
	Accounts []string  // empty: all
	Controls []string  // empty: all that the criteria name
	Criteria []string  // empty: all
	Raw      string    // evidence.RawWhole or RawReference

	Tool     string
	System   json.RawMessage // what the organization says of its system; nil: nothing
	Off      []RuleOff
	Excluded []evidence.Boundary
	Owners   map[string]string // of controls
	Slots    []finding.Slot

	Head        ledger.Head
	Signer      *ledger.Signer
	Keys        []ledger.Key // published
	Rules       *rule.Set
	RuleFiles   fs.FS
	Types       []*posture.Type
	Operations  map[string][]string      // that fill a resource type
	Permissions map[string][]string      // that an operation needs
	MaxGap      time.Duration            // of periods: how far apart two observations may be
	Schedule    time.Duration            // of periods: how far apart they should be
	Targets     map[string]time.Duration // of periods: within which failures are to be repaired, by severity
}

// Engagement is the audit that a package is for, as it was known at the head that the package rests on.
type Engagement struct {
	audit.Audit
	Auditors []access.Grant
	Requests []audit.Request
}

// RuleOff is a rule that is switched off.
type RuleOff struct{ Rule, Reason, Actor string }

// Build writes a package into an empty directory.
func Build(ctx context.Context, db Source, request Request, dir string) (evidence.Manifest, []byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return evidence.Manifest{}, nil, fmt.Errorf("build package: %w", err)
	}
	defer root.Close()
	pkg, err := evidence.Open(dir)
	if err != nil {
		return evidence.Manifest{}, nil, err
	}
	defer pkg.Close()
	b := &builder{Request: request, db: db, files: &files{root: root}, pkg: pkg, versions: map[versioned]bool{}, perRule: map[string]*evidence.Counts{}}
	envelope, err := b.build(ctx)
	if err != nil {
		return evidence.Manifest{}, nil, fmt.Errorf("build package: %w", err)
	}
	return b.manifest, envelope, nil
}

type versioned struct{ id, version string }

// used is an account with the snapshots of it that the package uses.
type used struct {
	name        string
	snapshots   []evidence.Snapshot // by number
	firstJudged int64
	judged      posture.Snapshot // the newest that is judged; number 0 when the account is only above others
	reason      string
}

func (u *used) first() int64 { return u.snapshots[0].Seq }
func (u *used) last() int64  { return u.snapshots[len(u.snapshots)-1].Seq }

type builder struct {
	Request
	db    Source
	files *files
	pkg   *evidence.Package // the same directory, for reading what was written

	accounts []*used
	out      []evidence.Boundary
	controls []rule.Control
	manifest evidence.Manifest
	versions map[versioned]bool
	rules    []evidence.Rule
	gaps     []evidence.Gap // that no file tells of otherwise
	perRule  map[string]*evidence.Counts
	counts   evidence.Counts
	listed   map[listing]int
	unread   map[unread]int
	proofs   []int64 // indexes of the log's records that are to be proved
	findings map[string]bool
	reports  []evidence.Control
	lives    map[string]life // of findings
	starts   map[snapshotName]time.Time
	period   *evidence.Period

	ruleControls map[string]string
	attached     []evidence.Manual
	standings    map[finding.Standing]int
	reconciled   map[posture.ReconciliationStatus]int // cells
}

type listing struct {
	account  string
	snapshot int64
	key      posture.Key
}

func (b *builder) build(ctx context.Context) ([]byte, error) {
	b.listed, b.unread = map[listing]int{}, map[unread]int{}
	b.starts = map[snapshotName]time.Time{}
	b.reconciled = map[posture.ReconciliationStatus]int{}
	b.findings, b.lives, b.standings = map[string]bool{}, map[string]life{}, map[finding.Standing]int{}
	for _, step := range []func(context.Context) error{
		b.choose, b.writeCalls, b.writeRaw, b.writeResources, b.writeFindings, b.writeExceptions, b.writeResults, b.writeRules,
		b.writePopulations, b.writeManual, b.writeControls, b.writeScope, b.writeRequests, b.writeGaps, b.writeAudit, b.writeLog, b.writePeriod,
		b.writeTables, b.writeOSCAL, b.writeOCSF, b.writeReport,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return b.seal(ctx)
}

// until is up to when the package knows: the end of the day or period.
func (b *builder) until() time.Time { return b.To.Add(-time.Microsecond) }

// choose finds the snapshots: of a day the newest of each account, of a period all. What lies above an account comes with it.
func (b *builder) choose(ctx context.Context) error {
	all, err := b.db.Accounts(ctx)
	if err != nil {
		return err
	}
	byName := map[string]*used{}
	for _, name := range b.Accounts {
		if !slices.ContainsFunc(all, func(a posture.Account) bool { return a.String() == name }) {
			return fmt.Errorf("account %s: %w", name, posture.ErrNotFound)
		}
	}
	var pins []posture.Pin
	for _, account := range all {
		name := account.String()
		if len(b.Accounts) > 0 && !slices.Contains(b.Accounts, name) {
			b.out = append(b.out, evidence.Boundary{Account: name, Name: account.Name, Reason: b.leftOut(name)})
			continue
		}
		snapshots, err := b.snapshots(ctx, name)
		if err != nil {
			return err
		}
		if len(snapshots) == 0 {
			b.out = append(b.out, evidence.Boundary{Account: name, Name: account.Name, Reason: "no snapshot by then"})
			b.gaps = append(b.gaps, evidence.Gap{Kind: "boundary", Account: name, Reason: "no snapshot by then"})
			continue
		}
		u := &used{name: name}
		for _, s := range snapshots {
			use := evidence.UseJudged
			if b.Type == evidence.Type2 && (s.Started.Before(b.From) || !s.Started.Before(b.To)) {
				use = evidence.UseAnchor
			} else {
				u.firstJudged, u.judged = cmp.Or(u.firstJudged, s.Seq), s
			}
			u.snapshots = append(u.snapshots, evidence.Snapshot{Snapshot: s, Use: use})
			pins = append(pins, s.Ancestors...)
		}
		byName[name] = u
	}
	if len(byName) == 0 {
		return fmt.Errorf("a snapshot that had finished by %s: %w", b.To.Format(time.RFC3339), posture.ErrNotFound)
	}
	for _, pin := range pins {
		u := byName[pin.Account]
		if u == nil {
			u = &used{name: pin.Account, reason: "above accounts that were asked for"}
			byName[pin.Account] = u
			b.out = slices.DeleteFunc(b.out, func(o evidence.Boundary) bool { return o.Account == pin.Account })
		}
		if slices.ContainsFunc(u.snapshots, func(s evidence.Snapshot) bool { return s.Seq == pin.Seq }) {
			continue
		}
		s, err := b.db.Snapshot(ctx, pin.Account, pin.Seq)
		if err != nil {
			return err
		}
		u.snapshots = append(u.snapshots, evidence.Snapshot{Snapshot: s, Use: evidence.UseAbove})
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		u := byName[name]
		slices.SortFunc(u.snapshots, func(a, b evidence.Snapshot) int { return cmp.Compare(a.Seq, b.Seq) })
		b.accounts = append(b.accounts, u)
	}
	b.window()
	if b.controls, err = b.chosenControls(); err != nil {
		return err
	}
	return b.files.lines(evidence.SnapshotsFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			for _, s := range u.snapshots {
				b.manifest.Snapshots++
				b.proofs = append(b.proofs, s.LogIndex)
				if err := row(s); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *builder) snapshots(ctx context.Context, account string) ([]posture.Snapshot, error) {
	if b.Type == evidence.Type2 {
		return b.db.Finished(ctx, account, b.From.Add(-b.MaxGap), b.To.Add(b.MaxGap), b.Head.Size)
	}
	s, err := b.db.LastFinished(ctx, account, b.until(), b.Head.Size)
	if errors.Is(err, posture.ErrNotFound) {
		return nil, nil
	}
	return []posture.Snapshot{s}, err
}

// window notes when the judged snapshots were read, and how far that is from the day asked for.
func (b *builder) window() {
	w := &b.manifest.Window
	for _, u := range b.accounts {
		for _, s := range u.snapshots {
			if s.Use != evidence.UseJudged {
				continue
			}
			if w.First.IsZero() || s.Started.Before(w.First) {
				w.First = s.Started
			}
			if s.Finished.After(w.Last) {
				w.Last = s.Finished
			}
		}
	}
	before, after := max(0, b.From.Sub(w.First)), max(0, w.Last.Sub(b.To))
	if b.Type == evidence.Type1 && before+after > 0 {
		b.manifest.OffDate = &evidence.OffDate{Before: seconds(before), After: seconds(after), Note: "The clouds were not read on the day asked for."}
	}
}

// seconds counts a begun second as a whole one.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func (b *builder) chosenControls() ([]rule.Control, error) {
	for _, id := range b.Controls {
		if _, ok := b.Rules.SOC2.Control(id); !ok {
			return nil, fmt.Errorf("control %q: %w", id, posture.ErrNotFound)
		}
	}
	for _, id := range b.Criteria {
		if _, ok := b.Rules.SOC2.Criterion(id); !ok {
			return nil, fmt.Errorf("criterion %q: %w", id, posture.ErrNotFound)
		}
	}
	var out []rule.Control
	for _, c := range b.Rules.SOC2.Controls {
		asked := len(b.Controls) == 0 || slices.Contains(b.Controls, c.ID)
		meets := len(b.Criteria) == 0 || slices.ContainsFunc(c.Criteria, func(l rule.Link) bool { return slices.Contains(b.Criteria, l.ID) })
		if asked && meets {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(x, y rule.Control) int { return cmp.Compare(x.ID, y.ID) })
	return out, nil
}

// writeCalls writes the journal, the cells with the calls that read them, and who read.
func (b *builder) writeCalls(ctx context.Context) error {
	cells, err := b.files.create(evidence.CellsFile)
	if err != nil {
		return err
	}
	collectors, err := b.files.create(evidence.CollectorsFile)
	if err != nil {
		return err
	}
	err = b.files.lines(evidence.CallsFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			for _, s := range u.snapshots {
				if err := b.writeSnapshotCalls(ctx, u.name, s.Snapshot, row, cells, collectors); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, cells.close(), collectors.close())
}

type operationRegion struct{ operation, region string }

func (b *builder) writeSnapshotCalls(ctx context.Context, account string, s posture.Snapshot, row func(any) error, cells, collectors *output) error {
	who := evidence.Collector{Account: account, Snapshot: s.Seq, Principal: s.Principal, Tool: s.Tool, Ruleset: s.Ruleset, RunID: s.RunID, Trigger: s.Trigger,
		ReadLog: map[string]string{"aws": "on", "gcp": "off", "azure": "none"}[s.Account.Provider], Needed: []string{}, Missing: []string{}}
	made := map[operationRegion][][2]int64{}
	needed, missing := map[string]bool{}, map[string]bool{}
	err := b.db.EachCall(ctx, account, s.Seq, func(c posture.Call) error {
		who.Calls++
		for _, p := range b.Permissions[c.Operation] {
			needed[p] = true
			if c.Status == 401 || c.Status == 403 {
				missing[p] = true
			}
		}
		if c.Status == 401 || c.Status == 403 {
			who.Refused++
		}
		if at, err := time.Parse(time.RFC1123, c.ServerDate); err == nil {
			if off := max(c.Started.Sub(at.Add(time.Second)), at.Sub(c.Ended), 0).Milliseconds(); off > who.ClockOffset {
				who.ClockOffset = off
			}
		}
		key := operationRegion{c.Operation, c.Region}
		ranges := made[key]
		if n := len(ranges); n > 0 && ranges[n-1][1] == int64(c.Seq)-1 {
			ranges[n-1][1] = int64(c.Seq)
		} else {
			made[key] = append(ranges, [2]int64{int64(c.Seq), int64(c.Seq)})
		}
		return row(evidence.Call{Account: account, Snapshot: s.Seq, Call: c})
	})
	if err != nil {
		return err
	}
	who.Needed, who.Missing = append(who.Needed, slices.Sorted(maps.Keys(needed))...), append(who.Missing, slices.Sorted(maps.Keys(missing))...)
	if err := collectors.row(who); err != nil {
		return err
	}
	list, err := b.db.Cells(ctx, account, s.Seq)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b posture.Cell) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Type, b.Type))
	})
	for _, c := range list {
		cell := evidence.Cell{Account: account, Snapshot: s.Seq, Cell: c, Operations: []string{}, CallSeq: [][2]int64{}}
		for _, operation := range b.Operations[c.Type] {
			ranges := made[operationRegion{operation, c.Region}]
			if c.Region == posture.Everywhere || len(ranges) == 0 { // of readers that answer for several places by one call
				ranges = nil
				for key, more := range made {
					if key.operation == operation {
						ranges = append(ranges, more...)
					}
				}
			}
			if len(ranges) > 0 {
				cell.Operations, cell.CallSeq = append(cell.Operations, operation), append(cell.CallSeq, ranges...)
			}
		}
		slices.Sort(cell.Operations)
		slices.SortFunc(cell.CallSeq, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
		if err := cells.row(cell); err != nil {
			return err
		}
		if cause, gap := c.Gap(); gap {
			b.gaps = append(b.gaps, evidence.Gap{Kind: "cell", Account: account, Snapshot: s.Seq, Type: c.Type, Region: c.Region, State: string(c.State), Cause: &cause})
		}
	}
	return nil
}

// writeRaw writes the answers that are kept, once for each digest.
func (b *builder) writeRaw(ctx context.Context) error {
	if b.Raw != evidence.RawWhole {
		return nil
	}
	written := map[[32]byte]bool{}
	for call, err := range evidence.Rows[evidence.Call](b.pkg, evidence.CallsFile) {
		if err != nil {
			return err
		}
		if call.Stored == "" {
			continue
		}
		key, err := digest(call.Stored)
		if err != nil {
			return err
		}
		if written[key] {
			continue
		}
		written[key] = true
		body, err := b.db.Body(ctx, call.Account, call.Stored)
		if err != nil {
			return err
		}
		if err := b.files.data(evidence.RawDir+call.Stored, body); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) writeResources(ctx context.Context) error {
	return b.files.lines(evidence.ResourcesFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			if err := b.db.EachResource(ctx, u.name, u.first(), u.last(), func(c posture.Content, from, to int64) error {
				within, ok := u.within(from, to)
				if !ok {
					return nil
				}
				document, err := ledger.Canonical(json.RawMessage(c.JSON))
				if err != nil {
					return err
				}
				return row(evidence.Resource{
					Account: u.name, Snapshots: within, Type: c.Type, Region: c.Region, ID: c.ID, SHA256: hexOf(c.Hash), Stale: c.Stale, Document: document,
				})
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// within narrows numbers of snapshots down to those that the package uses; false when it uses none of them.
func (u *used) within(from, to int64) (evidence.Snapshots, bool) {
	out, ok := evidence.Snapshots{}, false
	for _, s := range u.snapshots {
		if s.Seq >= from && s.Seq <= to {
			if !ok {
				out[0], ok = s.Seq, true
			}
			out[1] = s.Seq
		}
	}
	return out, ok
}

func (u *used) snapshot(seq int64) posture.Snapshot {
	i, _ := slices.BinarySearchFunc(u.snapshots, seq, func(s evidence.Snapshot, seq int64) int { return cmp.Compare(s.Seq, seq) })
	return u.snapshots[i].Snapshot
}

func (b *builder) account(name string) *used {
	i := slices.IndexFunc(b.accounts, func(u *used) bool { return u.name == name })
	if i < 0 {
		return nil
	}
	return b.accounts[i]
}

// writeResults writes the verdicts with the attributes that they rest on.
func (b *builder) writeResults(ctx context.Context) error {
	fields := map[versioned][]string{}
	resources := evidence.Rows[evidence.Resource](b.pkg, evidence.ResourcesFile)
	var lastDocument string
	var members map[string]json.RawMessage
	return b.files.lines(evidence.ResultsFile, func(row func(any) error) error {
		return evidence.Join(resources, b.verdicts(ctx), func(r evidence.Result, about *evidence.Resource) error {
			name := versioned{r.RuleID, r.RuleVersion}
			own, known := fields[name]
			if !known {
				b.versions[name] = true
				own = b.fields(r.RuleID, r.Resource.Type)
				fields[name] = own
			}
			if about != nil && len(own) > 0 {
				if about.SHA256 != lastDocument {
					var document struct {
						Attributes map[string]json.RawMessage `json:"attributes"`
					}
					if err := json.Unmarshal(about.Document, &document); err != nil {
						return err
					}
					lastDocument, members = about.SHA256, document.Attributes
				}
				r.Inputs = map[string]json.RawMessage{}
				for _, f := range own {
					if value, ok := members[f]; ok {
						r.Inputs[f] = value
					}
				}
			}
			if r.Result == posture.Fail {
				r.Finding = finding.ID(r.Account, r.RuleID, r.Resource)
			}
			u := b.account(r.Account)
			if u.judged.Seq > 0 && r.Snapshots.Holds(u.judged.Seq) {
				b.counts.Add(r.Result, r.Exception != 0)
				if b.perRule[r.RuleID] == nil {
					b.perRule[r.RuleID] = &evidence.Counts{}
				}
				b.perRule[r.RuleID].Add(r.Result, r.Exception != 0)
			}
			return row(r)
		})
	})
}

// verdicts are the results as the store has them.
func (b *builder) verdicts(ctx context.Context) func(yield func(evidence.Result, error) bool) {
	return func(yield func(evidence.Result, error) bool) {
		for _, u := range b.accounts {
			err := b.db.EachVerdict(ctx, u.name, u.first(), u.last(), func(v posture.Verdict, from, to int64) error {
				within, ok := u.within(from, to)
				if !ok {
					return nil
				}
				for _, part := range b.parts(u, v, within) {
					s := u.snapshot(part.Snapshots[0])
					part.Account, part.Verdict, part.Observed, part.Evaluated = u.name, v, s.Started, s.Sealed
					if !yield(part, nil) {
						return errStopped
					}
				}
				return nil
			})
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				yield(evidence.Result{}, err)
				return
			}
		}
	}
}

// parts splits a failing verdict where an exception begins or ends.
func (b *builder) parts(u *used, v posture.Verdict, within evidence.Snapshots) []evidence.Result {
	l := life{}
	if v.Result == posture.Fail {
		l = b.lives[finding.ID(u.name, v.RuleID, v.Resource)]
	}
	if l.spans == nil {
		return []evidence.Result{{Snapshots: within}}
	}
	var out []evidence.Result
	for _, s := range u.snapshots {
		if !within.Holds(s.Seq) {
			continue
		}
		exception := l.exception(s.Started)
		if n := len(out) - 1; n >= 0 && out[n].Exception == exception {
			out[n].Snapshots[1] = s.Seq
			continue
		}
		out = append(out, evidence.Result{Snapshots: evidence.Snapshots{s.Seq, s.Seq}, Exception: exception})
	}
	return out
}

var errStopped = errors.New("stopped")

// fields are the attributes of a resource type that a rule reads.
func (b *builder) fields(ruleID, resourceType string) []string {
	program, err := b.Rules.Program(ruleID)
	if err != nil {
		return nil
	}
	for _, p := range append([]*rule.Program{program}, program.Variants...) {
		if p.Resource != resourceType {
			continue
		}
		var out []string
		for _, f := range p.Fields {
			if name, ok := strings.CutPrefix(f, resourceType+"."); ok && !strings.Contains(name, ".") {
				out = append(out, name)
			}
		}
		return out
	}
	return nil
}

// seal writes the manifest and signs it.
func (b *builder) seal(ctx context.Context) ([]byte, error) {
	m := &b.manifest
	m.Schema, m.Type, m.Audit, m.From, m.To, m.Zone, m.Tool, m.Raw = evidence.Schema, b.Type, b.Audit, b.From.UTC(), b.To.UTC(), b.Zone, b.Tool, b.Raw
	m.Log = evidence.Checkpoint{Origin: b.Signer.Origin, Size: b.Head.Size, Root: b.Head.Root.String(), At: b.Head.Signed}
	m.Counts, m.Files, m.Rows = b.counts, b.files.list, b.files.rows
	slices.SortFunc(m.Rows, func(a, b evidence.FileRows) int { return cmp.Compare(a.Path, b.Path) })
	var err error
	if m.Previous, err = b.db.PackageBefore(ctx, b.Audit, b.To.UTC()); err != nil {
		return nil, err
	}
	manifest, envelope, err := m.Seal(b.Signer)
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{evidence.ManifestFile: manifest, evidence.EnvelopeFile: envelope} {
		if err := b.files.root.WriteFile(name, data, 0o644); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	return envelope, nil
}
