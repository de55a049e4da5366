package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// FindingFilter chooses findings; empty fields choose all.
type FindingFilter struct {
	Account  string
	Rule     string
	Rules    []string // of these rules, when it is not nil
	IDs      []string // these, when it is not nil
	States   []finding.State
	Assignee string
	Type     string
	Region   string
	ID       string // of the resource
	Active   bool
	AsOf     time.Time       // zero: now
	After    VerdictPosition // of the last one of the page before
	Limit    int             // 0: no limit
}

// Findings returns findings by account, resource and rule: as their events up to a time tell, which is never later knowledge.
func (s *Store) Findings(ctx context.Context, f FindingFilter) ([]finding.Finding, error) {
	q := selectFindings(f.AsOf, math.MaxInt64)
	if f.Account != "" {
		q.and(`f.account = ?`, f.Account)
	}
	if f.Rule != "" {
		q.and(`f.rule_id = ?`, f.Rule)
	}
	if f.Rules != nil {
		q.and(`f.rule_id = ANY(?)`, f.Rules)
	}
	if f.IDs != nil {
		q.and(`f.finding = ANY(?)`, f.IDs)
	}
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, state := range f.States {
			states[i] = string(state)
		}
		q.and(`e.state = ANY(?)`, states)
	}
	if f.Assignee != "" {
		q.and(`e.assignee = ?`, f.Assignee)
	}
	if f.Type != "" {
		q.and(`f.type = ?`, f.Type)
	}
	if f.Region != "" {
		q.and(`f.region = ?`, f.Region)
	}
	if f.ID != "" {
		q.and(`f.id = ?`, f.ID)
	}
	if f.Active {
		q.and(`e.ended_at IS NULL`)
	}
	if after := f.After; after != (VerdictPosition{}) {
		q.and(`(f.account, f.type, f.region, f.id, f.rule_id) > (?, ?, ?, ?, ?)`, after.Account, after.Resource.Type, after.Resource.Region, after.Resource.ID, after.Rule)
	}
	q.sql += ` ORDER BY f.account, f.type, f.region, f.id, f.rule_id`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "findings", scanFinding)
}

// Finding returns the finding with that id as of a time, the zero time being now.
func (s *Store) Finding(ctx context.Context, id string, asOf time.Time) (finding.Finding, error) {
	return oneFinding(ctx, s.pool, id, asOf)
}

func oneFinding(ctx context.Context, db querier, id string, asOf time.Time) (finding.Finding, error) {
	q := selectFindings(asOf, math.MaxInt64)
	q.and(`f.finding = ?`, id)
	rows, _ := db.Query(ctx, q.sql, q.args...)
	return readOne(rows, "finding "+id, scanFinding)
}

// life are the columns that findings and finding_events share: what a finding is after its newest event, or after one.
const life = `state, opened_at, first_at, at, ended_at, unverified_since, recurrence, assignee, reference, exception, before_state,
	wrong_version, n`

// selectFindings is a query for findings f as their events e tell: now or, with what they said by then, as of a time. What the rule
// said last when it failed is looked up in the snapshots up to number seq, 0 being none, or in those as of the time.
func selectFindings(asOf time.Time, seq int64) query {
	var q query
	events, snapshots, newest := `(SELECT `+life+`)`, ``, `$1::bigint`
	switch {
	case !asOf.IsZero():
		q.args = []any{asOf}
		events = `(SELECT ` + life + ` FROM finding_events e
			WHERE e.account = f.account AND e.finding = f.finding AND e.at <= $1 ORDER BY e.n DESC LIMIT 1)`
		snapshots = `LEFT JOIN (SELECT account, max(seq) AS seq FROM snapshots WHERE finished_at <= $1 GROUP BY account) s ON s.account = f.account`
		newest = `s.seq`
	case seq > 0:
		q.args = []any{seq}
	}
	said, verdict := `'', '', NULL::bytea`, ``
	if len(q.args) > 0 {
		said = `coalesce(v.rule_version, ''), coalesce(v.reason, ''), r.hash`
		// One by one through the primary key: IN keeps the planner from the index of all that fail of a rule.
		verdict = `
			LEFT JOIN LATERAL (SELECT v.rule_version, v.reason, v.valid_to FROM verdict_versions v
				WHERE v.account = f.account AND v.type = f.type AND v.region = f.region AND v.id = f.id AND v.rule_id = f.rule_id
					AND v.valid_from <= ` + newest + ` AND v.result IN ('fail', '')
				ORDER BY v.valid_from DESC LIMIT 1) v ON true
			LEFT JOIN LATERAL (SELECT r.hash FROM resource_versions r
				WHERE r.account = f.account AND r.type = f.type AND r.region = f.region AND r.id = f.id
					AND r.valid_from <= least(v.valid_to - 1, ` + newest + `)
				ORDER BY r.valid_from DESC LIMIT 1) r ON true`
	}
	q.sql = `
		SELECT f.account, f.finding, f.rule_id, f.type, f.region, f.id, e.state, e.opened_at, e.first_at, e.at, e.ended_at,
			e.unverified_since, e.recurrence, e.assignee, e.reference, e.exception, e.before_state, e.wrong_version, e.n, ` + said + `
		FROM findings f
		CROSS JOIN LATERAL ` + events + ` e ` + snapshots + verdict + `
		WHERE true`
	return q
}

