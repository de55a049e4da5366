package web

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// InAudit is embedded by the inputs of what is about one audit.
type InAudit struct {
	Audit string `path:"audit" maxLength:"100"`
}

// ScopeIn is embedded by bodies, and chooses what an audit looks at.
type ScopeIn struct {
	Accounts   []string `json:"accounts,omitempty" maxItems:"2000" doc:"only these, and what lies above them; all when left out"`
	Categories []string `json:"categories,omitempty" maxItems:"10" doc:"besides security: availability, confidentiality, processing_integrity, privacy"`
	Controls   []string `json:"controls,omitempty" maxItems:"500" doc:"only these; all that speak to the criteria of the categories when left out"`
}

func (s *server) scope(in ScopeIn) (audit.Scope, error) {
	chosen, err := s.Set().SOC2.Choose(in.Categories, in.Controls)
	return audit.Scope{Accounts: in.Accounts, Categories: chosen.Categories, Criteria: chosen.Criteria, Controls: chosen.Controls}, err
}

// auditIn opens an audit.
type auditIn struct {
	Body struct {
		ID       string           `json:"id" minLength:"1" maxLength:"63" doc:"small letters, digits, dots, dashes, underscores"`
		Type     string           `json:"type" enum:"type1,type2"`
		First    string           `json:"first_day" minLength:"10" maxLength:"10" doc:"such as 2026-01-01; of type1 the day"`
		Last     string           `json:"last_day,omitempty" maxLength:"10" doc:"of type2"`
		Zone     string           `json:"time_zone" minLength:"1" maxLength:"60" doc:"IANA name such as Europe/Berlin"`
		Firm     string           `json:"firm" minLength:"1" maxLength:"200"`
		Schedule int64            `json:"schedule_s,omitempty" minimum:"60" maximum:"2678400" doc:"how far apart scans should be; a day when left out"`
		MaxGap   int64            `json:"max_gap_s,omitempty" minimum:"60" maximum:"8035200" doc:"and may be; 1.5 times the schedule when left out"`
		Targets  map[string]int64 `json:"targets_s,omitempty" doc:"within which failures are to be repaired, by severity"`
		ScopeIn
	}
}

// shownAudit is an audit with who may look into it.
type shownAudit struct {
	audit.Audit
	Auditors []access.Grant `json:"auditors"`
}

func (s *server) shownAudit(ctx context.Context, a audit.Audit, at time.Time) (shownAudit, error) {
	list, err := s.Store.Auditors(ctx, a.ID, at)
	return shownAudit{a, append([]access.Grant{}, list...)}, err
}

// moveIn is what somebody says to a request.
type moveIn struct {
	InAudit
	N    int `path:"number" minimum:"1" maximum:"100000"`
	Body struct {
		Note    string     `json:"note,omitempty" maxLength:"4000"`
		Answers []answerIn `json:"answers,omitempty" maxItems:"200" doc:"of provided requests; their digests are kept"`
	}
}

type answerIn struct {
	Package    string `json:"package,omitempty" maxLength:"100"`
	Path       string `json:"path,omitempty" maxLength:"1000" doc:"a file of the package; all of it when left out"`
	Attachment int64  `json:"attachment,omitempty" minimum:"1"`
}

