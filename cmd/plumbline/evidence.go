package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/check"
	"github.com/plumbline-dev/plumbline/pkg/evidence/pack"
	"github.com/plumbline-dev/plumbline/pkg/evidence/sample"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/rules"
)

func newEvidence(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "evidence", Short: "Build packages for an auditor, and check them",
		Long: `A package holds what was read, the calls that read it, the rules and what they say, findings, exceptions and gaps, signed and bound to
the installation's log. Whoever gets it can check it and judge the settings again with plumbline-verify, without this installation.
It tells observations; what they mean is for the auditor to conclude.`,
		Example: `  plumbline evidence build --type type1 --as-of 2026-03-31 --out march.tar.gz
  plumbline evidence verify march.tar.gz --key keys.json
  plumbline evidence trace march.tar.gz aws-s3-bucket-not-public/arn:aws:s3:::logs`,
	}
	c.AddCommand(newEvidenceBuild(a), newEvidenceList(a), newEvidenceSample(a), newCheck(a, "verify PACKAGE", "Check that a package is as it was signed, whole, and in the log"),
		newCheck(a, "reperform PACKAGE", "Judge the recorded settings of a package again and compare"),
		newEvidenceWitness(a), newCheck(a, "trace PACKAGE RESULT", "Follow a result back to its calls; RESULT is RULE/RESOURCE or a line number"))
	return c
}

// newCheck is one command of plumbline-verify.
func newCheck(a *app, use, short string) *cobra.Command {
	name, rest, _ := strings.Cut(use, " ")
	var key, head, rule, azureCloud string
	var raw bool
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(strings.Count(rest, " ") + 1), Example: "  plumbline evidence " + name + " march.tar.gz" + strings.TrimPrefix(rest, "PACKAGE"),
		RunE: func(c *cobra.Command, args []string) error {
			if raw && rule != "" {
				return usageError{errors.New("--raw reads settings again, and judges nothing: leave out --rule")}
			}
			if raw {
				return a.reperformRaw(c.Context(), args[0], azureCloud)
			}
			line := append([]string{name}, args...)
			for flag, value := range map[string]string{"--key": key, "--head": head, "--rule": rule} {
				if value != "" {
					line = append(line, flag, value)
				}
			}
			if a.output == "json" {
				line = append(line, "--json")
			}
			if code := check.Run("plumbline evidence", line, a.out, a.err); code != 0 {
				return exit(code)
			}
			return nil
		},
	}
	switch name {
	case "verify":
		c.Flags().StringVar(&key, "key", "", "trust the keys in this `file` alone: a keys.json, a key or a PEM file")
		c.Flags().StringVar(&head, "head", "", "signed head of the log that you got earlier, a `file`")
	case "reperform":
		c.Flags().StringVar(&rule, "rule", "", "only this rule")
		c.Flags().BoolVar(&raw, "raw", false, "instead serve the recorded answers of the clouds to the readers, and compare the settings that they decode; asks nobody else")
		c.Flags().StringVar(&azureCloud, "azure-cloud", "public", "for --raw: where Azure was read: public, government or china")
	}
	return c
}

func newEvidenceList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the packages that were built, oldest first", Args: cobra.NoArgs, Example: "  plumbline evidence list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Packages(c.Context())
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, p := range list {
					rows = append(rows, []any{p.ID, p.Audit, p.Type, stamp(p.From), stamp(p.To), stamp(p.Built), p.By, short(p.Root, 13)})
				}
				return a.show(append([]store.Package{}, list...), []string{"package", "audit", "type", "from (UTC)", "to", "built", "by", "root"}, rows)
			})
		},
	}
}

