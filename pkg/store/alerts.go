package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// lockAlerts is the class of the advisory locks that keep two plans for an account apart. It is taken before lockLog.
const lockAlerts = 6

// recently is how far back events are looked for that no snapshot led to; those that are older were never meant to be told.
const recently = 7 * 24 * time.Hour

// AlertFilter chooses alerts; empty fields choose all.
type AlertFilter struct {
	ID       int64
	Before   int64 // only those with a smaller number; 0: all
	Account  string
	Class    alert.Class
	Open     bool // not resolved as of the time
	Unrouted bool // nobody is told
	AsOf     time.Time
	Since    time.Time // opened after it
	Limit    int       // 0: no limit

	exactly bool // Account, which may be the installation
}

// Alerts returns alerts, the newest first, as of a time, the zero time being now.
func (s *Store) Alerts(ctx context.Context, f AlertFilter) ([]alert.Alert, error) {
	return readAlerts(ctx, s.pool, f)
}

// Alert returns one alert as of a time, the zero time being now.
func (s *Store) Alert(ctx context.Context, id int64, asOf time.Time) (alert.Alert, error) {
	return oneAlert(ctx, s.pool, id, asOf)
}

func oneAlert(ctx context.Context, db querier, id int64, asOf time.Time) (alert.Alert, error) {
	list, err := readAlerts(ctx, db, AlertFilter{ID: id, AsOf: asOf})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("alert %d: %w", id, posture.ErrNotFound)
	}
	if err != nil {
		return alert.Alert{}, err
	}
	return list[0], nil
}

func readAlerts(ctx context.Context, db querier, f AlertFilter) ([]alert.Alert, error) {
	q := query{sql: `
		SELECT a.account, a.id, a.class, a.cause_group, a.title, a.severity, a.rules, a.controls, a.criteria, a.cause, a.count, a.examples,
			a.routes, a.opened_at, a.acknowledged_at, a.acknowledged_by, a.resolved_at
		FROM alerts a WHERE true`}
	if f.ID != 0 {
		q.and(`a.id = ?`, f.ID)
	}
	if f.Before != 0 {
		q.and(`a.id < ?`, f.Before)
	}
	if f.Account != "" || f.exactly {
		q.and(`a.account = ?`, f.Account)
	}
	if f.Class != "" {
		q.and(`a.class = ?`, string(f.Class))
	}
	if f.Unrouted {
		q.sql += ` AND a.routes = '{}'`
	}
	if !f.Since.IsZero() {
		q.and(`a.opened_at > ?`, f.Since)
	}
	switch {
	case !f.AsOf.IsZero():
		q.and(`a.opened_at <= ?`, f.AsOf)
		if f.Open {
			q.and(`(a.resolved_at IS NULL OR a.resolved_at > ?)`, f.AsOf)
		}
	case f.Open:
		q.sql += ` AND a.resolved_at IS NULL`
	}
	q.sql += ` ORDER BY a.id DESC`
	q.limit(f.Limit)
	rows, _ := db.Query(ctx, q.sql, q.args...)
	list, err := read(rows, "alerts", func(row pgx.CollectableRow) (a alert.Alert, err error) {
		var acknowledged, resolved *time.Time
		err = row.Scan(&a.Account, &a.ID, &a.Class, &a.Group, &a.Title, &a.Severity, &a.Rules, &a.Controls, &a.Criteria, &a.Cause, &a.Count,
			&a.Examples, &a.Routes, &a.Opened, &acknowledged, &a.By, &resolved)
		a.Opened = a.Opened.UTC()
		a.Acknowledged, a.Resolved = until(acknowledged, f.AsOf), until(resolved, f.AsOf)
		if _, known := a.Acknowledged.Get(); !known {
			a.By = ""
		}
		return a, err
	})
	if err != nil {
		return nil, err
	}
	return list, completeAlerts(ctx, db, list, f.AsOf)
}