func scanFinding(row pgx.CollectableRow) (f finding.Finding, err error) {
	var ended, unverified *time.Time
	var content []byte
	err = row.Scan(&f.Account, &f.ID, &f.RuleID, &f.Resource.Type, &f.Resource.Region, &f.Resource.ID, &f.State, &f.Opened, &f.First,
		&f.Changed, &ended, &unverified, &f.Recurrence, &f.Assignee, &f.Reference, &f.Exception, &f.Before, &f.WrongVersion, &f.Events,
		&f.RuleVersion, &f.Reason, &content)
	f.Opened, f.First, f.Changed, f.Content = f.Opened.UTC(), f.First.UTC(), f.Changed.UTC(), hex.EncodeToString(content)
	f.Ended, f.UnverifiedSince = optional(ended), optional(unverified)
	return f, err
}

func optional(t *time.Time) posture.Opt[time.Time] {
	if t == nil {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(t.UTC())
}

func nullable(o posture.Opt[time.Time]) *time.Time {
	if t, ok := o.Get(); ok {
		return &t
	}
	return nil
}

// FindingEvents returns a finding's events up to a time, the zero time being now, oldest first.
func (s *Store) FindingEvents(ctx context.Context, id string, asOf time.Time) ([]finding.Event, error) {
	q := query{sql: `
		SELECT e.finding, e.n, e.at, e.recorded_at, e.kind, e.from_state, e.state, e.actor, e.account, f.rule_id, f.type, f.region, f.id,
			e.seq, e.cause, e.note, e.about, e.assignee
		FROM findings f JOIN finding_events e USING (account, finding)
		WHERE true`}
	q.and(`f.finding = ?`, id)
	if !asOf.IsZero() {
		q.and(`e.at <= ?`, asOf)
	}
	q.sql += ` ORDER BY e.n`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	list, err := read(rows, "events of finding "+id, func(row pgx.CollectableRow) (e finding.Event, err error) {
		err = row.Scan(&e.Finding, &e.N, &e.At, &e.Recorded, &e.Kind, &e.From, &e.To, &e.By, &e.Account, &e.RuleID, &e.Resource.Type,
			&e.Resource.Region, &e.Resource.ID, &e.Seq, &e.Cause, &e.Note, &e.Exception, &e.Assignee)
		e.At, e.Recorded = e.At.UTC(), e.Recorded.UTC()
		return e, err
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("read events of finding %s: %w", id, posture.ErrNotFound)
	}
	return list, err
}

// FindingCount is how many findings of a rule are in a state.
type FindingCount struct {
	Rule       string        `json:"rule_id"`
	State      finding.State `json:"state"`
	Findings   int           `json:"findings"`
	Unverified int           `json:"unverified"` // of them
}

// FindingCounts counts findings by rule and state as of a time, the zero time being now; of one account or, when that is empty, of
// all.
func (s *Store) FindingCounts(ctx context.Context, account string, asOf time.Time) ([]FindingCount, error) {
	q := query{sql: `SELECT e.rule_id, e.state, count(*), count(e.unverified_since) FROM findings e WHERE true`}
	if !asOf.IsZero() {
		// Only of findings to which something happened later are the events looked at.
		q.sql = `
			SELECT e.rule_id, e.state, count(*), count(e.unverified_since)
			FROM (SELECT account, rule_id, state, unverified_since FROM findings WHERE at <= $1
				UNION ALL
				SELECT f.account, f.rule_id, e.state, e.unverified_since
				FROM findings f CROSS JOIN LATERAL (SELECT e.state, e.unverified_since FROM finding_events e
					WHERE e.account = f.account AND e.finding = f.finding AND e.at <= $1 ORDER BY e.n DESC LIMIT 1) e
				WHERE f.at > $1 AND f.first_at <= $1) e
			WHERE true`
		q.args = []any{asOf}
	}
	if account != "" {
		q.and(`e.account = ?`, account)
	}
	q.sql += ` GROUP BY 1, 2 ORDER BY 1, 2`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "finding counts", func(row pgx.CollectableRow) (c FindingCount, err error) {
		return c, row.Scan(&c.Rule, &c.State, &c.Findings, &c.Unverified)
	})
}

// record writes events and what they lead to, and hands them on. The first may be written already, by settleDue.
func (s *Store) record(ctx context.Context, tx pgx.Tx, account string, seq int64, events []finding.Event) error {
	written := 0
	for written < len(events) && !events[written].Recorded.IsZero() {
		written++
	}
	if err := s.writeEvents(ctx, tx, account, events[written:]); err != nil {
		return err
	}
	if s.OnEvents == nil || len(events) == 0 && seq == 0 {
		return nil
	}
	if err := s.OnEvents(ctx, tx, account, seq, events); err != nil {
		return fmt.Errorf("hand on what happened to findings: %w", err)
	}
	return nil
}

// writeEvents writes events, and sets when.
func (s *Store) writeEvents(ctx context.Context, tx pgx.Tx, account string, events []finding.Event) error {
	if len(events) == 0 {
		return nil
	}
	now := s.now()
	engine, err := json.Marshal(access.Engine)
	if err != nil {
		return err
	}
	last := make(map[string]int, len(events))
	for i := range events {
		events[i].Recorded = now
		last[events[i].Finding] = i
	}
	var inserted, updated []finding.Finding
	for i := range events {
		e := &events[i]
		if last[e.Finding] != i {
			continue
		}
		if e.N == 1 {
			inserted = append(inserted, e.After)
		} else {
			updated = append(updated, e.After)
		}
	}
	columns := []string{"account", "finding", "type", "region", "id", "rule_id", "state", "opened_at", "first_at", "at", "ended_at",
		"unverified_since", "recurrence", "assignee", "reference", "exception", "before_state", "wrong_version", "n"}
	if err := copyRows(ctx, tx, "findings", columns, len(inserted), func(i int, row []any) error {
		f := &inserted[i]
		copy(row, []any{account, f.ID, f.Resource.Type, f.Resource.Region, f.Resource.ID, f.RuleID, string(f.State), f.Opened, f.First, f.Changed,
			nullable(f.Ended), nullable(f.UnverifiedSince), f.Recurrence, f.Assignee, f.Reference, f.Exception, string(f.Before), f.WrongVersion, f.Events})
		return nil
	}); err != nil {
		return err
	}
	if err := updateFindings(ctx, tx, account, updated); err != nil {
		return err
	}
	columns = []string{"account", "finding", "n", "at", "recorded_at", "kind", "from_state", "actor", "seq", "cause", "note", "about", "state",
		"opened_at", "first_at", "ended_at", "unverified_since", "recurrence", "assignee", "reference", "exception", "before_state", "wrong_version"}
	return copyRows(ctx, tx, "finding_events", columns, len(events), func(i int, row []any) error {
		e := &events[i]
		f, actor := &e.After, engine
		if e.By.ID != access.Engine.ID {
			var err error
			if actor, err = json.Marshal(e.By); err != nil {
				return err
			}
		}
		copy(row, []any{account, e.Finding, e.N, e.At, now, string(e.Kind), string(e.From), actor, e.Seq, string(e.Cause), ledger.Text(e.Note), e.Exception,
			string(f.State), f.Opened, f.First, nullable(f.Ended), nullable(f.UnverifiedSince), f.Recurrence, f.Assignee, f.Reference, f.Exception,
			string(f.Before), f.WrongVersion})
		return nil
	})
}

func updateFindings(ctx context.Context, tx pgx.Tx, account string, list []finding.Finding) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	ids, states, before, wrong := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	assignees, references := make([]string, n), make([]string, n)
	opened, at, ended, unverified := make([]time.Time, n), make([]time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	recurrence, numbers, exceptions := make([]int, n), make([]int, n), make([]int64, n)
	for i, f := range list {
		ids[i], states[i], before[i], wrong[i], assignees[i], references[i] = f.ID, string(f.State), string(f.Before), f.WrongVersion, f.Assignee, f.Reference
		opened[i], at[i], ended[i], unverified[i] = f.Opened, f.Changed, nullable(f.Ended), nullable(f.UnverifiedSince)
		recurrence[i], numbers[i], exceptions[i] = f.Recurrence, f.Events, f.Exception
	}
	tag, err := tx.Exec(ctx, `
		UPDATE findings f SET state = u.state, opened_at = u.opened_at, at = u.at, ended_at = u.ended_at, unverified_since = u.unverified_since,
			recurrence = u.recurrence, assignee = u.assignee, reference = u.reference, exception = u.exception, before_state = u.before_state,
			wrong_version = u.wrong_version, n = u.n
		FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::integer[], $9::text[],
			$10::text[], $11::bigint[], $12::text[], $13::text[], $14::integer[])
			AS u(finding, state, opened_at, at, ended_at, unverified_since, recurrence, assignee, reference, exception, before_state, wrong_version, n)
		WHERE f.account = $1 AND f.finding = u.finding COLLATE "C"`,
		account, ids, states, opened, at, ended, unverified, recurrence, assignees, references, exceptions, before, wrong, numbers)
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	if tag.RowsAffected() != int64(n) {
		return fmt.Errorf("write findings: %d changed instead of %d", tag.RowsAffected(), n)
	}
	return nil
}

// actionOf names acts in the audit log.
var actionOf = map[finding.Kind]access.Action{
	finding.KindAcked: access.FindingAcknowledge, finding.KindAssigned: access.FindingAssign, finding.KindClaimed: access.FindingClaimFix,
	finding.KindDisputed: access.FindingDispute, finding.KindUpheld: access.FindingSettle, finding.KindRuleWrong: access.FindingSettle,
}

// MoveFinding does what a person does to a finding, and returns it afterwards. What finding.Move refuses is posture.ErrInvalid, and in
// the audit log; an exception is asked for with RequestException.
func (s *Store) MoveFinding(ctx context.Context, by access.Actor, id string, act finding.Act) (after finding.Finding, err error) {
	act.Exception = 0
	for _, text := range []*string{&act.Assignee, &act.Reference, &act.Reason, &act.RuleVersion} {
		*text = ledger.Text(*text)
	}
	entry := access.Entry{Actor: by, Action: actionOf[act.Kind], Object: "finding/" + id, Reason: act.Reason}
	before, err := s.Finding(ctx, id, time.Time{})
	if err != nil {
		return after, err
	}
	err = s.act(ctx, before.Account, func(tx pgx.Tx, now time.Time) ([]finding.Event, error) {
		if before, err = oneFinding(ctx, tx, id, time.Time{}); err != nil {
			return nil, err
		}
		var events []finding.Event
		after, events, err = finding.Move(before, act, by, now)
		return events, err
	}, func(tx pgx.Tx) error { return s.writeChange(ctx, tx, entry, true, before, after) })
	return after, s.refusal(ctx, entry, err)
}

// act runs do on an account's findings, after bringing them to the present, records the events that it returns, and ends with the
// audit log, which has to be last.
func (s *Store) act(ctx context.Context, account string, do func(pgx.Tx, time.Time) ([]finding.Event, error), audit func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, lockFindings, account); err != nil {
			return err
		}
		now := s.now()
		events, err := s.settleDue(ctx, tx, account, now, math.MaxInt64)
		if err != nil {
			return err
		}
		more, err := do(tx, now)
		if err != nil {
			return err
		}
		if err := s.record(ctx, tx, account, 0, append(events, more...)); err != nil {
			return err
		}
		return audit(tx)
	})
}