func newEvidenceSample(a *app) *cobra.Command {
	var population, control, method, seed, by string
	var size int
	var ids []string
	c := &cobra.Command{
		Use: "sample PACKAGE", Short: "Draw a sample from a population of a package", Args: cobra.ExactArgs(1),
		Long: `The seed is the SHA-256 of audit, control and the population's digest, or one that the auditor supplies; anyone who has it and the
package draws the same items. A larger random draw extends the smaller one. Every draw is written down, also those not used.
Sizes are the firm's choice; often offered: annual 1, quarterly 2, monthly 2, weekly 5, daily 25, many per day 40.`,
		Example: `  plumbline evidence sample h1.tar.gz --population populations/aws.iam.user.jsonl --control access-reviews --size 25
  plumbline evidence sample h1.tar.gz --population deviations.jsonl --method stratified --size 5 --seed "coin and dice"`,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := evidence.Open(args[0])
			if err != nil {
				return err
			}
			defer p.Close()
			items, digest, err := p.Items(population)
			if err != nil {
				return err
			}
			audit, err := p.Audit()
			if err != nil {
				return err
			}
			key := sample.Seed(audit, control, digest)
			if seed != "" {
				key = sample.ParseSeed(seed)
			}
			drawn, err := sample.Draw(sample.Method(method), items, key, size, ids)
			if err != nil {
				return err
			}
			list, err := json.Marshal(append([]sample.Item{}, drawn...))
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				kept, err := db.AddSample(c.Context(), localActor(by), store.Sample{Audit: audit, Control: control, Population: digest, Method: method,
					Seed: fmt.Sprintf("%x", key[:]), Size: len(drawn), Items: list})
				if err != nil {
					return err
				}
				rows := [][]any{}
				for i, item := range drawn {
					rows = append(rows, []any{i + 1, item.ID, stamp(item.Time)})
				}
				return a.show(kept, []string{"number", "item", "time (UTC)"}, rows)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&population, "population", "", "`file` of the package: populations/TYPE.jsonl, findings.jsonl or deviations.jsonl")
	flags.StringVar(&control, "control", "", "the control that the sample is for")
	flags.StringVar(&method, "method", string(sample.Random), "random, stratified by time, all, or chosen")
	flags.IntVar(&size, "size", 25, "how many, for random and stratified")
	flags.StringVar(&seed, "seed", "", "the auditor's own seed: 64 hex digits or any `text`")
	flags.StringArrayVar(&ids, "id", nil, "an item, for chosen; may be repeated")
	flags.StringVar(&by, "by", "", "who draws, for the audit log")
	return c
}

// buildFlags are what evidence build is asked for.
type buildFlags struct {
	kind, asOf, from, to, zone string
	accounts                   []string
	controls, criteria         []string
	audit, out, config, system string
	raw, by                    string
	checkpoint                 int64
	schedule, maxGap           time.Duration
	targets                    map[string]string
}

func newEvidenceBuild(a *app) *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use: "build", Short: "Build a package: as of a day (type1) or of a period (type2)", Args: cobra.NoArgs,
		Long: `Collects everything that belongs to a package into a new directory or archive and signs it. The same records give the same bytes,
whenever and wherever it is built: a package tells what was known at the first signed head of the log after the day or period,
or at the one that --checkpoint names. A day whose account was last read on an earlier one is marked off date.`,
		Example: `  plumbline evidence build --type type1 --as-of 2026-03-31 --time-zone Europe/Berlin --out march.tar.gz
  plumbline evidence build --as-of 2026-03-31 --account aws:111122223333 --criteria CC6.1,CC7.2 --out march.zip
  plumbline evidence build --type type2 --from 2026-01-01 --to 2026-06-30 --out h1/
  plumbline evidence build --audit 2026-h1 --out h1.tar.gz`,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range fixedByAudit {
				if f.audit != "" && c.Flags().Changed(name) {
					return usageError{fmt.Errorf("--%s: audit %s says that already; plumbline audits scope changes its scope", name, f.audit)}
				}
			}
			return a.buildEvidence(c.Context(), f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.kind, "type", evidence.Type1, "type1, as of a day, or type2, of a period")
	flags.StringVar(&f.asOf, "as-of", "", "the `day` (2026-03-31) or a time of it (RFC 3339), for type1")
	flags.StringVar(&f.from, "from", "", "first `day` of the period, for type2")
	flags.StringVar(&f.to, "to", "", "last `day` of the period, for type2")
	flags.StringVar(&f.zone, "time-zone", "UTC", "time zone of the days, by its IANA `name`")
	flags.StringSliceVar(&f.accounts, "account", nil, "only these accounts (aws:111122223333), and what lies above them; may be repeated")
	flags.StringSliceVar(&f.controls, "controls", nil, "only these controls, by id")
	flags.StringSliceVar(&f.criteria, "criteria", nil, "only controls that speak to these criteria (CC6.1)")
	flags.StringVar(&f.audit, "audit", "", "the audit that the package is for: it says type, time, accounts, controls, schedule and targets")
	flags.StringVar(&f.out, "out", "", "directory, or `file` ending in .tar.gz or .zip, that must not be there yet")
	flags.StringVar(&f.config, "config", os.Getenv("PLUMBLINE_CONFIG"), "settings `file` with rules switched off, accounts left out and owners of controls")
	flags.StringVar(&f.system, "system", "", "JSON `file` that describes the organization, its system and what is carved out")
	flags.StringVar(&f.raw, "raw", "", "whole: with the clouds' answers, or reference: their digests alone (default whole for type1, reference for type2)")
	flags.DurationVar(&f.schedule, "schedule", 24*time.Hour, "of periods: how far apart scans should be")
	flags.DurationVar(&f.maxGap, "max-gap", 0, "of periods: how far apart two scans may be for the time between to count as observed (default 1.5 times --schedule)")
	flags.StringToStringVar(&f.targets, "target", nil, "of periods: within which time failures of a severity are to be repaired, such as critical=168h,high=720h")
	flags.StringVar(&f.by, "by", "", "who builds it, for the audit log")
	flags.Int64Var(&f.checkpoint, "checkpoint", 0, "what was known at the signed head of this many records of the log")
	return c
}

