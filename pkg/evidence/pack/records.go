package pack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

func digest(text string) (sum [32]byte, err error) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != len(sum) {
		return sum, fmt.Errorf("%w: %q is not a SHA-256", posture.ErrInvalid, text)
	}
	return [32]byte(data), nil
}

// page is how many findings are read at once.
const page = 1000

// writeFindings writes findings with their lives: both come in the same order.
func (b *builder) writeFindings(ctx context.Context) error {
	return b.files.lines(evidence.FindingsFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			next, stop := iter.Pull2(b.events(ctx, u.name))
			event, err, more := next()
			var after finding.Finding
			for {
				list, err2 := b.db.FindingsPage(ctx, u.name, b.until(), after, page)
				if err = cmp.Or(err, err2); err != nil {
					stop()
					return err
				}
				for _, f := range list {
					out := evidence.Finding{Finding: f, Life: []finding.Event{}}
					for more && event.Finding == f.ID {
						out.Life = append(out.Life, event)
						if event, err, more = next(); err != nil {
							stop()
							return err
						}
					}
					b.findings[f.ID] = true
					if err := errors.Join(b.learn(ctx, u, f, out.Life), row(out)); err != nil {
						stop()
						return err
					}
				}
				if len(list) < page {
					break
				}
				after = list[len(list)-1]
			}
			stop()
			if more {
				return fmt.Errorf("%w: event %d of finding %s has no finding", posture.ErrInvalid, event.N, event.Finding)
			}
		}
		return nil
	})
}