// refusal writes an act that a guard refused to the audit log.
func (s *Store) refusal(ctx context.Context, e access.Entry, err error) error {
	if err == nil || !errors.Is(err, posture.ErrInvalid) || e.Action == "" {
		return err
	}
	e.Reason = err.Error()
	return errors.Join(err, s.Refuse(ctx, e))
}

// ExpireExceptions moves the findings whose exceptions have begun or ended by now, and returns how many events that made. Sealing
// does it too; this is for the time between scans.
func (s *Store) ExpireExceptions(ctx context.Context, now time.Time) (int, error) {
	now = now.UTC().Truncate(time.Microsecond)
	rows, _ := s.pool.Query(ctx, `SELECT DISTINCT f.account FROM `+dueExceptions, now)
	accounts, err := read(rows, "accounts with exceptions that are due", pgx.RowTo[string])
	n := 0
	for _, account := range accounts {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if err := lock(ctx, tx, lockFindings, account); err != nil {
				return err
			}
			events, err := s.settleDue(ctx, tx, account, now, math.MaxInt64)
			if err != nil {
				return err
			}
			n += len(events)
			return s.record(ctx, tx, account, 0, events)
		})
		if err != nil {
			return n, fmt.Errorf("expire exceptions of %s: %w", account, err)
		}
	}
	return n, err
}

