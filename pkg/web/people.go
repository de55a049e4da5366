package web

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func (s *server) registerPeople(api huma.API) {
	read(s, api, operation{id: "show-me", path: "/api/me", about: "Who the caller is, with roles"},
		func(ctx context.Context, _ *struct{ As }) (access.Actor, error) { return signin.ActorOf(ctx), nil })
	read(s, api, operation{id: "list-users", path: "/api/users", about: "People with their roles and waivers", action: access.UserManage},
		func(ctx context.Context, in *struct{ As }) (out list[access.Holder], err error) {
			items, err := s.Store.Holders(ctx, in.moment())
			out.Items = append([]access.Holder{}, items...)
			return out, err
		})
	type done struct {
		Done bool `json:"done"`
	}
	act(s, api, operation{id: "add-user", path: "/api/users", about: "Add a person", action: access.UserManage},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				Email string `json:"email" format:"email" maxLength:"200"`
				Name  string `json:"name" maxLength:"200"`
			}
		}) (done, error) {
			return done{true}, s.Store.AddUser(ctx, by, in.Body.Email, in.Body.Name)
		})
	act(s, api, operation{id: "grant-role", path: "/api/grants", about: "Give a person a role", action: access.GrantManage},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				User   string    `json:"user" format:"email" maxLength:"200"`
				Role   string    `json:"role" enum:"viewer,on_call,compliance_manager,rule_author,rule_approver,admin,auditor,collector"`
				Scopes []string  `json:"scopes,omitempty" maxItems:"100" doc:"accounts such as aws:111122223333 or gcp:*; empty: all"`
				Audit  string    `json:"audit,omitempty" maxLength:"100" doc:"the one audit of an auditor"`
				Until  time.Time `json:"until,omitempty"`
				MFA    bool      `json:"mfa,omitempty"`
				Reason string    `json:"reason,omitempty" maxLength:"1000"`
			}
		}) (access.Grant, error) {
			b := in.Body
			g := access.Grant{User: b.User, Role: access.Role(b.Role), Scopes: b.Scopes, Audit: b.Audit, MFA: b.MFA, Reason: b.Reason}
			if !b.Until.IsZero() {
				g.Until = posture.Some(b.Until)
			}
			return s.Store.GrantRole(ctx, by, g)
		})
	act(s, api, operation{id: "revoke-role", path: "/api/grants/{id}/revoke", about: "Take a role away", action: access.GrantManage},
		func(ctx context.Context, by access.Actor, in *decisionIn) (done, error) {
			return done{true}, s.Store.RevokeRole(ctx, by, in.ID, in.Body.Reason)
		})
	read(s, api, operation{id: "list-tokens", path: "/api/tokens", about: "API tokens; their secrets are not kept", action: access.TokenManage},
		func(ctx context.Context, in *struct{ As }) (out list[access.APIToken], err error) {
			items, err := s.Store.Tokens(ctx, in.moment())
			out.Items = append([]access.APIToken{}, items...)
			return out, err
		})
	act(s, api, operation{id: "revoke-token", path: "/api/tokens/{name}/revoke", about: "End a token", action: access.TokenManage},
		func(ctx context.Context, by access.Actor, in *struct {
			Name string `path:"name" maxLength:"200"`
			Body struct {
				Reason string `json:"reason,omitempty" maxLength:"1000"`
			}
		}) (done, error) {
			return done{true}, s.Store.RevokeToken(ctx, by, in.Name, in.Body.Reason)
		})
	read(s, api, operation{id: "list-audit-log", path: "/api/audit-log", about: "Who did what, newest first; also what was refused", action: access.AuditLogRead},
		func(ctx context.Context, in *struct {
			As
			Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
			Actor   string `query:"actor" maxLength:"200"`
			Object  string `query:"object" maxLength:"500"`
			Action  string `query:"action" maxLength:"100"`
			Outcome string `query:"outcome" enum:"done,refused,failed"`
		}) (out list[access.Entry], err error) {
			items, err := s.Store.AuditLog(ctx, store.AuditFilter{Actor: in.Actor, Object: in.Object, Action: access.Action(in.Action), Outcome: access.Outcome(in.Outcome), Until: in.moment(), Limit: in.Limit})
			out.Items = append([]access.Entry{}, items...)
			return out, err
		})
	read(s, api, operation{id: "verify-audit-log", path: "/api/audit-log/verification", about: "Compute the audit log's chain anew", action: access.AuditLogRead},
		func(ctx context.Context, _ *struct{ As }) (store.AuditCheck, error) { return s.Store.VerifyAudit(ctx) })

	read(s, api, operation{id: "list-duties", path: "/api/duties", about: "What people have to attach: due, overdue, awaiting review, met", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			As
			Since time.Time `query:"since" doc:"Of periods from then on; a year ago when left out."`
		}) (out list[finding.Duty], err error) {
			at := in.moment()
			if at.IsZero() {
				at = s.Store.Clock()
			}
			since := in.Since
			if since.IsZero() {
				since = at.AddDate(-1, 0, 0)
			}
			if since.Before(at.AddDate(-10, 0, 0)) || since.After(at) {
				return out, huma.Error422UnprocessableEntity("query.since: want a time of the ten years before as_of")
			}
			items, err := s.Store.Duties(ctx, s.slots(), since, at)
			out.Items = append([]finding.Duty{}, items...)
			return out, err
		})
	read(s, api, operation{id: "list-attachments", path: "/api/attachments", about: "What people attached, with its reviews", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			As
			Control string `query:"control" maxLength:"200"`
		}) (out list[finding.Attachment], err error) {
			items, err := s.Store.Attachments(ctx, in.Control, in.moment())
			out.Items = append([]finding.Attachment{}, items...)
			return out, err
		})
	act(s, api, operation{id: "attach", path: "/api/attachments", about: "Attach a file to a slot of a control", action: access.EvidenceAttach},
		func(ctx context.Context, by access.Actor, in *struct {
			RawBody huma.MultipartFormFiles[struct {
				Control string        `form:"control" required:"true"`
				Slot    string        `form:"slot" required:"true"`
				From    string        `form:"period_from" required:"true" doc:"date"`
				To      string        `form:"period_to" required:"true" doc:"date, exclusive"`
				File    huma.FormFile `form:"file" required:"true"`
			}]
		}) (finding.Attachment, error) {
			form := in.RawBody.Data()
			a := finding.Attachment{Control: form.Control, Slot: form.Slot, Name: form.File.Filename, Media: form.File.ContentType}
			for _, field := range []struct {
				name, text string
				at         *time.Time
			}{{"period_from", form.From, &a.From}, {"period_to", form.To, &a.To}} {
				at, err := time.Parse(time.DateOnly, field.text)
				if err != nil {
					return a, huma.Error422UnprocessableEntity(fmt.Sprintf("%s: %q is not a date such as 2026-03-31", field.name, field.text))
				}
				*field.at = at
			}
			data, err := io.ReadAll(form.File)
			if err != nil {
				return a, fmt.Errorf("read upload: %w", err)
			}
			return s.Store.Attach(ctx, by, a, data)
		})
	act(s, api, operation{id: "review-attachment", path: "/api/attachments/{id}/review", about: "Accept or return what somebody else attached", action: access.EvidenceReview},
		func(ctx context.Context, by access.Actor, in *struct {
			ID   int64 `path:"id" minimum:"1"`
			Body struct {
				Accepted bool   `json:"accepted"`
				Reason   string `json:"reason,omitempty" maxLength:"4000"`
			}
		}) (finding.Attachment, error) {
			return s.Store.ReviewAttachment(ctx, by, in.ID, in.Body.Accepted, in.Body.Reason)
		})
}

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
