package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// What a package of evidence is made of is read row by row: a period of a large account does not fit into memory.

// EachResource calls fn for what an account's resources were from one snapshot to another, both included: by region, type, id and time,
// with the numbers of the first and last of these snapshots that a version was in. See Contents about the form of documents.
func (s *Store) EachResource(ctx context.Context, account string, first, last int64, fn func(c posture.Content, from, to int64) error) error {
	rows, err := s.pool.Query(ctx, `
		SELECT r.type, r.region, r.id, r.hash, r.stale, c.document, greatest(r.valid_from, $2), least(r.valid_to - 1, $3)
		FROM resource_versions r JOIN contents c USING (account, hash)
		WHERE r.account = $1 AND r.valid_from <= $3 AND (r.valid_to IS NULL OR r.valid_to > $2)
		ORDER BY r.region, r.type, r.id, r.valid_from`, account, first, last)
	return each(rows, err, "resources of "+account, func() error {
		var c posture.Content
		var hash []byte
		var from, to int64
		if err := rows.Scan(&c.Type, &c.Region, &c.ID, &hash, &c.Stale, &c.JSON, &from, &to); err != nil {
			return err
		}
		c.Hash = [32]byte(hash)
		return fn(c, from, to)
	})
}

// EachVerdict calls fn for what rules said from one snapshot to another, both included: by region, type, then id, space and rule, and
// time, as the leaves of a snapshot are ordered.
func (s *Store) EachVerdict(ctx context.Context, account string, first, last int64, fn func(v posture.Verdict, from, to int64) error) error {
	rows, err := s.pool.Query(ctx, `
		SELECT type, region, id, rule_id, rule_version, result, reason, unread, greatest(valid_from, $2), least(valid_to - 1, $3)
		FROM verdict_versions
		WHERE account = $1 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $2)
		ORDER BY region, type, id || ' ' || rule_id, valid_from`, account, first, last)
	return each(rows, err, "verdicts of "+account, func() error {
		var v posture.Verdict
		var from, to int64
		if err := rows.Scan(&v.Resource.Type, &v.Resource.Region, &v.Resource.ID, &v.RuleID, &v.RuleVersion, &v.Result, &v.Reason, &v.Unread, &from, &to); err != nil {
			return err
		}
		return fn(v, from, to)
	})
}

// EachCall calls fn for the calls of a snapshot in their order.
func (s *Store) EachCall(ctx context.Context, account string, seq int64, fn func(posture.Call) error) error {
	rows, err := s.pool.Query(ctx, selectCalls, account, seq)
	return each(rows, err, "calls of "+account, func() error {
		c, err := scanCall(rows)
		if err != nil {
			return err
		}
		return fn(c)
	})
}

// EachEvent calls fn for the steps in the lives of an account's findings up to a time.
func (s *Store) EachEvent(ctx context.Context, account string, until time.Time, fn func(finding.Event) error) error {
	rows, err := s.pool.Query(ctx, `
		SELECT f.rule_id, f.type, f.region, f.id, e.finding, e.n, e.at, e.recorded_at, e.kind, e.from_state, e.state, e.actor, e.seq, e.cause, e.note,
			e.about, e.assignee
		FROM finding_events e JOIN findings f USING (account, finding)
		WHERE e.account = $1 AND e.at <= $2 ORDER BY f.type, f.region, f.id, f.rule_id, e.n`, account, until)
	return each(rows, err, "findings of "+account, func() error {
		e := finding.Event{Account: account}
		if err := rows.Scan(&e.RuleID, &e.Resource.Type, &e.Resource.Region, &e.Resource.ID, &e.Finding, &e.N, &e.At, &e.Recorded, &e.Kind, &e.From, &e.To,
			&e.By, &e.Seq, &e.Cause, &e.Note, &e.Exception, &e.Assignee); err != nil {
			return err
		}
		e.At, e.Recorded = e.At.UTC(), e.Recorded.UTC()
		return fn(e)
	})
}

// EachAudit calls fn for the entries of the audit log among the first size records of the log, with their places in it.
func (s *Store) EachAudit(ctx context.Context, size int64, fn func(entry []byte, index int64) error) error {
	rows, err := s.pool.Query(ctx, `SELECT entry, log_index FROM audit_log WHERE log_index < $1 ORDER BY seq`, size)
	return each(rows, err, "audit log", func() error {
		var entry string
		var index int64
		if err := rows.Scan(&entry, &index); err != nil {
			return err
		}
		return fn([]byte(entry), index)
	})
}

