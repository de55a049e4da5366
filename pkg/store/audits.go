package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Audits returns the audits known as of a time, the zero time being now, with their scopes, newest first.
func (s *Store) Audits(ctx context.Context, asOf time.Time) ([]audit.Audit, error) {
	return readAudits(ctx, s.pool, "", asOf)
}

// AuditOf returns one audit as it was known at a time, the zero time being now.
func (s *Store) AuditOf(ctx context.Context, id string, asOf time.Time) (audit.Audit, error) {
	return oneAudit(ctx, s.pool, id, asOf)
}

func oneAudit(ctx context.Context, db querier, id string, asOf time.Time) (audit.Audit, error) {
	list, err := readAudits(ctx, db, id, asOf)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("audit %s: %w", id, posture.ErrNotFound)
	}
	if err != nil {
		return audit.Audit{}, err
	}
	return list[0], nil
}

func readAudits(ctx context.Context, db querier, id string, asOf time.Time) ([]audit.Audit, error) {
	rows, _ := db.Query(ctx, `
		SELECT a.id, a.type, a.from_at, a.to_at, a.zone, a.firm, a.schedule_s, a.max_gap_s, a.targets_s, a.opened_at, a.opened_by, c.at, c.by, c.reason
		FROM audits a LEFT JOIN audit_closings c ON c.audit = a.id
		WHERE $1 = '' OR a.id = $1 ORDER BY a.opened_at DESC, a.id`, id)
	list, err := read(rows, "audits", func(row pgx.CollectableRow) (a audit.Audit, err error) {
		var at *time.Time
		var by, reason *string
		err = row.Scan(&a.ID, &a.Type, &a.From, &a.To, &a.Zone, &a.Firm, &a.Schedule, &a.MaxGap, &a.Targets, &a.Opened, &a.OpenedBy, &at, &by, &reason)
		a.From, a.To, a.Opened = a.From.UTC(), a.To.UTC(), a.Opened.UTC()
		if at != nil {
			a.Closing = &audit.Closing{At: at.UTC(), By: *by, Reason: *reason}
		}
		return a, err
	})
	if err != nil {
		return nil, err
	}
	place := map[string]*audit.Audit{}
	for i := range list {
		place[list[i].ID] = &list[i]
	}
	var of string
	var v audit.Scope
	rows, _ = db.Query(ctx, `
		SELECT audit, version, at, by, reason, accounts, categories, criteria, controls FROM audit_scopes WHERE $1 = '' OR audit = $1 ORDER BY audit, version`, id)
	if _, err := pgx.ForEachRow(rows, []any{&of, &v.Version, &v.At, &v.By, &v.Reason, &v.Accounts, &v.Categories, &v.Criteria, &v.Controls}, func() error {
		v.At = v.At.UTC()
		a := place[of]
		a.Scopes = append(a.Scopes, v)
		v.Accounts, v.Categories, v.Criteria, v.Controls = nil, nil, nil, nil // the next row has arrays of its own
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read scopes of audits: %w", err)
	}
	if asOf.IsZero() {
		return list, nil
	}
	var out []audit.Audit
	for _, a := range list {
		if a, known := a.AsOf(asOf); known {
			out = append(out, a)
		}
	}
	return out, nil
}

// OpenAudit opens an audit with a first scope and the requests that every audit begins with. An id that is in use is posture.ErrInvalid.
func (s *Store) OpenAudit(ctx context.Context, by access.Actor, a audit.Audit, scope audit.Scope) (audit.Audit, error) {
	a.Firm, a.Opened, a.OpenedBy = ledger.Text(a.Firm), s.now(), by.Person()
	a.From, a.To = a.From.UTC().Truncate(time.Microsecond), a.To.UTC().Truncate(time.Microsecond)
	a.Scopes, a.Closing = nil, nil
	if a.Targets == nil {
		a.Targets = map[string]int64{}
	}
	entry := access.Entry{Actor: by, Action: access.AuditDefine, Object: "audit/" + a.ID, Reason: "opened for " + a.Firm}
	err := s.changeAudit(ctx, a.ID, func(tx pgx.Tx) (err error) {
		if err := a.Check(); err != nil {
			return err
		}
		if a, err = s.rescope(ctx, tx, by, a, scope, func() error {
			done, err := tx.Exec(ctx, `
				INSERT INTO audits (id, type, from_at, to_at, zone, firm, schedule_s, max_gap_s, targets_s, opened_at, opened_by)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
				a.ID, a.Type, a.From, a.To, a.Zone, a.Firm, a.Schedule, a.MaxGap, a.Targets, a.Opened, a.OpenedBy)
			if err == nil && done.RowsAffected() == 0 {
				err = fmt.Errorf("%w: there is an audit %s already", posture.ErrInvalid, a.ID)
			}
			return err
		}); err != nil {
			return err
		}
		for _, r := range audit.Seeds() {
			r.Audit, r.RaisedBy, r.Raised = a.ID, access.Engine.ID, a.Opened
			if err := addRequest(ctx, tx, r); err != nil {
				return err
			}
		}
		return s.writeChange(ctx, tx, entry, false, nil, a)
	})
	if err != nil {
		return audit.Audit{}, s.refusal(ctx, entry, fmt.Errorf("open audit: %w", err))
	}
	return a, nil
}

// changeAudit keeps others from changing the audit meanwhile.
func (s *Store) changeAudit(ctx context.Context, id string, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, lockFindings, "audit/"+id); err != nil {
			return err
		}
		return do(tx)
	})
}

// rescope writes a new version of the scope; first is done before it is written, and after it was checked.
func (s *Store) rescope(ctx context.Context, tx pgx.Tx, by access.Actor, a audit.Audit, next audit.Scope, first func() error) (audit.Audit, error) {
	next.At, next.By, next.Reason = s.now(), by.Person(), ledger.Text(next.Reason)
	next.Accounts = append([]string{}, next.Accounts...)
	a, err := a.Rescope(next)
	if err != nil {
		return a, err
	}
	for _, account := range next.Accounts {
		var known bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM accounts WHERE account = $1)`, account).Scan(&known); err != nil {
			return a, err
		}
		if !known {
			return a, fmt.Errorf("%w: audit %s: account %s was never read", posture.ErrInvalid, a.ID, account)
		}
	}
	if err := first(); err != nil {
		return a, err
	}
	v := a.Scope()
	_, err = tx.Exec(ctx, `
		INSERT INTO audit_scopes (audit, version, at, by, reason, accounts, categories, criteria, controls) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, v.Version, v.At, v.By, v.Reason, v.Accounts, v.Categories, v.Criteria, v.Controls)
	return a, err
}

// RescopeAudit gives an audit another scope; the versions before it stay, for the auditor to compare.
func (s *Store) RescopeAudit(ctx context.Context, by access.Actor, id string, next audit.Scope) (after audit.Audit, err error) {
	entry := access.Entry{Actor: by, Action: access.AuditDefine, Object: "audit/" + id, Reason: ledger.Text(next.Reason)}
	err = s.changeAudit(ctx, id, func(tx pgx.Tx) error {
		before, err := oneAudit(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if after, err = s.rescope(ctx, tx, by, before, next, func() error { return nil }); err != nil {
			return err
		}
		return s.writeChange(ctx, tx, entry, true, before, after)
	})
	if err != nil {
		return audit.Audit{}, s.refusal(ctx, entry, fmt.Errorf("change scope: %w", err))
	}
	return after, nil
}

// CloseAudit ends an audit: nothing about it changes from then on, and its evidence may be removed when its time comes.
func (s *Store) CloseAudit(ctx context.Context, by access.Actor, id, reason string) (after audit.Audit, err error) {
	reason = ledger.Text(reason)
	entry := access.Entry{Actor: by, Action: access.AuditDefine, Object: "audit/" + id, Reason: cmp.Or(reason, "close")}
	err = s.changeAudit(ctx, id, func(tx pgx.Tx) error {
		before, err := oneAudit(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if after, err = before.Close(by.Person(), reason, s.now()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO audit_closings (audit, at, by, reason) VALUES ($1, $2, $3, $4)`, id, after.Closing.At, after.Closing.By, reason); err != nil {
			return err
		}
		return s.writeChange(ctx, tx, entry, true, before, after)
	})
	if err != nil {
		return audit.Audit{}, s.refusal(ctx, entry, fmt.Errorf("close audit: %w", err))
	}
	return after, nil
}

// Auditors returns who was ever let into an audit, and for how long.
func (s *Store) Auditors(ctx context.Context, id string, asOf time.Time) ([]access.Grant, error) {
	q := query{sql: selectGrants + ` WHERE true`}
	q.and(`t.role = ? AND t.audit = ?`, string(access.Auditor), id)
	if !asOf.IsZero() {
		q.and(`t.at <= ?`, asOf)
	}
	q.sql += ` ORDER BY t.id`
	return readGrants(ctx, s.pool, q, asOf)
}

// AddAuditor lets a person into an audit for a time; somebody new is added as a user.
func (s *Store) AddAuditor(ctx context.Context, by access.Actor, id, name string, g access.Grant) (access.Grant, error) {
	a, err := s.AuditOf(ctx, id, time.Time{})
	if err == nil && !a.Open() {
		err = fmt.Errorf("%w: audit %s is closed", posture.ErrInvalid, id)
	}
	if err != nil {
		return g, err
	}
	if g.User, err = access.Email(g.User); err != nil {
		return g, err
	}
	list, err := holders(ctx, s.pool, g.User, time.Time{})
	if err == nil && len(list) == 0 {
		err = s.AddUser(ctx, by, g.User, name)
	}
	if err != nil {
		return g, err
	}
	g.Role, g.Audit = access.Auditor, id
	return s.GrantRole(ctx, by, g)
}

// AuditRequests returns what is asked for in an audit, by number, as it was known at a time, the zero time being now.
func (s *Store) AuditRequests(ctx context.Context, id string, asOf time.Time) ([]audit.Request, error) {
	return readRequests(ctx, s.pool, id, 0, asOf)
}

func readRequests(ctx context.Context, db querier, id string, n int, asOf time.Time) ([]audit.Request, error) {
	q := query{sql: `SELECT audit, n, title, asks, answered_by, raised_by, raised_at FROM audit_requests WHERE true`}
	q.and(`audit = ?`, id)
	if n > 0 {
		q.and(`n = ?`, n)
	}
	if !asOf.IsZero() {
		q.and(`raised_at <= ?`, asOf)
	}
	q.sql += ` ORDER BY n`
	rows, _ := db.Query(ctx, q.sql, q.args...)
	place := map[int]int{}
	list, err := read(rows, "requests of audit "+id, func(row pgx.CollectableRow) (audit.Request, error) {
		r := audit.Request{State: audit.Open, Steps: []audit.Step{}}
		err := row.Scan(&r.Audit, &r.N, &r.Title, &r.Asks, &r.Answer, &r.RaisedBy, &r.Raised)
		r.Raised = r.Raised.UTC()
		place[r.N] = len(place)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	var of int
	var step audit.Step
	rows, _ = db.Query(ctx, `SELECT request, at, by, state, note, answers FROM audit_request_steps WHERE audit = $1 ORDER BY request, n`, id)
	if _, err := pgx.ForEachRow(rows, []any{&of, &step.At, &step.By, &step.State, &step.Note, &step.Answers}, func() error {
		i, wanted := place[of]
		if wanted && (asOf.IsZero() || !step.At.After(asOf)) {
			step.At = step.At.UTC()
			list[i].Steps, list[i].State = append(list[i].Steps, step), step.State
		}
		step.Answers = nil
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read requests of audit %s: %w", id, err)
	}
	return list, nil
}

func addRequest(ctx context.Context, tx pgx.Tx, r audit.Request) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO audit_requests (audit, n, title, asks, answered_by, raised_by, raised_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Audit, r.N, r.Title, r.Asks, r.Answer, r.RaisedBy, r.Raised)
	return err
}

// RaiseRequest adds a request of an auditor.
func (s *Store) RaiseRequest(ctx context.Context, by access.Actor, id, title, asks string) (r audit.Request, err error) {
	r = audit.Request{Audit: id, Title: ledger.Text(title), Asks: ledger.Text(asks), RaisedBy: by.Person(), Raised: s.now(), State: audit.Open, Steps: []audit.Step{}}
	entry := access.Entry{Actor: by, Action: access.RequestRaise, Object: "audit/" + id, Reason: r.Title}
	err = s.changeAudit(ctx, id, func(tx pgx.Tx) error {
		a, err := oneAudit(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if err := a.CheckRaise(by, r.Title, r.Asks); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(n), 0) + 1 FROM audit_requests WHERE audit = $1`, id).Scan(&r.N); err != nil {
			return err
		}
		if err := addRequest(ctx, tx, r); err != nil {
			return err
		}
		entry.Object = requestObject(id, r.N)
		return s.writeChange(ctx, tx, entry, false, nil, r)
	})
	if err != nil {
		return audit.Request{}, s.refusal(ctx, entry, fmt.Errorf("raise request: %w", err))
	}
	return r, nil
}

func requestObject(id string, n int) string { return "request/" + id + "/" + strconv.Itoa(n) }

// MoveRequest takes a request to another state. The digests of answers are those that the files have now, whatever the step says.
func (s *Store) MoveRequest(ctx context.Context, by access.Actor, id string, n int, step audit.Step) (after audit.Request, err error) {
	step.At, step.Note = s.now(), ledger.Text(step.Note)
	entry := access.Entry{Actor: by, Object: requestObject(id, n), Reason: cmp.Or(step.Note, string(step.State)), Action: map[audit.State]access.Action{
		audit.Provided: access.RequestAnswer, audit.Returned: access.RequestAccept, audit.Accepted: access.RequestAccept, audit.Withdrawn: access.RequestRaise}[step.State]}
	err = s.changeAudit(ctx, id, func(tx pgx.Tx) error {
		a, err := oneAudit(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		list, err := readRequests(ctx, tx, id, n, time.Time{})
		if err == nil && len(list) == 0 {
			err = posture.ErrNotFound
		}
		if err != nil {
			return err
		}
		if step.State != audit.Provided {
			step.Answers = nil
		}
		for i := range step.Answers {
			if err := freeze(ctx, tx, id, &step.Answers[i]); err != nil {
				return err
			}
		}
		if after, err = list[0].Move(a, step, by); err != nil {
			return err
		}
		done := after.Steps[len(after.Steps)-1]
		if _, err := tx.Exec(ctx, `
			INSERT INTO audit_request_steps (audit, request, n, at, by, state, note, answers) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			id, n, len(after.Steps), done.At, done.By, string(done.State), done.Note, done.Answers); err != nil {
			return err
		}
		return s.writeChange(ctx, tx, entry, true, list[0], after)
	})
	if err != nil {
		return audit.Request{}, s.refusal(ctx, entry, fmt.Errorf("request %d of audit %s: %w", n, id, err))
	}
	return after, nil
}

// freeze sets the digest of an answer: of a file of a package of the audit, of the package itself, or of an attachment.
func freeze(ctx context.Context, tx pgx.Tx, id string, a *audit.Answer) error {
	wrong := func(why string) error { return fmt.Errorf("%w: answer: %s", posture.ErrInvalid, why) }
	switch {
	case (a.Package == "") == (a.Attachment == 0):
		return wrong("name a package or an attachment")
	case a.Attachment != 0 && a.Path != "":
		return wrong("an attachment is one file")
	case a.Attachment != 0:
		found, err := oneAttachment(ctx, tx, a.Attachment, time.Time{})
		a.SHA256 = found.SHA256
		return err
	}
	rows, _ := tx.Query(ctx, selectPackages+` WHERE id = $1 AND audit = $2`, a.Package, id)
	p, err := readOne(rows, "package "+a.Package+" of audit "+id, scanPackage)
	if err != nil {
		return err
	}
	if a.Path == "" {
		a.SHA256 = p.Root
		return nil
	}
	files, err := p.Files()
	a.SHA256 = files[a.Path]
	if err == nil && a.SHA256 == "" {
		err = wrong(fmt.Sprintf("package %s has no file %q", a.Package, a.Path))
	}
	return err
}

// Files are the files of a package by path, with their digests in hex.
func (p Package) Files() (map[string]string, error) {
	var envelope struct {
		Payload string `json:"payload"`
	}
	var manifest struct {
		Files []struct {
			Path   string `json:"path"`
			SHA256 string `json:"sha256"`
		} `json:"files"`
	}
	err := json.Unmarshal(p.Envelope, &envelope)
	var payload []byte
	if err == nil {
		payload, err = base64.StdEncoding.DecodeString(envelope.Payload)
	}
	if err == nil {
		err = json.Unmarshal(payload, &manifest)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest of package %s: %w", p.ID, err)
	}
	out := make(map[string]string, len(manifest.Files))
	for _, f := range manifest.Files {
		out[f.Path] = f.SHA256
	}
	return out, nil
}