// dueExceptions are the findings f whose exceptions x may have begun or ended by the time $1.
const dueExceptions = `findings f JOIN exceptions x ON x.account = f.account AND x.id = f.exception
	WHERE f.exception <> 0 AND (x.expires_at <= $1 OR f.state = 'exception_requested' AND x.starts_at <= $1
		AND EXISTS (SELECT FROM exception_decisions d WHERE d.account = x.account AND d.exception = x.id AND d.what = 'approve'))`

// settleDue writes what exceptions have come to by now. Verdicts are looked up in snapshots up to number seq.
func (s *Store) settleDue(ctx context.Context, tx pgx.Tx, account string, now time.Time, seq int64) ([]finding.Event, error) {
	rows, _ := tx.Query(ctx, `SELECT DISTINCT f.exception FROM `+dueExceptions+` AND f.account = $2`, now, account)
	due, err := read(rows, "exceptions that are due", pgx.RowTo[int64])
	if err != nil || len(due) == 0 {
		return nil, err
	}
	events, err := s.settle(ctx, tx, account, due, access.Engine, now, seq)
	if err != nil {
		return nil, err
	}
	return events, s.writeEvents(ctx, tx, account, events)
}

// settle returns what happens to the findings of these exceptions.
func (s *Store) settle(ctx context.Context, tx pgx.Tx, account string, due []int64, by access.Actor, now time.Time, seq int64) ([]finding.Event, error) {
	q := selectFindings(time.Time{}, seq)
	q.and(`f.account = ? AND f.exception = ANY(?)`, account, due)
	rows, _ := tx.Query(ctx, q.sql, q.args...)
	findings, err := read(rows, "findings of exceptions", scanFinding)
	if err != nil {
		return nil, err
	}
	exceptions, err := exceptionsOf(ctx, tx, findings)
	if err != nil {
		return nil, err
	}
	changed, err := s.outOfDate(ctx, tx, account, findings, exceptions)
	if err != nil {
		return nil, err
	}
	var events []finding.Event
	for _, f := range findings {
		_, more := finding.Settle(f, exceptions[f.Exception], changed[f.Resource], by, now)
		events = append(events, more...)
	}
	return events, nil
}