// Finished returns an account's snapshots among the first size records of the log that finished within a time, both ends included,
// oldest first.
func (s *Store) Finished(ctx context.Context, account string, from, to time.Time, size int64) ([]posture.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+`
		WHERE s.account = $1 AND s.finished_at >= $2 AND s.finished_at <= $3 AND s.log_index < $4 ORDER BY s.seq`, account, from, to, size)
	return read(rows, "snapshots of "+account, scanSnapshot)
}

// LastFinished returns the newest of an account's snapshots among the first size records of the log that had finished by a time.
func (s *Store) LastFinished(ctx context.Context, account string, t time.Time, size int64) (posture.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+`
		WHERE s.account = $1 AND s.finished_at <= $2 AND s.log_index < $3 ORDER BY s.seq DESC LIMIT 1`, account, t, size)
	return readOne(rows, "snapshot of "+account+" as of "+t.UTC().Format(time.RFC3339), scanSnapshot)
}

// FindingsPage returns at most limit of an account's findings as of a time, by resource and rule, after one; the zero value begins.
func (s *Store) FindingsPage(ctx context.Context, account string, asOf time.Time, after finding.Finding, limit int) ([]finding.Finding, error) {
	f := FindingFilter{Account: account, AsOf: asOf, Limit: limit}
	if after.ID != "" {
		f.After = VerdictPosition{after.Account, after.Resource, after.RuleID}
	}
	return s.Findings(ctx, f)
}

// ExceptionsOf returns an account's exceptions with the decisions known as of a time.
func (s *Store) ExceptionsOf(ctx context.Context, account string, asOf time.Time) ([]finding.Exception, error) {
	return s.Exceptions(ctx, ExceptionFilter{Account: account, AsOf: asOf})
}

// each calls fn for every row.
func each(rows pgx.Rows, err error, what string, fn func() error) error {
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			err = fn()
		}
	}
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// RuleText is a rule as some version of it was written.
type RuleText struct {
	RuleID  string         `json:"rule_id"`
	Version string         `json:"version"`
	File    string         `json:"file"`
	Text    string         `json:"text"`
	Params  map[string]any `json:"params"` // in force
}

