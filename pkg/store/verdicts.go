package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// VerdictFilter chooses verdicts; empty fields choose all.
type VerdictFilter struct {
	Account string    // empty: every account
	Seq     int64     // the account's snapshot of that number; 0: the one as of AsOf
	AsOf    time.Time // zero: the newest
	Rule    string
	Result  posture.Result
	Type    string
	Region  string
	ID      string
	After   VerdictPosition // the last one of the page before
	Limit   int             // 0: no limit
}

// VerdictPosition is where a verdict stands in the order in which they are read.
type VerdictPosition struct {
	Account  string
	Resource posture.Key
	Rule     string
}

// Judged is a verdict as of a snapshot.
type Judged struct {
	posture.Verdict
	Account  string    `json:"account"`
	Seq      int64     `json:"seq"`           // the snapshot
	Observed time.Time `json:"observed_at"`   // when its scan started
	First    time.Time `json:"first_seen_at"` // start of the scan since which the result has been the same without interruption
}

// Position is where the verdict stands in the order in which they are read.
func (j Judged) Position() VerdictPosition {
	return VerdictPosition{j.Account, j.Resource, j.RuleID}
}

// Verdicts returns verdicts by account, resource and rule.
func (s *Store) Verdicts(ctx context.Context, f VerdictFilter) ([]Judged, error) {
	snapshots, err := s.chosen(ctx, f.Account, f.Seq, f.AsOf)
	if err == nil && f.Rule != "" && len(snapshots) > 1 {
		snapshots, err = s.judgedBy(ctx, snapshots, f.Rule, f.Result)
	}
	if err != nil {
		return nil, err
	}
	var list []Judged
	for _, snapshot := range snapshots { // by account; each has its own number, and the index begins with the account
		account := snapshot.Account.String()
		if account < f.After.Account {
			continue
		}
		page := f
		if account != f.After.Account {
			page.After = VerdictPosition{}
		}
		if f.Limit > 0 {
			page.Limit = f.Limit - len(list)
		}
		more, err := s.verdicts(ctx, snapshot, page)
		if err != nil {
			return nil, err
		}
		if list = append(list, more...); f.Limit > 0 && len(list) == f.Limit {
			break
		}
	}
	return list, nil
}

// judgedBy leaves the snapshots in which a rule came to a result, or to any.
func (s *Store) judgedBy(ctx context.Context, snapshots []posture.Snapshot, rule string, result posture.Result) ([]posture.Snapshot, error) {
	accounts, seqs := named(snapshots)
	rows, _ := s.pool.Query(ctx, `
		SELECT n.place::integer
		FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS n(account, seq, place)
		JOIN verdict_counts c ON c.account = n.account COLLATE "C" AND c.seq = n.seq AND c.rule_id = $3
		WHERE CASE $4 WHEN 'pass' THEN c.pass WHEN 'fail' THEN c.fail WHEN 'unknown' THEN c.unknown WHEN 'not_applicable' THEN c.not_applicable ELSE 1 END > 0
		ORDER BY n.place`, accounts, seqs, rule, string(result))
	return read(rows, "snapshots that a rule judged", func(row pgx.CollectableRow) (snapshot posture.Snapshot, err error) {
		var place int
		err = row.Scan(&place)
		if err == nil {
			snapshot = snapshots[place-1]
		}
		return snapshot, err
	})
}

// chosen returns the snapshots that a filter means, by account.
func (s *Store) chosen(ctx context.Context, account string, seq int64, asOf time.Time) ([]posture.Snapshot, error) {
	if seq == 0 {
		return s.Current(ctx, account, asOf)
	}
	if account == "" {
		return nil, fmt.Errorf("%w: the number of a snapshot needs its account", posture.ErrInvalid)
	}
	snapshot, err := s.Snapshot(ctx, account, seq)
	return []posture.Snapshot{snapshot}, err
}