// outOfDate returns the resources of findings whose settings are not those that their exceptions are about. Of an account as a whole
// nobody can tell: then the rule's reason decides.
func (s *Store) outOfDate(ctx context.Context, tx pgx.Tx, account string, findings []finding.Finding, exceptions map[int64]finding.Exception) (map[posture.Key]bool, error) {
	out := map[posture.Key]bool{}
	type pair struct {
		posture.Key
		before, after string
	}
	var pairs []pair
	var hashes [][32]byte
	for _, f := range findings {
		for _, c := range exceptions[f.Exception].Resources {
			switch {
			case c.Key != f.Resource || c.Content == f.Content && c.Content != "":
			case c.Content == "" || f.Content == "":
				out[c.Key] = true
			default:
				pairs = append(pairs, pair{c.Key, c.Content, f.Content})
			}
		}
	}
	if len(pairs) == 0 {
		return out, nil
	}
	for _, p := range pairs {
		for _, text := range []string{p.before, p.after} {
			sum, err := digest(text)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, [32]byte(sum))
		}
	}
	documents, err := readContents(ctx, tx, account, hashes)
	if err != nil {
		return nil, err
	}
	var d drift.Diff
	for i, p := range pairs {
		d.Resources = append(d.Resources, drift.ResourceDelta{Key: p.Key, Before: &drift.ResourceVersion{JSON: documents[hashes[2*i]]}, After: &drift.ResourceVersion{JSON: documents[hashes[2*i+1]]}})
	}
	changes, err := drift.Compare(d, s.Types)
	for _, c := range changes {
		out[c.Resource] = out[c.Resource] || c.Cause == posture.CauseConfiguration
	}
	return out, err
}

func exceptionObject(id int64) string { return "exception/" + strconv.FormatInt(id, 10) }