// SaveRules keeps the texts of rules by version; what is kept already stays as it is.
func (s *Store) SaveRules(ctx context.Context, list []RuleText) error {
	batch := &pgx.Batch{}
	for _, r := range list {
		params, err := json.Marshal(r.Params)
		if err != nil {
			return fmt.Errorf("write rule %s: %w", r.RuleID, err)
		}
		batch.Queue(`INSERT INTO rule_texts (rule_id, version, file, text, params, recorded_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			r.RuleID, r.Version, r.File, r.Text, params, s.now())
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return nil
}

// EachRuleText calls fn for the texts that are kept, by rule and version.
func (s *Store) EachRuleText(ctx context.Context, fn func(id, version, file, text string, params []byte) error) error {
	rows, err := s.pool.Query(ctx, `SELECT rule_id, version, file, text, params FROM rule_texts ORDER BY rule_id, version`)
	return each(rows, err, "rules", func() error {
		var id, version, file, text string
		var params []byte
		if err := rows.Scan(&id, &version, &file, &text, &params); err != nil {
			return err
		}
		return fn(id, version, file, text, params)
	})
}

// Package is a package of evidence that was built.
type Package struct {
	ID       string    `json:"id"`
	Audit    string    `json:"audit"`
	Type     string    `json:"type"` // type1 or type2
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Root     string    `json:"root"` // hex
	Size     int64     `json:"log_size"`
	Built    time.Time `json:"built_at"`
	By       string    `json:"built_by"`
	Envelope []byte    `json:"-"`
}

// AddPackage writes that a package was built. Building the same one again adds an entry to the audit log alone.
func (s *Store) AddPackage(ctx context.Context, by access.Actor, p Package) error {
	root, err := digest(p.Root)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO packages (id, audit, type, from_at, to_at, root, size, built_at, built_by, envelope)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			p.ID, p.Audit, p.Type, p.From, p.To, root, p.Size, s.now(), by.ID, p.Envelope); err != nil {
			return err
		}
		return s.writeAudit(ctx, tx, access.Entry{Actor: by, Action: access.PackageBuild, Object: "package/" + p.ID, After: p.Root, Reason: p.Type + " " + p.Audit})
	})
	if err != nil {
		return fmt.Errorf("write package %s: %w", p.ID, err)
	}
	return nil
}

// Packages returns the packages that were built, oldest first.
func (s *Store) Packages(ctx context.Context) ([]Package, error) {
	rows, _ := s.pool.Query(ctx, selectPackages+` ORDER BY built_at, id`)
	return read(rows, "packages", scanPackage)
}

const selectPackages = `SELECT id, audit, type, from_at, to_at, encode(root, 'hex'), size, built_at, built_by, envelope FROM packages`

func scanPackage(row pgx.CollectableRow) (p Package, err error) {
	err = row.Scan(&p.ID, &p.Audit, &p.Type, &p.From, &p.To, &p.Root, &p.Size, &p.Built, &p.By, &p.Envelope)
	p.From, p.To, p.Built = p.From.UTC(), p.To.UTC(), p.Built.UTC()
	return p, err
}

// PackageBefore returns the root, in hex, of the newest package of an audit about an earlier time; empty when there is none.
func (s *Store) PackageBefore(ctx context.Context, audit string, t time.Time) (string, error) {
	rows, _ := s.pool.Query(ctx, `SELECT encode(root, 'hex') FROM packages WHERE audit = $1 AND to_at < $2 ORDER BY to_at DESC, id LIMIT 1`, audit, t)
	list, err := read(rows, "packages", pgx.RowTo[string])
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0], nil
}

// AttributedTo returns who changed a resource after one snapshot, up to and including another, as far as it was known at a time: by
// snapshot and attribute.
func (s *Store) AttributedTo(ctx context.Context, account string, key posture.Key, after, to int64, asOf time.Time) ([]attribution.Attribution, error) {
	q := query{sql: selectAttributions, args: []any{account, after, to}}
	q.and(`type = ? AND region = ? AND id = ? AND written_at <= ?`, key.Type, key.Region, key.ID, asOf)
	rows, _ := s.pool.Query(ctx, q.sql+newestRevision, q.args...)
	return read(rows, "attributions", func(row pgx.CollectableRow) (attribution.Attribution, error) {
		a, err := scanAttributed(row)
		return a.Attribution, err
	})
}

// LogReads returns what had been read of an account's log by a time, in the order of reading. From is zero where nothing was read whole.
func (s *Store) LogReads(ctx context.Context, account string, asOf time.Time) ([]attribution.LogRead, error) {
	rows, _ := s.pool.Query(ctx, `SELECT region, from_at, to_at, read_at FROM change_log_reads WHERE account = $1 AND read_at <= $2 ORDER BY read_at, region`, account, asOf)
	return read(rows, "readings of the log of "+account, func(row pgx.CollectableRow) (r attribution.LogRead, err error) {
		var from *time.Time
		err = row.Scan(&r.Region, &from, &r.To, &r.ReadAt)
		if from != nil {
			r.From = from.UTC()
		}
		r.To, r.ReadAt = r.To.UTC(), r.ReadAt.UTC()
		return r, err
	})
}

// EachAlerted calls fn for the findings of an account that an alert tells of: with the snapshot that opened the finding, when the
// first message about it arrived somewhere, and when somebody acknowledged the alert, as far as that had happened by a time.
func (s *Store) EachAlerted(ctx context.Context, account string, asOf time.Time, fn func(finding string, seq int64, sent, acknowledged posture.Opt[time.Time]) error) error {
	rows, err := s.pool.Query(ctx, `
		SELECT e.finding, f.seq, min(t.at), min(a.acknowledged_at) FILTER (WHERE a.acknowledged_at <= $2)
		FROM alert_events e
		JOIN alerts a ON a.account = e.account AND a.id = e.alert
		JOIN finding_events f ON f.account = e.account AND f.finding = e.finding AND f.n = e.event AND f.kind IN ('opened', 'reopened')
		LEFT JOIN deliveries d ON d.account = e.account AND d.alert = e.alert AND d.created_at >= e.at
		LEFT JOIN delivery_attempts t ON t.account = d.account AND t.delivery = d.id AND t.state = 'sent' AND t.at <= $2
		WHERE e.account = $1 AND e.at <= $2
		GROUP BY e.finding, f.seq ORDER BY e.finding, f.seq`, account, asOf)
	return each(rows, err, "alerts of "+account, func() error {
		var finding string
		var seq int64
		var sent, acknowledged *time.Time
		if err := rows.Scan(&finding, &seq, &sent, &acknowledged); err != nil {
			return err
		}
		return fn(finding, seq, utc(sent), utc(acknowledged))
	})
}

func utc(t *time.Time) posture.Opt[time.Time] {
	if t == nil {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(t.UTC())
}