// completeAlerts fills in what follows from the events of alerts: who was told, and of those not resolved how members stand.
func completeAlerts(ctx context.Context, db querier, list []alert.Alert, asOf time.Time) error {
	if len(list) == 0 {
		return nil
	}
	accounts, ids, standing := make([]string, len(list)), make([]int64, len(list)), []int64{}
	place := make(map[int64]*alert.Alert, len(list))
	for i := range list {
		a := &list[i]
		accounts[i], ids[i], place[a.ID] = a.Account, a.ID, a
		a.Members = map[string]alert.Standing{}
		if _, resolved := a.Resolved.Get(); !resolved {
			standing = append(standing, a.ID)
		}
	}
	var id int64
	var text string
	rows, _ := db.Query(ctx, `
		SELECT d.alert, d.receiver FROM unnest($1::text[], $2::bigint[]) AS a(account, id)
		JOIN deliveries d ON d.account = a.account COLLATE "C" AND d.alert = a.id
		WHERE $3::timestamptz IS NULL OR d.created_at <= $3
		GROUP BY d.alert, d.receiver ORDER BY d.alert, min(d.id)`, accounts, ids, instant(asOf))
	if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		place[id].Told = append(place[id].Told, text)
		return nil
	}); err != nil {
		return fmt.Errorf("read receivers of alerts: %w", err)
	}
	rows, _ = db.Query(ctx, `
		SELECT e.alert, e.note FROM unnest($1::text[], $2::bigint[]) AS a(account, id)
		JOIN alert_events e ON e.account = a.account COLLATE "C" AND e.alert = a.id
		WHERE e.kind = 'escalated' AND ($3::timestamptz IS NULL OR e.at <= $3) ORDER BY e.alert, e.n`, accounts, ids, instant(asOf))
	if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		place[id].Escalated = append(place[id].Escalated, text)
		return nil
	}); err != nil {
		return fmt.Errorf("read escalations of alerts: %w", err)
	}
	var kind alert.EntryKind
	var m alert.Standing
	rows, _ = db.Query(ctx, `
		SELECT DISTINCT ON (e.account, e.alert, e.member) e.alert, e.member, e.kind, e.stands, e.at
		FROM unnest($1::text[], $2::bigint[]) AS a(account, id)
		JOIN alert_events e ON e.account = a.account COLLATE "C" AND e.alert = a.id
		WHERE a.id = ANY($4) AND e.member <> '' AND ($3::timestamptz IS NULL OR e.at <= $3)
		ORDER BY e.account, e.alert, e.member, e.n DESC`, accounts, ids, instant(asOf), standing)
	if _, err := pgx.ForEachRow(rows, []any{&id, &text, &kind, &m.Stands, &m.Since}, func() error {
		m.Held, m.Since = kind == alert.Damped, m.Since.UTC()
		place[id].Members[text] = m
		return nil
	}); err != nil {
		return fmt.Errorf("read members of alerts: %w", err)
	}
	return nil
}