func (s *Store) verdicts(ctx context.Context, snapshot posture.Snapshot, f VerdictFilter) ([]Judged, error) {
	account := snapshot.Account.String()
	q := query{sql: `
		SELECT v.type, v.region, v.id, v.rule_id, v.rule_version, v.result, v.reason, v.unread, n.started_at
		FROM verdict_versions v JOIN snapshots n ON n.account = v.account AND n.seq = v.result_from
		WHERE true`}
	q.and(`v.account = ?`, account)
	q.and(`v.valid_from <= ? AND (v.valid_to IS NULL OR v.valid_to > ?)`, snapshot.Seq, snapshot.Seq)
	if f.Rule != "" {
		q.and(`v.rule_id = ?`, f.Rule)
	}
	switch f.Result {
	case "":
	case posture.Fail:
		q.sql += ` AND v.result = 'fail'` // spelt out, so that the partial index fits
	default:
		q.and(`v.result = ?`, string(f.Result))
	}
	if f.Type != "" {
		q.and(`v.type = ?`, f.Type)
	}
	if f.Region != "" {
		q.and(`v.region = ?`, f.Region)
	}
	if f.ID != "" {
		q.and(`v.id = ?`, f.ID)
	}
	if after := f.After; after != (VerdictPosition{}) {
		q.and(`(v.type, v.region, v.id, v.rule_id) > (?, ?, ?, ?)`, after.Resource.Type, after.Resource.Region, after.Resource.ID, after.Rule)
	}
	q.sql += ` ORDER BY v.type, v.region, v.id, v.rule_id`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "verdicts of "+snapshot.ID(), func(row pgx.CollectableRow) (Judged, error) {
		j := Judged{Account: account, Seq: snapshot.Seq, Observed: snapshot.Started}
		err := scanVerdictInto(row, &j.Verdict, &j.First)
		j.First = j.First.UTC()
		return j, err
	})
}

// verdictColumns are those that scanVerdict reads.
const verdictColumns = `type, region, id, rule_id, rule_version, result, reason, unread`

func scanVerdict(row pgx.CollectableRow) (v posture.Verdict, err error) {
	return v, scanVerdictInto(row, &v)
}

func scanVerdictInto(row pgx.CollectableRow, v *posture.Verdict, more ...any) error {
	return row.Scan(append([]any{&v.Resource.Type, &v.Resource.Region, &v.Resource.ID, &v.RuleID, &v.RuleVersion, &v.Result,
		&v.Reason, &v.Unread}, more...)...)
}

// openVerdicts returns the verdicts of the newest snapshot.
func openVerdicts(ctx context.Context, db querier, account string) ([]posture.Verdict, error) {
	rows, _ := db.Query(ctx, `SELECT `+verdictColumns+` FROM verdict_versions WHERE account = $1 AND valid_to IS NULL`, account)
	return read(rows, "open verdicts", scanVerdict)
}

// turn is a rule and a resource of which a snapshot says otherwise than the one before. after is the place of the new verdict, -1
// when there is none; before, its result and rule version, is nil when there was none.
type turn struct {
	posture.Key
	rule   string
	before *posture.Verdict
	after  int
}

// settled reports whether a result leaves no finding active.
func settled(r posture.Result) bool { return r == posture.Pass || r == posture.DoesNotApply }