// fixedByAudit are the flags that an audit takes the place of.
var fixedByAudit = []string{"type", "as-of", "from", "to", "time-zone", "account", "controls", "criteria", "schedule", "max-gap", "target"}

// span returns the time that the package is about, in whole days of the zone; to is not included.
func (f buildFlags) span(now time.Time) (from, to time.Time, err error) {
	zone, err := time.LoadLocation(f.zone)
	if err != nil || f.zone == "" || f.zone == "Local" {
		return from, to, usageError{fmt.Errorf("--time-zone %q: want an IANA name such as Europe/Berlin", f.zone)}
	}
	day := func(flag, text string) (time.Time, error) {
		t, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			return t, usageError{fmt.Errorf("%s %q: want a day (2026-03-31)", flag, text)}
		}
		return t, nil
	}
	switch f.kind {
	case evidence.Type1:
		if f.asOf == "" || f.from != "" || f.to != "" {
			return from, to, usageError{errors.New("type1 wants --as-of, and neither --from nor --to")}
		}
		if at, err := time.Parse(time.RFC3339, f.asOf); err == nil {
			y, m, d := at.In(zone).Date()
			from, to = time.Date(y, m, d, 0, 0, 0, 0, zone), at
			break
		}
		if from, err = day("--as-of", f.asOf); err != nil {
			return from, to, err
		}
		to = from.AddDate(0, 0, 1)
	case evidence.Type2:
		if f.asOf != "" || f.from == "" || f.to == "" {
			return from, to, usageError{errors.New("type2 wants --from and --to, and no --as-of")}
		}
		if from, err = day("--from", f.from); err != nil {
			return from, to, err
		}
		if to, err = day("--to", f.to); err != nil {
			return from, to, err
		}
		to = to.AddDate(0, 0, 1)
	default:
		return from, to, usageError{fmt.Errorf("--type %q: want type1 or type2", f.kind)}
	}
	if to.After(now) {
		to = now.UTC().Truncate(time.Second)
	}
	if !to.After(from) {
		return from, to, usageError{fmt.Errorf("the time from %s to %s is empty or has not begun", from.Format(time.RFC3339), to.Format(time.RFC3339))}
	}
	return from, to, nil
}

func (a *app) buildEvidence(ctx context.Context, f buildFlags) error {
	archive, err := pack.ArchiveName(f.out)
	if err != nil || f.out == "" {
		return usageError{fmt.Errorf("--out %q: want a new directory, or a new file that ends in .tar.gz or .zip", f.out)}
	}
	if _, err := os.Lstat(f.out); !errors.Is(err, fs.ErrNotExist) {
		return usageError{fmt.Errorf("--out %s: is there already", f.out)}
	}
	if !slices.Contains([]string{"", evidence.RawWhole, evidence.RawReference}, f.raw) {
		return usageError{fmt.Errorf("--raw %q: want whole or reference", f.raw)}
	}
	set, err := loadRules()
	if err != nil {
		return err
	}
	settings, err := config.Load(f.config, os.Environ(), knownTo(set))
	if err != nil {
		return err
	}
	if set, err = set.WithParams(settings.Rules.Parameters); err != nil {
		return err
	}
	ring, err := a.keys()
	if err != nil {
		return err
	}
	request := evidenceRequest(set, settings)
	request.Signer, request.Keys = ring.Signer, ring.Keys
	if f.audit == "" {
		if err := f.fill(&request, time.Now()); err != nil {
			return err
		}
	}
	if f.system != "" {
		if request.System, err = os.ReadFile(f.system); err != nil || !json.Valid(request.System) {
			return usageError{fmt.Errorf("--system %s: want a JSON file: %w", f.system, err)}
		}
	}
	return a.withStore(ctx, func(db *store.Store) error {
		if err := saveRules(ctx, db, set); err != nil {
			return err
		}
		if f.audit != "" {
			err = engage(ctx, db, &request, f.audit, f.checkpoint)
		} else {
			request.Head, err = chooseHead(ctx, db, ring.Signer, f.checkpoint, request.To)
		}
		if err != nil {
			return err
		}
		if request.Raw = f.raw; f.raw == "" {
			request.Raw = map[string]string{evidence.Type1: evidence.RawWhole, evidence.Type2: evidence.RawReference}[request.Type]
		}
		m, err := buildPackage(ctx, db, localActor(f.by), request, f.out, archive)
		if err != nil {
			return err
		}
		note := ""
		if m.OffDate != nil {
			note = "off date"
		}
		return a.show(builtPackage{f.out, m.ID, m.Root, ring.Signer.Key.ID, m.Log.Size, len(m.Files), m.Snapshots, m.Counts, m.OffDate},
			[]string{"package", "files", "snapshots", "pass", "fail", "unknown", "n/a", "log", "note"},
			[][]any{{m.ID, len(m.Files), m.Snapshots, m.Counts.Pass, m.Counts.Fail, m.Counts.Unknown, m.Counts.DoesNotApply, m.Log.Size, note}})
	})
}