func (s *server) registerAudits(api huma.API) {
	read(s, api, operation{id: "list-audits", path: "/api/audits", about: "Audits with the versions of their scopes, newest first; auditors see their own"},
		func(ctx context.Context, in *struct{ As }) (list[audit.Audit], error) {
			all, err := s.Store.Audits(ctx, in.at)
			actor := signin.ActorOf(ctx)
			if access.Allows(actor, access.AuditRead, "") != nil {
				all = slices.DeleteFunc(all, func(a audit.Audit) bool { return a.ID != actor.Audit })
			}
			return listed(all, err)
		})
	read(s, api, operation{id: "show-audit", path: "/api/audits/{audit}", about: "An audit with its scopes and auditors"},
		func(ctx context.Context, in *struct {
			As
			InAudit
		}) (shownAudit, error) {
			a, err := s.Store.AuditOf(ctx, in.Audit, in.at)
			if err != nil {
				return shownAudit{}, err
			}
			return s.shownAudit(ctx, a, in.at)
		})
	act(s, api, operation{id: "open-audit", path: "/api/audits", about: "Open an audit, with the requests that auditors commonly begin with"},
		func(ctx context.Context, by access.Actor, in *auditIn) (out shownAudit, err error) {
			b := in.Body
			a := audit.Audit{ID: b.ID, Type: b.Type, Zone: b.Zone, Firm: b.Firm, Schedule: b.Schedule, MaxGap: b.MaxGap, Targets: b.Targets}
			if b.Type == audit.Type1 && b.Last == "" {
				b.Last = b.First
			}
			if a.From, a.To, err = audit.Days(b.First, b.Last, b.Zone); err != nil {
				return out, err
			}
			if a.Schedule == 0 {
				a.Schedule = 86400
			}
			if a.MaxGap == 0 {
				a.MaxGap = a.Schedule * 3 / 2
			}
			scope, err := s.scope(b.ScopeIn)
			if err != nil {
				return out, err
			}
			if a, err = s.Store.OpenAudit(ctx, by, a, scope); err != nil {
				return out, err
			}
			return s.shownAudit(ctx, a, noTime)
		})
	act(s, api, operation{id: "scope-audit", path: "/api/audits/{audit}/scopes", about: "Give an audit another scope; the versions before stay"},
		func(ctx context.Context, by access.Actor, in *struct {
			InAudit
			Body struct {
				Reason string `json:"reason" minLength:"1" maxLength:"4000"`
				ScopeIn
			}
		}) (out shownAudit, err error) {
			scope, err := s.scope(in.Body.ScopeIn)
			if err != nil {
				return out, err
			}
			scope.Reason = in.Body.Reason
			a, err := s.Store.RescopeAudit(ctx, by, in.Audit, scope)
			if err != nil {
				return out, err
			}
			return s.shownAudit(ctx, a, noTime)
		})
	act(s, api, operation{id: "close-audit", path: "/api/audits/{audit}/close", about: "Close an audit: nothing about it changes any more"},
		func(ctx context.Context, by access.Actor, in *struct {
			InAudit
			ReasonIn
		}) (out shownAudit, err error) {
			a, err := s.Store.CloseAudit(ctx, by, in.Audit, in.Body.Reason)
			if err != nil {
				return out, err
			}
			return s.shownAudit(ctx, a, noTime)
		})
	read(s, api, operation{id: "list-audit-requests", path: "/api/audits/{audit}/requests", about: "What auditors ask for, with the answers"},
		func(ctx context.Context, in *struct {
			As
			InAudit
		}) (list[audit.Request], error) {
			return listed(s.Store.AuditRequests(ctx, in.Audit, in.at))
		})
	read(s, api, operation{id: "list-audit-samples", path: "/api/audits/{audit}/samples", about: "Samples that were drawn, the unused ones too, oldest first"},
		func(ctx context.Context, in *struct {
			As
			InAudit
		}) (list[store.Sample], error) {
			all, err := s.Store.Samples(ctx, in.Audit)
			return listed(slices.DeleteFunc(all, func(x store.Sample) bool { return x.Drawn.After(in.or(x.Drawn)) }), err)
		})
	act(s, api, operation{id: "raise-audit-request", path: "/api/audits/{audit}/requests", about: "Ask for something, as an auditor"},
		func(ctx context.Context, by access.Actor, in *struct {
			InAudit
			Body struct {
				Title string `json:"title" minLength:"1" maxLength:"200"`
				Asks  string `json:"asks" minLength:"1" maxLength:"4000"`
			}
		}) (audit.Request, error) {
			return s.Store.RaiseRequest(ctx, by, in.Audit, in.Body.Title, in.Body.Asks)
		})
	for _, way := range []struct {
		name  string
		state audit.State
		about string
	}{
		{"provide", audit.Provided, "Answer a request with files, whose digests are kept, or in words"},
		{"return", audit.Returned, "Say what an answer lacks, as an auditor"},
		{"accept", audit.Accepted, "Accept an answer, as an auditor"},
		{"withdraw", audit.Withdrawn, "Take a request back, as an auditor"},
	} {
		act(s, api, operation{id: way.name + "-audit-request", path: "/api/audits/{audit}/requests/{number}/" + way.name, about: way.about},
			func(ctx context.Context, by access.Actor, in *moveIn) (audit.Request, error) {
				step := audit.Step{State: way.state, Note: in.Body.Note}
				for _, x := range in.Body.Answers {
					step.Answers = append(step.Answers, audit.Answer{Package: x.Package, Path: x.Path, Attachment: x.Attachment})
				}
				return s.Store.MoveRequest(ctx, by, in.Audit, in.N, step)
			})
	}
}
