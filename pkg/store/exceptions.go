package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ExceptionFilter chooses exceptions; empty fields choose all.
type ExceptionFilter struct {
	IDs     []int64 // these, when it is not nil
	Account string
	Rule    string
	AsOf    time.Time // zero: now
}

// Exceptions returns exceptions by number, with the decisions known as of the time.
func (s *Store) Exceptions(ctx context.Context, f ExceptionFilter) ([]finding.Exception, error) {
	return readExceptions(ctx, s.pool, f)
}

// Exception returns one exception with the decisions known as of a time, the zero time being now.
func (s *Store) Exception(ctx context.Context, id int64, asOf time.Time) (finding.Exception, error) {
	return oneException(ctx, s.pool, id, asOf)
}

func oneException(ctx context.Context, db querier, id int64, asOf time.Time) (finding.Exception, error) {
	list, err := readExceptions(ctx, db, ExceptionFilter{IDs: []int64{id}, AsOf: asOf})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("exception %d: %w", id, posture.ErrNotFound)
	}
	if err != nil {
		return finding.Exception{}, err
	}
	return list[0], nil
}

func readExceptions(ctx context.Context, db querier, f ExceptionFilter) ([]finding.Exception, error) {
	q := query{sql: `
		SELECT account, id, rule_id, rule_versions, pattern, reason, risk, compensating, requester, requested_at, starts_at, expires_at
		FROM exceptions WHERE true`}
	if f.IDs != nil {
		q.and(`id = ANY(?)`, f.IDs)
	}
	if f.Account != "" {
		q.and(`account = ?`, f.Account)
	}
	if f.Rule != "" {
		q.and(`rule_id = ?`, f.Rule)
	}
	if !f.AsOf.IsZero() {
		q.and(`requested_at <= ?`, f.AsOf)
	}
	q.sql += ` ORDER BY id`
	rows, _ := db.Query(ctx, q.sql, q.args...)
	list, err := read(rows, "exceptions", func(row pgx.CollectableRow) (finding.Exception, error) {
		e := finding.Exception{Resources: []finding.Covered{}, Decisions: []finding.Decision{}}
		err := row.Scan(&e.Account, &e.ID, &e.RuleID, &e.RuleVersions, &e.Pattern, &e.Reason, &e.Risk, &e.Compensating, &e.Requester, &e.Requested,
			&e.Starts, &e.Expires)
		e.Requested, e.Starts, e.Expires = e.Requested.UTC(), e.Starts.UTC(), e.Expires.UTC()
		return e, err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids, place := make([]int64, len(list)), make(map[int64]int, len(list))
	for i, e := range list {
		ids[i], place[e.ID] = e.ID, i
	}
	var id int64
	var c finding.Covered
	var content []byte
	rows, _ = db.Query(ctx, `
		SELECT r.exception, r.type, r.region, r.id, r.finding, r.reason, r.content
		FROM exceptions e JOIN exception_resources r ON r.account = e.account AND r.exception = e.id
		WHERE e.id = ANY($1) ORDER BY r.exception, r.type, r.region, r.id`, ids)
	if _, err := pgx.ForEachRow(rows, []any{&id, &c.Type, &c.Region, &c.ID, &c.Finding, &c.Reason, &content}, func() error {
		c.Content = hex.EncodeToString(content)
		e := &list[place[id]]
		e.Resources = append(e.Resources, c)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read resources of exceptions: %w", err)
	}
	var d finding.Decision
	rows, _ = db.Query(ctx, `
		SELECT d.exception, d.at, d.person, d.what, d.reason
		FROM exceptions e JOIN exception_decisions d ON d.account = e.account AND d.exception = e.id
		WHERE e.id = ANY($1) ORDER BY d.exception, d.n`, ids)
	if _, err := pgx.ForEachRow(rows, []any{&id, &d.At, &d.By, &d.What, &d.Reason}, func() error {
		d.At = d.At.UTC()
		e := &list[place[id]]
		e.Decisions = append(e.Decisions, d)
		if d.What != finding.Approve {
			e.Ended = posture.Some(d.At)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read decisions on exceptions: %w", err)
	}
	if !f.AsOf.IsZero() {
		for i := range list {
			list[i] = list[i].AsOf(f.AsOf)
		}
	}
	return list, nil
}

// exceptionsOf returns the exceptions of findings by number.
func exceptionsOf(ctx context.Context, db querier, findings []finding.Finding) (map[int64]finding.Exception, error) {
	ids := []int64{}
	for _, f := range findings {
		ids = append(ids, f.Exception)
	}
	slices.Sort(ids)
	list, err := readExceptions(ctx, db, ExceptionFilter{IDs: slices.Compact(ids)})
	out := make(map[int64]finding.Exception, len(list))
	for _, e := range list {
		out[e.ID] = e
	}
	return out, err
}

// RequestException asks to accept findings of one rule in one account: those that Resources names, by finding or by key, or with a
// pattern every open or acknowledged one whose resource's id fits; * stands for any text. It sets what else the request is made of,
// and returns it.
func (s *Store) RequestException(ctx context.Context, by access.Actor, e finding.Exception) (finding.Exception, error) {
	entry := access.Entry{Actor: by, Action: access.ExceptionRequest, Object: "exception", Reason: e.Reason}
	for _, text := range []*string{&e.Pattern, &e.Reason, &e.Risk, &e.Compensating} {
		*text = ledger.Text(*text)
	}
	e.Starts, e.Expires = e.Starts.UTC().Truncate(time.Microsecond), e.Expires.UTC().Truncate(time.Microsecond)
	if e.Pattern == "" && e.RuleID == "" && len(e.Resources) > 0 && e.Resources[0].Finding != "" {
		first, err := s.Finding(ctx, e.Resources[0].Finding, time.Time{})
		if err != nil {
			return e, err
		}
		e.Account, e.RuleID = first.Account, first.RuleID
	}
	err := s.act(ctx, e.Account, func(tx pgx.Tx, now time.Time) ([]finding.Event, error) {
		covered, err := coveredBy(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		e.Requester, e.Requested, e.Resources, e.RuleVersions = by.ID, now, []finding.Covered{}, nil
		for _, f := range covered {
			e.Resources = append(e.Resources, finding.Covered{Key: f.Resource, Finding: f.ID, Reason: f.Reason, Content: f.Content})
			e.RuleVersions = append(e.RuleVersions, f.RuleVersion)
		}
		slices.Sort(e.RuleVersions)
		e.RuleVersions = slices.Compact(e.RuleVersions)
		if e, err = e.Prepare(); err != nil {
			return nil, err
		}
		if e.ID, err = addException(ctx, tx, e); err != nil {
			return nil, err
		}
		entry.Object = exceptionObject(e.ID)
		var events []finding.Event
		for _, f := range covered {
			_, more, err := finding.Move(f, finding.Act{Kind: finding.KindRequested, Exception: e.ID, Reason: e.Reason}, by, now)
			if err != nil {
				return nil, err
			}
			events = append(events, more...)
		}
		return events, nil
	}, func(tx pgx.Tx) error { return s.writeChange(ctx, tx, entry, false, nil, e) })
	if err != nil {
		entry.Object = "exception"
	}
	return e, s.refusal(ctx, entry, err)
}

// coveredBy returns the findings that a request means.
func coveredBy(ctx context.Context, tx pgx.Tx, e finding.Exception) ([]finding.Finding, error) {
	q := selectFindings(time.Time{}, math.MaxInt64)
	q.and(`f.account = ? AND f.rule_id = ?`, e.Account, e.RuleID)
	if e.Pattern != "" {
		if len(e.Resources) > 0 {
			return nil, fmt.Errorf("%w: exception to %s: name resources or a pattern, not both", posture.ErrInvalid, e.RuleID)
		}
		q.and(`f.state IN ('open', 'acknowledged') AND f.id LIKE ?`, likePattern(e.Pattern))
		q.sql += ` ORDER BY f.type, f.region, f.id`
		rows, _ := tx.Query(ctx, q.sql, q.args...)
		return read(rows, "findings that the pattern fits", scanFinding)
	}
	ids := []string{}
	for _, c := range e.Resources {
		if c.Finding == "" {
			c.Finding = finding.ID(e.Account, e.RuleID, c.Key)
		}
		ids = append(ids, c.Finding)
	}
	q.and(`f.finding = ANY(?)`, ids)
	q.sql += ` ORDER BY f.type, f.region, f.id`
	rows, _ := tx.Query(ctx, q.sql, q.args...)
	list, err := read(rows, "findings to accept", scanFinding)
	for _, id := range ids {
		if err == nil && !slices.ContainsFunc(list, func(f finding.Finding) bool { return f.ID == id }) {
			err = fmt.Errorf("%w: %s is no finding of %s in %s: one exception is about one rule in one account", posture.ErrInvalid, id, e.RuleID, e.Account)
		}
	}
	return list, err
}

// likePattern is a pattern with * as LIKE takes it.
func likePattern(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(pattern)
}

func addException(ctx context.Context, tx pgx.Tx, e finding.Exception) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO exceptions (account, rule_id, rule_versions, pattern, reason, risk, compensating, requester, requested_at, starts_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
		e.Account, e.RuleID, e.RuleVersions, e.Pattern, e.Reason, e.Risk, e.Compensating, e.Requester, e.Requested, e.Starts, e.Expires).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("write exception: %w", err)
	}
	columns := []string{"account", "exception", "type", "region", "id", "finding", "reason", "content"}
	return id, copyRows(ctx, tx, "exception_resources", columns, len(e.Resources), func(i int, row []any) error {
		c := e.Resources[i]
		content, err := digest(c.Content)
		copy(row, []any{e.Account, id, c.Type, c.Region, c.ID, c.Finding, c.Reason, content})
		return err
	})
}

// DecideException approves, refuses or revokes an exception, moves its findings, and returns it afterwards. What
// finding.Exception.Decide refuses is posture.ErrInvalid, and in the audit log.
func (s *Store) DecideException(ctx context.Context, by access.Actor, id int64, what finding.Verdict, reason string) (after finding.Exception, err error) {
	reason = ledger.Text(reason)
	entry := access.Entry{Actor: by, Object: exceptionObject(id), Reason: reason, Action: map[finding.Verdict]access.Action{
		finding.Approve: access.ExceptionApprove, finding.Refuse: access.ExceptionRefuse, finding.Revoke: access.ExceptionRevoke}[what]}
	before, err := s.Exception(ctx, id, time.Time{})
	if err != nil {
		return after, err
	}
	err = s.act(ctx, before.Account, func(tx pgx.Tx, now time.Time) ([]finding.Event, error) {
		if before, err = oneException(ctx, tx, id, time.Time{}); err != nil {
			return nil, err
		}
		if after, err = before.Decide(what, by, reason, now); err != nil {
			return nil, err
		}
		d := after.Decisions[len(after.Decisions)-1]
		if _, err := tx.Exec(ctx, `
			INSERT INTO exception_decisions (account, exception, n, at, person, what, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			after.Account, id, len(after.Decisions), d.At, d.By, string(d.What), d.Reason); err != nil {
			return nil, fmt.Errorf("write decision: %w", err)
		}
		return s.settle(ctx, tx, after.Account, []int64{id}, by, now, math.MaxInt64)
	}, func(tx pgx.Tx) error { return s.writeChange(ctx, tx, entry, true, before, after) })
	return after, s.refusal(ctx, entry, err)
}