// fill takes what the package is about from the flags.
func (f buildFlags) fill(request *pack.Request, now time.Time) (err error) {
	if request.From, request.To, err = f.span(now); err != nil {
		return err
	}
	request.Type, request.Zone = f.kind, f.zone
	request.Accounts, request.Controls, request.Criteria = f.accounts, f.controls, f.criteria
	if request.Schedule, request.MaxGap = f.schedule, f.maxGap; request.MaxGap == 0 {
		request.MaxGap = f.schedule * 3 / 2
	}
	if f.schedule <= 0 || request.MaxGap <= 0 {
		return usageError{errors.New("--schedule and --max-gap: want a time above zero")}
	}
	request.Targets, err = targets(f.targets)
	return err
}

// targets are times to repair failures in, by severity.
func targets(texts map[string]string) (map[string]time.Duration, error) {
	out := map[string]time.Duration{}
	for severity, text := range texts {
		d, err := time.ParseDuration(text)
		if err != nil || !slices.Contains([]string{"critical", "high", "medium", "low"}, severity) {
			return nil, usageError{fmt.Errorf("--target %s=%s: want a severity and a duration such as high=720h", severity, text)}
		}
		out[severity] = d
	}
	return out, nil
}

// engage takes what the package is about from an audit, as it was known at the head: the first that was signed after the audit's time
// and after its scope was last changed.
func engage(ctx context.Context, db *store.Store, request *pack.Request, id string, checkpoint int64) error {
	a, err := db.AuditOf(ctx, id, time.Time{})
	if err != nil {
		return err
	}
	if !a.From.Before(db.Now()) {
		return fmt.Errorf("%w: the time of audit %s begins at %s", posture.ErrInvalid, id, a.From.Format(time.RFC3339))
	}
	to := a.To
	if to.After(db.Now()) { // what there is until now
		to = db.Now().UTC().Truncate(time.Second)
	}
	since := to
	if at := a.Scope().At; at.After(since) {
		since = at
	}
	if request.Head, err = chooseHead(ctx, db, request.Signer, checkpoint, since); err != nil {
		return err
	}
	known := request.Head.Signed
	if a, err = db.AuditOf(ctx, id, known); err != nil {
		return fmt.Errorf("at the head of %d records: %w", request.Head.Size, err)
	}
	engaged := &pack.Engagement{Audit: a}
	if engaged.Auditors, err = db.Auditors(ctx, id, known); err != nil {
		return err
	}
	if engaged.Requests, err = db.AuditRequests(ctx, id, known); err != nil {
		return err
	}
	scope := a.Scope()
	request.Engaged, request.Audit, request.Type, request.From, request.To, request.Zone = engaged, id, a.Type, a.From, to, a.Zone
	request.Accounts, request.Controls, request.Criteria = scope.Accounts, scope.Controls, scope.Criteria
	request.Schedule, request.MaxGap = time.Duration(a.Schedule)*time.Second, time.Duration(a.MaxGap)*time.Second
	request.Targets = map[string]time.Duration{}
	for severity, seconds := range a.Targets {
		request.Targets[severity] = time.Duration(seconds) * time.Second
	}
	return nil
}

