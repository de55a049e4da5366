package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Attach stores a file for a control's slot and returns it with what the store sets: number, size, digest, uploader and the time of
// the upload, which nobody else can set. It is never changed: a better one is attached beside it.
func (s *Store) Attach(ctx context.Context, by access.Actor, a finding.Attachment, data []byte) (finding.Attachment, error) {
	sum := sha256.Sum256(data)
	a.Size, a.SHA256, a.Uploader, a.Uploaded, a.Reviews = int64(len(data)), hex.EncodeToString(sum[:]), by.Person(), s.now(), []finding.Review{}
	a.From, a.To = a.From.UTC().Truncate(time.Microsecond), a.To.UTC().Truncate(time.Microsecond)
	for _, text := range []*string{&a.Control, &a.Slot, &a.Name, &a.Media} {
		*text = ledger.Text(*text)
	}
	entry := access.Entry{Actor: by, Action: access.EvidenceAttach, Object: "attachment", Reason: a.Control + ": " + a.Slot}
	if err := a.Check(); err != nil {
		return a, s.refusal(ctx, entry, err)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `
			INSERT INTO attachments (control, slot, from_at, to_at, name, media_type, sha256, uploader, uploaded_at, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
			a.Control, a.Slot, a.From, a.To, a.Name, a.Media, sum[:], a.Uploader, a.Uploaded, data).Scan(&a.ID); err != nil {
			return fmt.Errorf("write attachment: %w", err)
		}
		entry.Object = attachmentObject(a.ID)
		return s.writeChange(ctx, tx, entry, false, nil, a)
	})
	return a, err
}

// ReviewAttachment accepts an attachment or returns it with a reason. What finding.Attachment.Review refuses is posture.ErrInvalid,
// and in the audit log.
func (s *Store) ReviewAttachment(ctx context.Context, by access.Actor, id int64, accepted bool, reason string) (after finding.Attachment, err error) {
	reason = ledger.Text(reason)
	entry := access.Entry{Actor: by, Action: access.EvidenceReview, Object: attachmentObject(id), Reason: reason}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, lockFindings, entry.Object); err != nil {
			return err
		}
		before, err := oneAttachment(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if after, err = before.Review(accepted, by, reason, s.now()); err != nil {
			return err
		}
		r := after.Reviews[len(after.Reviews)-1]
		if _, err := tx.Exec(ctx, `
			INSERT INTO attachment_reviews (attachment, n, at, person, accepted, reason) VALUES ($1, $2, $3, $4, $5, $6)`,
			id, len(after.Reviews), r.At, r.By, r.Accepted, r.Reason); err != nil {
			return fmt.Errorf("write review: %w", err)
		}
		return s.writeChange(ctx, tx, entry, true, before, after)
	})
	return after, s.refusal(ctx, entry, err)
}

func attachmentObject(id int64) string { return "attachment/" + strconv.FormatInt(id, 10) }

// Attachments returns what was attached up to a time, the zero time being now, with the reviews known then, oldest first; of one
// control or, when that is empty, of all.
func (s *Store) Attachments(ctx context.Context, control string, asOf time.Time) ([]finding.Attachment, error) {
	q := query{sql: selectAttachments}
	if control != "" {
		q.and(`control = ?`, control)
	}
	return readAttachments(ctx, s.pool, q, asOf)
}

// Attachment returns one attachment with the reviews known as of a time, the zero time being now.
func (s *Store) Attachment(ctx context.Context, id int64, asOf time.Time) (finding.Attachment, error) {
	return oneAttachment(ctx, s.pool, id, asOf)
}

// AttachmentData returns the file, after holding it against the digest that was recorded.
func (s *Store) AttachmentData(ctx context.Context, id int64) ([]byte, error) {
	what := "attachment " + strconv.FormatInt(id, 10)
	var sum []byte
	rows, _ := s.pool.Query(ctx, `SELECT sha256, data FROM attachments WHERE id = $1`, id)
	data, err := readOne(rows, what, func(row pgx.CollectableRow) (data []byte, err error) { return data, row.Scan(&sum, &data) })
	if err == nil && sha256.Sum256(data) != [32]byte(sum) {
		err = fmt.Errorf("%s is not what was attached: its digest differs", what)
	}
	return data, err
}

// Duties returns what has to be attached to these slots from a time on, as of another, the zero time being now; see finding.Duties.
func (s *Store) Duties(ctx context.Context, slots []finding.Slot, since, asOf time.Time) ([]finding.Duty, error) {
	attached, err := s.Attachments(ctx, "", asOf)
	if err != nil {
		return nil, err
	}
	if asOf.IsZero() {
		asOf = s.now()
	}
	return finding.Duties(slots, attached, since, asOf)
}

const selectAttachments = `
	SELECT id, control, slot, from_at, to_at, name, media_type, length(data), sha256, uploader, uploaded_at FROM attachments WHERE true`

func oneAttachment(ctx context.Context, db querier, id int64, asOf time.Time) (finding.Attachment, error) {
	q := query{sql: selectAttachments}
	q.and(`id = ?`, id)
	list, err := readAttachments(ctx, db, q, asOf)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("attachment %d: %w", id, posture.ErrNotFound)
	}
	if err != nil {
		return finding.Attachment{}, err
	}
	return list[0], nil
}

func readAttachments(ctx context.Context, db querier, q query, asOf time.Time) ([]finding.Attachment, error) {
	if !asOf.IsZero() {
		q.and(`uploaded_at <= ?`, asOf)
	}
	q.sql += ` ORDER BY id`
	rows, _ := db.Query(ctx, q.sql, q.args...)
	place := map[int64]int{}
	ids := []int64{}
	list, err := read(rows, "attachments", func(row pgx.CollectableRow) (finding.Attachment, error) {
		a := finding.Attachment{Reviews: []finding.Review{}}
		var sum []byte
		err := row.Scan(&a.ID, &a.Control, &a.Slot, &a.From, &a.To, &a.Name, &a.Media, &a.Size, &sum, &a.Uploader, &a.Uploaded)
		a.From, a.To, a.Uploaded, a.SHA256 = a.From.UTC(), a.To.UTC(), a.Uploaded.UTC(), hex.EncodeToString(sum)
		place[a.ID] = len(ids)
		ids = append(ids, a.ID)
		return a, err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var id int64
	var r finding.Review
	rows, _ = db.Query(ctx, `
		SELECT attachment, at, person, accepted, reason FROM attachment_reviews WHERE attachment = ANY($1) ORDER BY attachment, n`, ids)
	if _, err := pgx.ForEachRow(rows, []any{&id, &r.At, &r.By, &r.Accepted, &r.Reason}, func() error {
		r.At = r.At.UTC()
		a := &list[place[id]]
		a.Reviews = append(a.Reviews, r)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read reviews: %w", err)
	}
	if !asOf.IsZero() {
		for i := range list {
			list[i] = list[i].AsOf(asOf)
		}
	}
	return list, nil
}