// instant is null for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// until returns a time unless it comes after the other, of which the zero time is now.
func until(t *time.Time, asOf time.Time) posture.Opt[time.Time] {
	if t == nil || !asOf.IsZero() && t.After(asOf) {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(t.UTC())
}

// AlertHistory returns an alert's entries up to a time, the zero time being now, oldest first.
func (s *Store) AlertHistory(ctx context.Context, id int64, asOf time.Time) ([]alert.Entry, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT e.n, e.at, e.kind, e.member, coalesce(e.finding, ''), coalesce(e.event, 0), e.stands, e.by, e.note
		FROM alerts a JOIN alert_events e ON e.account = a.account AND e.alert = a.id
		WHERE a.id = $1 AND ($2::timestamptz IS NULL OR e.at <= $2) ORDER BY e.n`, id, instant(asOf))
	return read(rows, fmt.Sprintf("history of alert %d", id), func(row pgx.CollectableRow) (e alert.Entry, err error) {
		err = row.Scan(&e.N, &e.At, &e.Kind, &e.Member, &e.Finding, &e.Event, &e.Stands, &e.By, &e.Note)
		e.At = e.At.UTC()
		return e, err
	})
}

// AlertAccounts returns the accounts with alerts that are not resolved; the empty one is the installation.
func (s *Store) AlertAccounts(ctx context.Context) ([]string, error) {
	rows, _ := s.pool.Query(ctx, `SELECT DISTINCT account FROM alerts WHERE resolved_at IS NULL ORDER BY account`)
	return read(rows, "accounts with alerts", pgx.RowTo[string])
}

// DueAlertAccounts returns the accounts with alerts for which a step of escalation is due, or which hold back something that has
// been quiet since a time.
func (s *Store) DueAlertAccounts(ctx context.Context, quiet time.Time, steps []alert.Step) ([]string, error) {
	names, before, severities := make([]string, len(steps)), make([]time.Time, len(steps)), make([]string, len(steps))
	for i, step := range steps {
		names[i], before[i], severities[i] = step.Name, step.Before, strings.Join(step.Severities, ",")
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT DISTINCT a.account FROM alerts a
		WHERE a.resolved_at IS NULL AND (
			a.acknowledged_at IS NULL AND a.routes <> '{}' AND a.class IN ('finding', 'monitoring')
			AND EXISTS (SELECT FROM unnest($1::text[], $2::timestamptz[], $3::text[]) s (name, before, severities)
				WHERE a.opened_at <= s.before AND (s.severities = '' OR a.severity = ANY(string_to_array(s.severities, ',')))
					AND NOT EXISTS (SELECT FROM alert_events e WHERE e.account = a.account AND e.alert = a.id AND e.kind = 'escalated' AND e.note = s.name))
			OR EXISTS (SELECT FROM alert_events e WHERE e.account = a.account AND e.alert = a.id AND e.kind = 'damped' AND e.at <= $4
				AND NOT EXISTS (SELECT FROM alert_events l WHERE l.account = e.account AND l.alert = e.alert AND l.member = e.member AND l.n > e.n)))
		ORDER BY a.account`, names, before, severities, quiet)
	return read(rows, "accounts with alerts that are due", pgx.RowTo[string])
}

// PlanAlerts hands plan what is known of an account's alerts, writes what it returns and queues the deliveries, in one transaction.
// Plans for one account wait for each other.
func (s *Store) PlanAlerts(ctx context.Context, ask alert.Ask, plan func(alert.Known) ([]alert.Change, error)) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, lockAlerts, ask.Account); err != nil {
			return err
		}
		known, err := s.known(ctx, tx, ask)
		if err != nil {
			return err
		}
		changes, err := plan(known)
		if err != nil {
			return err
		}
		return s.writeAlerts(ctx, tx, ask.Account, changes)
	})
	if err != nil {
		return fmt.Errorf("plan alerts of %s: %w", cmp.Or(ask.Account, "the installation"), err)
	}
	return nil
}