// buildPackage builds a package at a place that is not there yet, a directory or an archive, and writes down that it did.
func buildPackage(ctx context.Context, db *store.Store, by access.Actor, request pack.Request, out string, archive bool) (m evidence.Manifest, err error) {
	dir := out
	if archive {
		if dir, err = os.MkdirTemp("", "plumbline-evidence-"); err != nil {
			return m, fmt.Errorf("build package: %w", err)
		}
		defer os.RemoveAll(dir)
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return m, fmt.Errorf("build package: %w", err)
	}
	m, envelope, err := pack.Build(ctx, db, request, dir)
	if err != nil {
		if !archive {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		return m, err
	}
	if archive {
		if err := pack.Archive(dir, out); err != nil {
			return m, err
		}
	}
	return m, db.AddPackage(ctx, by, store.Package{ID: m.ID, Audit: m.Audit, Type: m.Type, From: m.From, To: m.To, Root: m.Root, Size: m.Log.Size, Envelope: envelope})
}

// builtPackage is what scripts get; its names stay.
type builtPackage struct {
	Out       string            `json:"out"`
	Package   string            `json:"package"`
	Root      string            `json:"root"`
	Key       string            `json:"key"`
	LogSize   int64             `json:"log_size"`
	Files     int               `json:"files"`
	Snapshots int               `json:"snapshots"`
	Results   evidence.Counts   `json:"results"`
	OffDate   *evidence.OffDate `json:"off_date,omitempty"`
}

// chooseHead is the head that a package rests on: of the size asked for, or the first that was signed after what it is about. When
// there is none yet, the log is signed now.
func chooseHead(ctx context.Context, db *store.Store, signer *ledger.Signer, size int64, to time.Time) (ledger.Head, error) {
	if size > 0 {
		heads, err := db.Heads(ctx, size)
		if err != nil {
			return ledger.Head{}, err
		}
		if len(heads) == 0 || heads[len(heads)-1].Size != size {
			return ledger.Head{}, fmt.Errorf("signed head of %d records: %w", size, posture.ErrNotFound)
		}
		return heads[len(heads)-1], nil
	}
	head, err := db.HeadSince(ctx, to)
	if errors.Is(err, posture.ErrNotFound) {
		return db.SignHead(ctx, signer.SignCheckpoint)
	}
	return head, err
}

// evidenceRequest is what every package of this program has in common.
func evidenceRequest(set *rule.Set, settings *config.Config) pack.Request {
	r := pack.Request{
		Tool: version, Rules: set, RuleFiles: rules.FS, Types: types(), Operations: map[string][]string{}, Permissions: map[string][]string{}, Owners: map[string]string{},
	}
	for _, fills := range []collectors.Fills{aws.Fills(), azure.Fills(), gcp.Fills()} {
		for name, operations := range fills {
			r.Operations[name] = operations
		}
	}
	for _, list := range [][]collectors.Operation{aws.Operations(), azure.Operations(), gcp.Operations()} {
		for _, op := range list {
			r.Permissions[op.Name] = op.Permissions()
		}
	}
	for _, off := range settings.Rules.Off {
		r.Off = append(r.Off, pack.RuleOff{Rule: off.Rule, Reason: off.Reason, Actor: "settings"})
	}
	for _, connection := range settings.Connections {
		for _, e := range connection.Exclude {
			r.Excluded = append(r.Excluded, evidence.Boundary{Account: connection.Provider() + ":" + e.Account, Reason: e.Reason, By: "settings"})
		}
	}
	for _, c := range settings.Controls {
		r.Owners[c.ID] = c.Owner
		for _, e := range c.Evidence {
			r.Slots = append(r.Slots, finding.Slot{Control: c.ID, Name: e.Name, Owner: c.Owner, Frequency: e.Frequency, Due: e.Due})
		}
	}
	return r
}

// saveRules keeps the texts of the rules as this program has them, for packages about what it judged.
func saveRules(ctx context.Context, db *store.Store, set *rule.Set) error {
	var list []store.RuleText
	for _, p := range set.Programs {
		text, err := fs.ReadFile(rules.FS, p.File)
		if err != nil {
			return fmt.Errorf("read rule: %w", err)
		}
		for _, p := range append([]*rule.Program{p}, p.Variants...) {
			list = append(list, store.RuleText{RuleID: p.ID, Version: p.Version, File: p.File, Text: string(text), Params: p.Parameters()})
		}
	}
	return db.SaveRules(ctx, list)
}