// writeVerdicts ends the intervals that are over, adds the new ones, and returns what turned since the snapshot before, leaving
// out what can matter to no finding.
func writeVerdicts(ctx context.Context, tx pgx.Tx, account string, seq int64, verdicts []posture.Verdict, hashes [][32]byte) (turns []turn, err error) {
	table := intervals{"verdict_versions", []string{"type", "region", "id", "rule_id"}, []string{"hash"}}
	set := &rowSet{
		n: len(verdicts),
		key: func(i int, k []string) {
			v := &verdicts[i]
			k[0], k[1], k[2], k[3] = v.Resource.Type, v.Resource.Region, v.Resource.ID, v.RuleID
		},
		same:  func(i int, row openRow) bool { return bytes.Equal(row.compare[0], hashes[i][:]) },
		ended: func(openRow) error { return nil }, // its resource ended, or its rule is no longer used
	}
	added, ended, err := table.advance(ctx, tx, account, seq, set)
	if err != nil {
		return nil, err
	}
	replaced := make(map[int]bool, len(ended[0]))
	resultFrom := make(map[int]int64) // of new rows that say otherwise than before, but with the same result
	if len(ended[0]) > 0 {
		from, args := table.named(account, ended)
		rows, _ := tx.Query(ctx, `
			SELECT t.type, t.region, t.id, t.rule_id, t.result, t.result_from, t.rule_version
			FROM verdict_versions t, `+from+` AND t.valid_to = $1`, append([]any{seq}, args...)...)
		var kind, region, id, rule, result []byte
		var since int64
		var version string
		if _, err := pgx.ForEachRow(rows, []any{&kind, &region, &id, &rule, &result, &since, &version}, func() error {
			i, ok := set.find([][]byte{kind, region, id, rule}, nil)
			if !ok {
				i = -1
			} else if replaced[i] = true; string(result) == string(verdicts[i].Result) {
				resultFrom[i] = since
			}
			if settled(posture.Result(result)) && (!ok || verdicts[i].Result != posture.Fail) {
				return nil
			}
			key := posture.Key{Type: string(kind), Region: string(region), ID: string(id)}
			before := &posture.Verdict{RuleID: string(rule), RuleVersion: version, Resource: key, Result: posture.Result(result)}
			turns = append(turns, turn{key, string(rule), before, i})
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read ended verdicts: %w", err)
		}
	}
	for _, i := range added {
		if v := &verdicts[i]; seq > 1 && !replaced[i] {
			turns = append(turns, turn{v.Resource, v.RuleID, nil, i})
		}
	}
	columns := []string{"account", "type", "region", "id", "rule_id", "valid_from", "result_from", "rule_version", "result",
		"reason", "unread", "hash"}
	return turns, copyRows(ctx, tx, "verdict_versions", columns, len(added), func(n int, row []any) error {
		i := added[n]
		v := &verdicts[i]
		var unread []byte
		if len(v.Unread) > 0 {
			var err error
			if unread, err = json.Marshal(ledger.StorableUnread(v.Unread)); err != nil {
				return err
			}
		}
		from, ok := resultFrom[i]
		if !ok {
			from = seq
		}
		row[0], row[1], row[2], row[3], row[4], row[5] = account, v.Resource.Type, v.Resource.Region, v.Resource.ID, v.RuleID, seq
		row[6], row[7], row[8], row[9], row[10], row[11] = from, v.RuleVersion, string(v.Result), ledger.Text(v.Reason), unread, hashes[i][:]
		return nil
	})
}

// RuleCounts are a rule's verdicts over one snapshot of each account chosen.
type RuleCounts struct {
	Rule string `json:"rule_id"`
	posture.Counts
}

// Counts returns the verdicts of each rule by result, as of a time, the zero time being now; of one account or, when that is
// empty, of all. It reads sums that sealing wrote. An account's own sums are in its snapshot.
func (s *Store) Counts(ctx context.Context, account string, asOf time.Time) ([]RuleCounts, error) {
	snapshots, err := s.Current(ctx, account, asOf)
	if err != nil {
		return nil, err
	}
	accounts, seqs := make([]string, len(snapshots)), make([]int64, len(snapshots))
	for i, snapshot := range snapshots {
		accounts[i], seqs[i] = snapshot.Account.String(), snapshot.Seq
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT c.rule_id, sum(c.pass), sum(c.fail), sum(c.unknown), sum(c.not_applicable)
		FROM unnest($1::text[], $2::bigint[]) AS n(account, seq)
		JOIN verdict_counts c ON c.account = n.account COLLATE "C" AND c.seq = n.seq
		GROUP BY c.rule_id ORDER BY c.rule_id`, accounts, seqs)
	return read(rows, "verdict counts", func(row pgx.CollectableRow) (c RuleCounts, err error) {
		return c, row.Scan(&c.Rule, &c.Pass, &c.Fail, &c.Unknown, &c.DoesNotApply)
	})
}

// writeCounts writes the sums by rule and returns them all together.
func writeCounts(ctx context.Context, tx pgx.Tx, account string, seq int64, verdicts []posture.Verdict) (total posture.Counts, err error) {
	byRule := make(map[string]*posture.Counts)
	for i := range verdicts {
		v := &verdicts[i]
		c := byRule[v.RuleID]
		if c == nil {
			c = new(posture.Counts)
			byRule[v.RuleID] = c
		}
		c.Add(v.Result)
		total.Add(v.Result)
	}
	rules := make([]string, 0, len(byRule))
	for rule := range byRule {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	columns := []string{"account", "seq", "rule_id", "pass", "fail", "unknown", "not_applicable"}
	return total, copyRows(ctx, tx, "verdict_counts", columns, len(rules), func(i int, row []any) error {
		c := byRule[rules[i]]
		copy(row, []any{account, seq, rules[i], c.Pass, c.Fail, c.Unknown, c.DoesNotApply})
		return nil
	})
}