func (s *Store) known(ctx context.Context, tx pgx.Tx, ask alert.Ask) (k alert.Known, err error) {
	if k.Open, err = readAlerts(ctx, tx, AlertFilter{Account: ask.Account, Open: true, exactly: true}); err != nil {
		return k, err
	}
	slices.Reverse(k.Open)
	k.Flips = map[string]int{}
	var class alert.Class
	var member string
	var n int
	rows, _ := tx.Query(ctx, `
		SELECT a.class, e.member, count(*) FROM alert_events e JOIN alerts a ON a.account = e.account AND a.id = e.alert
		WHERE e.account = $1 AND e.at > $2 AND e.kind IN ('began', 'ended', 'damped') GROUP BY 1, 2`, ask.Account, ask.Since)
	if _, err := pgx.ForEachRow(rows, []any{&class, &member, &n}, func() error {
		k.Flips[alert.Subject(class, member)] = n
		return nil
	}); err != nil {
		return k, fmt.Errorf("count transitions: %w", err)
	}
	if !ask.Events {
		return k, nil
	}
	if k.Events, err = untoldEvents(ctx, tx, ask.Account, ask.Seq, s.now().Add(-recently)); err != nil || ask.Seq == 0 {
		return k, err
	}
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(seq), 0) = $2 FROM snapshots WHERE account = $1`, ask.Account, ask.Seq).Scan(&k.Newest); err != nil {
		return k, fmt.Errorf("read newest snapshot: %w", err)
	}
	if k.Newest {
		k.Gaps, err = gaps(ctx, tx, ask.Account, ask.Seq)
	}
	return k, err
}

// untoldEvents are the events of a snapshot, and recent ones that no snapshot led to, of which no alert tells yet.
func untoldEvents(ctx context.Context, tx pgx.Tx, account string, seq int64, recent time.Time) ([]alert.Event, error) {
	rows, _ := tx.Query(ctx, `
		SELECT e.finding, e.n, e.at, e.recorded_at, e.kind, e.from_state, e.state, e.actor, e.account, f.rule_id, f.type, f.region, f.id, e.seq, e.cause,
			e.note, e.about, e.assignee, c.document -> 'attributes' -> 'tags', v.unread,
			EXISTS (SELECT FROM alert_events t WHERE t.account = e.account AND t.finding = e.finding AND t.event > e.n)
		FROM finding_events e
		JOIN findings f ON f.account = e.account AND f.finding = e.finding
		LEFT JOIN LATERAL (SELECT v.unread FROM verdict_versions v
			WHERE v.account = f.account AND v.type = f.type AND v.region = f.region AND v.id = f.id AND v.rule_id = f.rule_id
				AND v.valid_from <= e.seq AND (v.valid_to IS NULL OR v.valid_to > e.seq)) v ON e.kind = 'unverified'
		LEFT JOIN LATERAL (SELECT r.hash FROM resource_versions r
			WHERE r.account = f.account AND r.type = f.type AND r.region = f.region AND r.id = f.id
			ORDER BY r.valid_from DESC LIMIT 1) r ON true
		LEFT JOIN contents c ON c.account = f.account AND c.hash = r.hash
		WHERE e.account = $1 AND (e.seq = $2 OR e.seq = 0 AND e.recorded_at > $3) AND e.kind = ANY($4)
			AND NOT EXISTS (SELECT FROM alert_events t WHERE t.account = e.account AND t.finding = e.finding AND t.event = e.n)
		ORDER BY e.recorded_at, f.rule_id, f.type, f.region, f.id, e.n`, account, seq, recent, alert.Kinds())
	return read(rows, "events that no alert tells of", func(row pgx.CollectableRow) (e alert.Event, err error) {
		var tags []byte
		err = row.Scan(&e.Finding, &e.N, &e.At, &e.Recorded, &e.Kind, &e.From, &e.To, &e.By, &e.Account, &e.RuleID, &e.Resource.Type,
			&e.Resource.Region, &e.Resource.ID, &e.Seq, &e.Cause, &e.Note, &e.Exception, &e.Assignee, &tags, &e.Unread, &e.Late)
		_ = json.Unmarshal(tags, &e.Tags) // none when they were not read
		e.At, e.Recorded = e.At.UTC(), e.Recorded.UTC()
		return e, err
	})
}

// gaps are the reasons for which parts of an account's newest snapshot were not read.
func gaps(ctx context.Context, tx pgx.Tx, account string, seq int64) ([]alert.Gap, error) {
	rows, _ := tx.Query(ctx, `
		SELECT u.reason, coalesce(u.operation, ''), coalesce(u.permission, ''), count(*), array_agg(DISTINCT v.rule_id::text),
			to_jsonb((array_agg(jsonb_build_object('type', v.type, 'region', v.region, 'id', v.id) ORDER BY v.type, v.region, v.id))[1:5])
		FROM verdict_versions v
		CROSS JOIN LATERAL (SELECT DISTINCT x.reason, x.operation, x.permission
			FROM jsonb_to_recordset(v.unread) AS x(reason text, operation text, permission text)) u
		WHERE v.account = $1 AND v.valid_to IS NULL AND v.result = 'unknown'
		GROUP BY 1, 2, 3`, account)
	list, err := read(rows, "unknown verdicts", func(row pgx.CollectableRow) (g alert.Gap, err error) {
		return g, row.Scan(&g.Reason, &g.Operation, &g.Permission, &g.Verdicts, &g.Rules, &g.Examples)
	})
	if err != nil {
		return nil, err
	}
	cells, err := readCells(ctx, tx, account, seq)
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		cause, gap := c.Gap()
		if !gap {
			continue
		}
		cause.Code = ""
		i := slices.IndexFunc(list, func(g alert.Gap) bool { return g.Cause == cause })
		if i < 0 {
			i = len(list)
			list = append(list, alert.Gap{Cause: cause})
		}
		list[i].Cells++
		if len(list[i].Examples) == 0 || list[i].Verdicts == 0 {
			list[i].Examples = append(list[i].Examples, posture.Key{Type: c.Type, Region: c.Region})
		}
	}
	slices.SortFunc(list, func(a, b alert.Gap) int { return posture.CompareCauses(a.Cause, b.Cause) })
	return list, nil
}

func (s *Store) writeAlerts(ctx context.Context, tx pgx.Tx, account string, changes []alert.Change) error {
	var queued []int64
	for _, c := range changes {
		a := c.Alert
		first := 1
		if a.ID == 0 {
			for _, text := range []*string{&a.Group, &a.Title, &a.Severity} {
				*text = ledger.Text(*text)
			}
			if err := tx.QueryRow(ctx, `
				INSERT INTO alerts (account, class, cause_group, title, severity, rules, controls, criteria, cause, count, examples, routes, opened_at,
					acknowledged_at, acknowledged_by, resolved_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id`,
				account, string(a.Class), a.Group, a.Title, a.Severity, texts(a.Rules), texts(a.Controls), texts(a.Criteria), string(a.Cause), a.Count,
				append([]alert.Example{}, a.Examples...), texts(a.Routes), a.Opened, nullable(a.Acknowledged), a.By, nullable(a.Resolved)).Scan(&a.ID); err != nil {
				return fmt.Errorf("write alert: %w", err)
			}
		} else {
			if err := tx.QueryRow(ctx, `SELECT max(n) + 1 FROM alert_events WHERE account = $1 AND alert = $2`, account, a.ID).Scan(&first); err != nil {
				return fmt.Errorf("read history of alert %d: %w", a.ID, err)
			}
			if _, err := tx.Exec(ctx, `
				UPDATE alerts SET acknowledged_at = $3, acknowledged_by = $4, resolved_at = $5
				WHERE account = $1 AND id = $2 AND (acknowledged_at, resolved_at) IS DISTINCT FROM ($3, $5)`,
				account, a.ID, nullable(a.Acknowledged), ledger.Text(a.By), nullable(a.Resolved)); err != nil {
				return fmt.Errorf("change alert %d: %w", a.ID, err)
			}
		}
		if err := writeAlertEvents(ctx, tx, account, a.ID, first, c.Entries); err != nil {
			return err
		}
		for i := range c.Deliveries {
			c.Deliveries[i].Alert = a.ID
			c.Deliveries[i].Key = fmt.Sprintf("alert/%d/%d/%s/%s", a.ID, first+len(c.Entries)-1, c.Deliveries[i].Message.Kind, c.Deliveries[i].Receiver)
		}
		ids, err := writeDeliveries(ctx, tx, account, c.Deliveries)
		if err != nil {
			return err
		}
		queued = append(queued, ids...)
	}
	return s.queueDeliveries(ctx, tx, queued)
}

func writeAlertEvents(ctx context.Context, tx pgx.Tx, account string, id int64, first int, entries []alert.Entry) error {
	columns := []string{"account", "alert", "n", "at", "kind", "member", "finding", "event", "stands", "by", "note"}
	return copyRows(ctx, tx, "alert_events", columns, len(entries), func(i int, row []any) error {
		e := entries[i]
		var of, event any
		if e.Finding != "" {
			of, event = e.Finding, e.Event
		}
		copy(row, []any{account, id, first + i, e.At, string(e.Kind), ledger.Text(e.Member), of, event, e.Stands, ledger.Text(e.By), ledger.Text(e.Note)})
		return nil
	})
}

// texts is never nil: the columns hold no null.
func texts(list []string) []string { return append([]string{}, list...) }

// AcknowledgeAlert changes one alert as plan says, in one transaction with the entry in the audit log. Who may not is refused by
// plan; that is written to the audit log too.
func (s *Store) AcknowledgeAlert(ctx context.Context, id int64, by access.Actor, reason string, plan func(alert.Alert) (alert.Change, error)) error {
	entry := access.Entry{Actor: by, Action: access.AlertAcknowledge, Object: "alert/" + strconv.FormatInt(id, 10), Reason: reason}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		a, err := oneAlert(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if err := lock(ctx, tx, lockAlerts, a.Account); err != nil {
			return err
		}
		if a, err = oneAlert(ctx, tx, id, time.Time{}); err != nil { // as those before left it
			return err
		}
		change, err := plan(a)
		if err != nil {
			return err
		}
		if err := s.writeAlerts(ctx, tx, a.Account, []alert.Change{change}); err != nil {
			return err
		}
		return s.writeChange(ctx, tx, entry, true, a, change.Alert)
	})
	if err != nil {
		return s.refusal(ctx, entry, fmt.Errorf("acknowledge alert %d: %w", id, err))
	}
	return nil
}

// ExpiringExceptions returns the exceptions that end after now and before a time, among them some that are not in force.
func (s *Store) ExpiringExceptions(ctx context.Context, now, before time.Time) ([]finding.Exception, error) {
	rows, _ := s.pool.Query(ctx, `SELECT id FROM exceptions WHERE expires_at > $1 AND expires_at <= $2 ORDER BY id`, now, before)
	ids, err := read(rows, "exceptions that are about to end", pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Exceptions(ctx, ExceptionFilter{IDs: ids})
}

// AlertNews returns what happened to alerts since the newest delivery whose key begins so, or else within the last day.
func (s *Store) AlertNews(ctx context.Context, key string, now time.Time) (n alert.News, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(max(created_at), $2) FROM deliveries WHERE account = '' AND starts_with(key, $1) AND created_at < $3`,
		key, now.AddDate(0, 0, -1), now).Scan(&n.Since)
	if err != nil {
		return n, fmt.Errorf("read newest digest: %w", err)
	}
	n.Since = n.Since.UTC()
	if n.Opened, err = s.Alerts(ctx, AlertFilter{Since: n.Since, AsOf: now}); err != nil {
		return n, err
	}
	err = errors.Join(
		s.pool.QueryRow(ctx, `SELECT count(*) FROM alerts WHERE resolved_at > $1 AND resolved_at <= $2`, n.Since, now).Scan(&n.Ended),
		s.pool.QueryRow(ctx, `SELECT count(*) FROM alert_events WHERE kind = 'damped' AND at > $1 AND at <= $2`, n.Since, now).Scan(&n.Held),
		s.pool.QueryRow(ctx, `SELECT count(*) FROM delivery_attempts WHERE state = 'given_up' AND at > $1 AND at <= $2`, n.Since, now).Scan(&n.Lost))
	return n, err
}
