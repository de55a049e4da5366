package web

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// slots are what the settings want attached.
func (s *server) slots() []finding.Slot {
	var out []finding.Slot
	for _, c := range s.Settings().Controls {
		for _, e := range c.Evidence {
			out = append(out, finding.Slot{Control: c.ID, Name: e.Name, Owner: c.Owner, Frequency: e.Frequency, Due: e.Due})
		}
	}
	return out
}

// upload is a file and what it is said to be about.
type upload struct {
	Control string        `form:"control" required:"true" maxLength:"200"`
	Slot    string        `form:"slot" required:"true" maxLength:"200"`
	From    string        `form:"period_from" required:"true" maxLength:"20" doc:"date"`
	To      string        `form:"period_to" required:"true" maxLength:"20" doc:"date, exclusive"`
	File    huma.FormFile `form:"file" required:"true"`
}

// file is an attachment as it was uploaded.
type file struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Digest      string `header:"Repr-Digest" doc:"SHA-256 as recorded at the upload"`
	Body        []byte
}

func (s *server) registerEvidence(api huma.API) {
	read(s, api, operation{id: "list-duties", path: "/api/duties", about: "What people have to attach: due, overdue, awaiting review, met"},
		func(ctx context.Context, in *struct {
			As
			Since    time.Time `query:"since" doc:"Of periods from then on; a year before as_of when left out."`
			Control  string    `query:"control" maxLength:"200"`
			Standing string    `query:"standing" enum:"due,overdue,awaiting_review,met"`
		}) (out list[finding.Duty], err error) {
			at := in.or(s.Store.Clock())
			since := in.Since
			if since.IsZero() {
				since = at.AddDate(-1, 0, 0)
			}
			if since.Before(at.AddDate(-10, 0, 0)) || since.After(at) {
				return out, huma.Error422UnprocessableEntity("query.since: want a time of the ten years before as_of")
			}
			duties, err := s.Store.Duties(ctx, s.slots(), since, at)
			return listed(slices.DeleteFunc(duties, func(d finding.Duty) bool {
				return in.Control != "" && d.Control != in.Control || in.Standing != "" && string(d.Standing) != in.Standing
			}), err)
		})
	read(s, api, operation{id: "list-attachments", path: "/api/attachments", about: "What people attached, with its reviews, oldest first"},
		func(ctx context.Context, in *struct {
			As
			Page
			Control string `query:"control" maxLength:"200"`
		}) (out list[finding.Attachment], err error) {
			all, err := s.Store.Attachments(ctx, in.Control, in.at)
			if err != nil {
				return out, err
			}
			return byNumber(ctx, in.Page, all, func(a finding.Attachment) int64 { return a.ID })
		})
	act(s, api, operation{id: "attach", path: "/api/attachments", about: "Attach a file of up to 25 MB to a slot of a control"},
		func(ctx context.Context, by access.Actor, in *struct {
			RawBody huma.MultipartFormFiles[upload]
		}) (a finding.Attachment, err error) {
			form := in.RawBody.Data()
			a = finding.Attachment{Control: form.Control, Slot: form.Slot, Name: form.File.Filename, Media: form.File.ContentType}
			if !slices.ContainsFunc(s.slots(), func(slot finding.Slot) bool { return slot.Control == a.Control && slot.Name == a.Slot }) {
				return a, huma.Error422UnprocessableEntity(fmt.Sprintf("control %q has no slot %q; list-controls shows those there are", a.Control, a.Slot))
			}
			for _, field := range []struct {
				name, text string
				at         *time.Time
			}{{"period_from", form.From, &a.From}, {"period_to", form.To, &a.To}} {
				if *field.at, err = time.Parse(time.DateOnly, field.text); err != nil {
					return a, huma.Error422UnprocessableEntity(fmt.Sprintf("%s: %q is not a date such as 2026-03-31", field.name, field.text))
				}
			}
			data, err := io.ReadAll(io.LimitReader(form.File, finding.MaxAttachment+1))
			if err != nil {
				return a, fmt.Errorf("read upload: %w", err)
			}
			return s.Store.Attach(ctx, by, a, data)
		})
	add(s, api, http.MethodGet, operation{id: "download-attachment", path: "/api/attachments/{id}/file", about: "What was attached, to review it"},
		func(ctx context.Context, in *struct {
			ID int64 `path:"id" minimum:"1"`
		}) (*file, error) {
			a, err := s.Store.Attachment(ctx, in.ID, noTime)
			if err != nil {
				return nil, err
			}
			entry := access.Entry{
				Actor: signin.ActorOf(ctx), Action: access.EvidenceReview, Object: "attachment/" + strconv.FormatInt(a.ID, 10), Reason: "download", Request: requestID(ctx),
			}
			if err := s.Store.Audit(ctx, entry); err != nil {
				return nil, err
			}
			data, err := s.Store.AttachmentData(ctx, a.ID)
			if err != nil {
				return nil, err
			}
			disposition := mime.FormatMediaType("attachment", map[string]string{"filename": a.Name})
			if disposition == "" {
				disposition = "attachment"
			}
			return &file{"application/octet-stream", disposition, digestHeader(a.SHA256), data}, nil // never what the uploader calls it
		})
	act(s, api, operation{id: "review-attachment", path: "/api/attachments/{id}/review", about: "Accept or return what somebody else attached"},
		func(ctx context.Context, by access.Actor, in *struct {
			ID   int64 `path:"id" minimum:"1"`
			Body struct {
				Accepted bool   `json:"accepted"`
				Reason   string `json:"reason,omitempty" maxLength:"4000"`
			}
		}) (finding.Attachment, error) {
			return s.Store.ReviewAttachment(ctx, by, in.ID, in.Body.Accepted, in.Body.Reason)
		})
	read(s, api, operation{id: "list-audit-packages", path: "/api/audits/{audit}/packages", about: "Packages built for an audit, with their roots"},
		func(ctx context.Context, in *struct {
			As
			Audit string `path:"audit" maxLength:"100"`
		}) (list[store.Package], error) {
			all, err := s.Store.Packages(ctx)
			return listed(slices.DeleteFunc(all, func(p store.Package) bool { return p.Audit != in.Audit || p.Built.After(in.or(p.Built)) }), err)
		})
}