func (b *builder) events(ctx context.Context, account string) iter.Seq2[finding.Event, error] {
	return func(yield func(finding.Event, error) bool) {
		err := b.db.EachEvent(ctx, account, b.until(), func(e finding.Event) error {
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(finding.Event{}, err)
		}
	}
}

func (b *builder) writeExceptions(ctx context.Context) error {
	return b.files.lines(evidence.ExceptionsFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			list, err := b.db.ExceptionsOf(ctx, u.name, b.until())
			if err != nil {
				return err
			}
			for _, e := range list {
				standing := e.Standing(b.until())
				b.standings[standing]++
				if err := row(evidence.Exception{Exception: e, Standing: standing}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// ruleText is a version of a rule that the package holds.
type ruleText struct {
	program *rule.Program
	file    string
	text    []byte
}

// writeRules writes every version that judged, and the other rules that were in force.
func (b *builder) writeRules(ctx context.Context) error {
	texts := map[versioned]ruleText{}
	for _, p := range b.Rules.Programs {
		data, err := fs.ReadFile(b.RuleFiles, p.File)
		if err != nil {
			return fmt.Errorf("read rule: %w", err)
		}
		add(texts, p, "rules/"+p.File, data)
	}
	if err := b.db.EachRuleText(ctx, func(id, version, file, text string, params []byte) error {
		if _, ok := texts[versioned{id, version}]; ok || !b.versions[versioned{id, version}] {
			return nil
		}
		var values map[string]any
		r, err := rule.Parse(file, []byte(text))
		if err == nil {
			err = json.Unmarshal(params, &values)
		}
		if err != nil {
			return err
		}
		p, err := evidence.Compile(b.Rules.Compiler, r, values)
		if err != nil {
			return nil // it does not fit the attributes of today: not held
		}
		add(texts, p, "rules/versions/"+version+"/"+file, []byte(text))
		return nil
	}); err != nil {
		return err
	}
	providers := map[string]bool{}
	for _, u := range b.accounts {
		provider, _, _ := strings.Cut(u.name, ":")
		providers[provider] = true
	}
	for name, t := range texts {
		provider, _, _ := strings.Cut(t.program.Resource, ".")
		if providers[provider] && t.program.Retired == "" && !strings.HasPrefix(t.file, "rules/versions/") {
			b.versions[name] = true
		}
	}
	written := map[string]bool{}
	for name := range b.versions {
		r := evidence.Rule{ID: name.id, Version: name.version, Fields: []string{}, Calls: []string{}}
		if t, ok := texts[name]; ok {
			r = b.describe(t)
			if !written[t.file] {
				if err := b.files.data(t.file, t.text); err != nil {
					return err
				}
				written[t.file] = true
			}
		} else {
			b.gaps = append(b.gaps, evidence.Gap{Kind: "rule_text", Rule: name.id, Reason: "the text of version " + name.version + " is not held"})
		}
		b.rules = append(b.rules, r)
	}
	slices.SortFunc(b.rules, func(x, y evidence.Rule) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.Version, y.Version))
	})
	if err := b.files.lines(evidence.RulesFile, func(row func(any) error) error {
		for _, r := range b.rules {
			if err := row(r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	soc2, err := fs.ReadFile(b.RuleFiles, "soc2.yaml")
	if err != nil {
		return fmt.Errorf("read controls: %w", err)
	}
	return errors.Join(b.files.data(evidence.SOC2File, soc2), b.files.value(evidence.TypesFile, evidence.Describe(b.types(providers))))
}

func add(texts map[versioned]ruleText, p *rule.Program, file string, text []byte) {
	for _, p := range append([]*rule.Program{p}, p.Variants...) {
		texts[versioned{p.ID, p.Version}] = ruleText{p, file, text}
	}
}

// types are the resource types that the rules of these providers speak of.
func (b *builder) types(providers map[string]bool) []*posture.Type {
	return slices.DeleteFunc(slices.Clone(b.Types), func(t *posture.Type) bool {
		provider, _, _ := strings.Cut(t.Name, ".")
		return !providers[provider]
	})
}

func (b *builder) describe(t ruleText) evidence.Rule {
	p := t.program
	reading := "Holds for every " + p.Resource
	if p.AppliesWhen != "" {
		reading += " for which " + oneLine(p.AppliesWhen)
	}
	reading += "; passes when " + oneLine(p.PassesWhen) + ". Otherwise: " + oneLine(p.Message)
	types := append([]string{p.Resource}, p.Inputs...)
	var calls []string
	for _, t := range types {
		calls = append(calls, b.Operations[t]...)
	}
	slices.Sort(calls)
	return evidence.Rule{
		ID: p.ID, Version: p.Version, File: t.file, Title: p.Title, Resource: p.Resource, Severity: string(p.Severity), Control: p.Control,
		Params: p.Parameters(), Fields: append([]string{}, p.Fields...), Calls: append([]string{}, slices.Compact(calls)...), Reading: reading,
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// member is a resource as its population lists it.
type member struct {
	Account   string             `json:"account"`
	Snapshots evidence.Snapshots `json:"snapshots"`
	Region    string             `json:"region"`
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Created   string             `json:"created_at"`
	SHA256    string             `json:"sha256"`
	Stale     bool               `json:"stale"`
	Unlisted  bool               `json:"only_in_second_source"` // nothing of it was read
}

// writePopulations lists the resources of each type, and counts them by cell.
func (b *builder) writePopulations(context.Context) error {
	cells := map[listing]posture.CellIndex{}
	var all []evidence.Cell
	perSnapshot := map[listing][]posture.Cell{}
	for row, err := range evidence.Rows[evidence.Cell](b.pkg, evidence.CellsFile) {
		if err != nil {
			return err
		}
		u := b.account(row.Account)
		if u.last() == row.Snapshot { // the newest stands for the others
			all = append(all, row)
			key := listing{account: row.Account, snapshot: row.Snapshot}
			perSnapshot[key] = append(perSnapshot[key], row.Cell)
		}
	}
	for key, list := range perSnapshot {
		cells[key] = posture.IndexCells(list)
	}
	for _, provider := range []string{"aws", "azure", "gcp", ""} { // one after the other: each type of one keeps a file open
		if err := b.writePopulationsOf(provider, cells); err != nil {
			return err
		}
	}
	counts := []evidence.Count{}
	for _, c := range all {
		if c.State == posture.NotApplicable {
			continue
		}
		listed := b.listed[listing{c.Account, c.Snapshot, posture.Key{Type: c.Type, Region: c.Region}}]
		count := evidence.CountOf(c, listed)
		counts = append(counts, count)
		b.reconciled[count.Status]++
		if !c.ShowsAbsence() && c.State == posture.Complete {
			b.gaps = append(b.gaps, evidence.Gap{Kind: "reconciliation", Account: c.Account, Snapshot: c.Snapshot, Type: c.Type, Region: c.Region, State: string(count.Status),
				Cause: count.Cause, Count: len(count.OnlyFirst) + len(count.OnlySecond)})
		}
	}
	return b.files.value(evidence.ReconciledFile, counts)
}

func (b *builder) writePopulationsOf(provider string, cells map[listing]posture.CellIndex) error {
	open := map[string]*output{}
	known := func(t string) bool {
		p, _, _ := strings.Cut(t, ".")
		return p == provider || provider == "" && !slices.Contains([]string{"aws", "azure", "gcp"}, p)
	}
	fill := func() error {
		for r, err := range evidence.Rows[evidence.Resource](b.pkg, evidence.ResourcesFile) {
			if err != nil {
				return err
			}
			if !known(r.Type) {
				continue
			}
			if err := b.writeMember(r, open, cells); err != nil {
				return err
			}
		}
		return nil
	}
	err := fill()
	for _, t := range slices.Sorted(maps.Keys(open)) {
		err = errors.Join(err, open[t].close())
	}
	return err
}

func (b *builder) writeMember(r evidence.Resource, open map[string]*output, cells map[listing]posture.CellIndex) error {
	var document struct {
		Attributes struct {
			Name    string  `json:"name"`
			Created *string `json:"created_at"`
		} `json:"attributes"`
		Unread []posture.Unread `json:"unread"`
	}
	if err := json.Unmarshal(r.Document, &document); err != nil {
		return fmt.Errorf("read %s %s: %w", r.Type, r.ID, err)
	}
	out := open[r.Type]
	if out == nil {
		var err error
		if out, err = b.files.create("populations/" + r.Type + ".jsonl"); err != nil {
			return err
		}
		out.lines = true
		open[r.Type] = out
	}
	unlisted := slices.ContainsFunc(document.Unread, func(u posture.Unread) bool { return u.Path == "name" && u.Reason == posture.ReasonUnreconciled })
	m := member{r.Account, r.Snapshots, r.Region, r.ID, document.Attributes.Name, "", r.SHA256, r.Stale, unlisted}
	if document.Attributes.Created != nil {
		m.Created = *document.Attributes.Created
	}
	last := b.account(r.Account).last()
	if r.Snapshots.Holds(last) {
		at := listing{account: r.Account, snapshot: last}
		if cell, ok := cells[at].Of(r.Type, r.Region); ok && !r.Stale && !unlisted {
			at.key = posture.Key{Type: r.Type, Region: cell.Region}
			b.listed[at]++
		}
		if r.Stale {
			b.gaps = append(b.gaps, evidence.Gap{Kind: "stale", Account: r.Account, Snapshot: last, Type: r.Type, Region: r.Region, ID: r.ID, Reason: "not seen: its cell was not read to the end"})
		}
		for _, u := range document.Unread {
			b.unread[unread{r.Account, r.Type, r.Region, element.ReplaceAllString(u.Path, "[]"), u.Cause}]++
		}
	}
	return out.row(m)
}

// unread is an attribute that was not read, of one or many resources.
type unread struct {
	account, kind, region, path string
	cause                       posture.Cause
}

// element is the key of an element in a path.
var element = regexp.MustCompile(`\[[^\]]+\]`)

// writeManual writes what people attached to the controls.
func (b *builder) writeManual(ctx context.Context) error {
	list, err := b.db.Attachments(ctx, "", b.Head.Signed)
	if err != nil {
		return err
	}
	return b.files.lines(evidence.ManualFile, func(row func(any) error) error {
		for _, a := range list {
			if !slices.ContainsFunc(b.controls, func(c rule.Control) bool { return c.ID == a.Control }) {
				continue
			}
			data, err := b.db.AttachmentData(ctx, a.ID)
			if err != nil {
				return err
			}
			m := evidence.Manual{Attachment: a, File: "manual/" + strconv.FormatInt(a.ID, 10) + "-" + fileName(a.Name)}
			b.attached = append(b.attached, m)
			if err := errors.Join(b.files.data(m.File, data), row(m)); err != nil {
				return err
			}
		}
		return nil
	})
}

// fileName is a name as a package may use it.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
	return strings.TrimLeft(name[max(0, len(name)-80):], ".")
}

// writeControls rolls results up to controls: one failed result fails it, else one unknown leaves it unknown.
func (b *builder) writeControls(context.Context) error {
	for _, c := range b.controls {
		out := evidence.Control{ID: c.ID, Title: c.Title, Statement: c.Statement, Owner: b.Owners[c.ID], Nature: c.Nature, Criteria: []evidence.CriterionLink{},
			Rules: []string{}, Slots: []finding.Slot{}}
		out.Frequency = map[string]string{"state": "continuous", "event": "on demand", "periodic": "periodic"}[c.Nature]
		for _, l := range c.Criteria {
			out.Criteria = append(out.Criteria, evidence.CriterionLink{ID: l.ID, Supports: l.Supports, Leaves: l.Leaves})
		}
		for _, s := range b.Slots {
			if s.Control == c.ID {
				out.Slots = append(out.Slots, s)
			}
		}
		for _, r := range b.rules {
			if r.Control != c.ID || slices.Contains(out.Rules, r.ID) {
				continue
			}
			out.Rules = append(out.Rules, r.ID)
			if n := b.perRule[r.ID]; n != nil {
				out.Counts.Pass, out.Counts.Fail, out.Counts.Unknown, out.Counts.DoesNotApply = out.Counts.Pass+n.Pass, out.Counts.Fail+n.Fail, out.Counts.Unknown+n.Unknown, out.Counts.DoesNotApply+n.DoesNotApply
				out.Counts.Excepted, out.Counts.Total = out.Counts.Excepted+n.Excepted, out.Counts.Total+n.Total
			}
		}
		out.Result = rollUp(out)
		b.reports = append(b.reports, out)
	}
	return b.files.value(evidence.ControlsFile, b.reports)
}

func rollUp(c evidence.Control) string {
	switch n := c.Counts; {
	case n.Fail > 0:
		return string(posture.Fail)
	case n.Unknown > 0:
		return string(posture.Unknown)
	case n.Pass > 0:
		return string(posture.Pass)
	case n.DoesNotApply > 0:
		return string(posture.DoesNotApply)
	case len(c.Rules) == 0:
		return "awaiting_manual"
	}
	return "no_occurrence"
}

func (b *builder) writeScope(ctx context.Context) error {
	s := evidence.Scope{In: []evidence.Boundary{}, Out: append(b.out, b.Excluded...), Criteria: []string{}, Controls: []string{}, Changes: []evidence.ScopeChange{}, Waivers: []access.Waiver{}}
	if s.Out == nil {
		s.Out = []evidence.Boundary{}
	}
	for _, u := range b.accounts {
		s.In = append(s.In, evidence.Boundary{Account: u.name, Name: u.snapshots[len(u.snapshots)-1].Account.Name, Reason: u.reason})
	}
	if err := b.reconcileBoundaries(&s); err != nil {
		return err
	}
	regions, types, criteria := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for row, err := range evidence.Rows[evidence.Cell](b.pkg, evidence.CellsFile) {
		if err != nil {
			return err
		}
		regions[row.Region], types[row.Type] = true, true
	}
	for _, c := range b.reports {
		s.Controls = append(s.Controls, c.ID)
		for _, l := range c.Criteria {
			if len(b.Criteria) == 0 || slices.Contains(b.Criteria, l.ID) {
				criteria[l.ID] = true
			}
		}
	}
	s.Regions, s.Types, s.Criteria = slices.Sorted(maps.Keys(regions)), slices.Sorted(maps.Keys(types)), slices.Sorted(maps.Keys(criteria))
	holders, err := b.db.Holders(ctx, b.until())
	if err != nil {
		return err
	}
	for _, h := range holders {
		s.Waivers = append(s.Waivers, h.Waivers...)
	}
	slices.SortFunc(s.Waivers, func(x, y access.Waiver) int { return cmp.Compare(x.ID, y.ID) })
	b.engage(&s)
	system := b.System
	if system == nil {
		system = json.RawMessage(`{"stated":false,"note":"The organization has not described its system to this tool."}`)
	}
	return errors.Join(b.files.value(evidence.ScopeFile, s), b.files.value(evidence.SystemFile, system))
}

func (b *builder) writeGaps(context.Context) error {
	for u, n := range b.unread {
		b.gaps = append(b.gaps, evidence.Gap{Kind: "attribute", Account: u.account, Snapshot: b.account(u.account).last(), Type: u.kind, Region: u.region, Path: u.path, Cause: &u.cause, Count: n})
	}
	for _, off := range b.Off {
		b.gaps = append(b.gaps, evidence.Gap{Kind: "rule_off", Rule: off.Rule, Reason: off.Reason, Actor: off.Actor})
	}
	for _, e := range b.Excluded {
		b.gaps = append(b.gaps, evidence.Gap{Kind: "boundary", Account: e.Account, Reason: e.Reason, Actor: e.By})
	}
	slices.SortFunc(b.gaps, func(x, y evidence.Gap) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Snapshot, y.Snapshot), cmp.Compare(x.Type, y.Type),
			cmp.Compare(x.Region, y.Region), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Reason, y.Reason),
			compareCauses(x.Cause, y.Cause))
	})
	return b.files.lines(evidence.GapsFile, func(row func(any) error) error {
		for _, g := range b.gaps {
			if err := row(g); err != nil {
				return err
			}
		}
		return nil
	})
}

func compareCauses(a, b *posture.Cause) int {
	if a == nil || b == nil {
		return 0
	}
	return posture.CompareCauses(*a, *b)
}

// writeAudit writes the tool's own audit log: whole entries where they are about this package's accounts or about nobody's, digests of
// the others, so that the chain can be followed.
func (b *builder) writeAudit(ctx context.Context) error {
	return b.files.lines(evidence.AuditFile, func(row func(any) error) error {
		return b.db.EachAudit(ctx, b.Head.Size, func(entry []byte, index int64) error {
			var e access.Entry
			if err := json.Unmarshal(entry, &e); err != nil {
				return err
			}
			canonical, err := ledger.Canonical(json.RawMessage(entry))
			if err != nil || !bytes.Equal(canonical, entry) {
				return fmt.Errorf("%w: entry %d of the audit log is not in canonical form", posture.ErrInvalid, e.Seq)
			}
			out := evidence.AuditEntry{Seq: e.Seq, Index: index, SHA256: sumOf(entry)}
			if b.concerns(e.Object) {
				out.Entry = entry
				b.proofs = append(b.proofs, index)
			}
			return row(out)
		})
	})
}

// concerns reports whether an object of the audit log belongs to this package.
func (b *builder) concerns(object string) bool {
	kind, name, _ := strings.Cut(object, "/")
	switch kind {
	case "account", "snapshot":
		return slices.ContainsFunc(b.accounts, func(u *used) bool { return name == u.name || strings.HasPrefix(name, u.name+"/") })
	case "finding":
		return b.findings[name]
	case "audit", "request":
		return b.Engaged == nil || name == b.Audit || strings.HasPrefix(name, b.Audit+"/")
	}
	return true
}

// writeLog writes the checkpoint, and proofs that what the package tells of is in the log under it.
func (b *builder) writeLog(ctx context.Context) error {
	if err := b.files.data(evidence.CheckpointFile, []byte(b.Head.Note)); err != nil {
		return err
	}
	log := cached{b.db.Log(), map[int64]tlog.Hash{}}
	slices.Sort(b.proofs)
	if err := b.files.lines(evidence.ProofsFile, func(row func(any) error) error {
		for _, index := range slices.Compact(b.proofs) {
			records, err := b.db.LogRecords(ctx, index, 1)
			if err == nil && len(records) == 0 {
				err = fmt.Errorf("record %d of the log: %w", index, posture.ErrNotFound)
			}
			if err != nil {
				return err
			}
			proof, err := ledger.ProveRecord(ctx, log, b.Head.Size, index)
			if err != nil {
				return fmt.Errorf("prove record %d of the log: %w", index, err)
			}
			if err := row(evidence.NewProof(index, records[0], proof)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	heads, err := b.db.Heads(ctx, b.Head.Size)
	if err != nil {
		return err
	}
	return b.files.lines(evidence.ConsistencyFile, func(row func(any) error) error {
		for _, h := range heads {
			if h.Size == b.Head.Size {
				continue
			}
			proof, err := ledger.ProveTree(ctx, log, b.Head.Size, h.Size)
			if err != nil {
				return fmt.Errorf("prove that the log of %d records goes on: %w", h.Size, err)
			}
			if err := row(evidence.NewConsistency(h.Size, h.Root, proof)); err != nil {
				return err
			}
		}
		return nil
	})
}

// cached is a log that reads each hash once.
type cached struct {
	ledger.Storage
	have map[int64]tlog.Hash
}

func (c cached) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	var lacking []int64
	for _, i := range indexes {
		if _, ok := c.have[i]; !ok {
			lacking = append(lacking, i)
		}
	}
	if len(lacking) > 0 {
		read, err := c.Storage.Hashes(ctx, lacking)
		if err != nil {
			return nil, err
		}
		for n, i := range lacking {
			c.have[i] = read[n]
		}
	}
	out := make([]tlog.Hash, len(indexes))
	for n, i := range indexes {
		out[n] = c.have[i]
	}
	return out, nil
}
