package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// exceptionIn is a request to accept findings for a time.
type exceptionIn struct {
	Body struct {
		Findings     []string  `json:"findings,omitempty" maxItems:"500" doc:"ids of findings of one rule in one account"`
		Account      string    `json:"account,omitempty" maxLength:"200" doc:"with rule_id and pattern, instead of findings"`
		RuleID       string    `json:"rule_id,omitempty" maxLength:"200"`
		Pattern      string    `json:"pattern,omitempty" maxLength:"500" doc:"resource ids that it is to cover now, such as scratch-*; two people have to approve"`
		Reason       string    `json:"reason" minLength:"1" maxLength:"4000"`
		Risk         string    `json:"risk" minLength:"1" maxLength:"4000"`
		Compensating string    `json:"compensating_control,omitempty" maxLength:"4000"`
		Starts       time.Time `json:"starts_at,omitempty"`
		Expires      time.Time `json:"expires_at,omitempty" doc:"90 days from now when left out, 365 at most"`
	}
}

// decisionIn is what somebody decides.
type decisionIn struct {
	ID   int64 `path:"id" minimum:"1"`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"4000"`
	}
}

// exception is an exception and how it stands.
type exception struct {
	finding.Exception
	Standing finding.Standing `json:"standing"`
}

func (s *server) registerExceptions(api huma.API) {
	read(s, api, operation{id: "list-exceptions", path: "/api/exceptions", about: "Exceptions and the decisions on them, oldest first"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Rule     string `query:"rule" maxLength:"200"`
			Standing string `query:"standing" enum:"requested,approved,in_force,expired,revoked,refused,lapsed"`
		}) (out list[exception], err error) {
			items, err := s.Store.Exceptions(ctx, store.ExceptionFilter{Account: in.Account, Rule: in.Rule, AsOf: in.at})
			if err != nil {
				return out, err
			}
			all, at := []exception{}, in.or(s.Store.Clock())
			for _, e := range items {
				if standing := e.Standing(at); sees(ctx, e.Account) && (in.Standing == "" || string(standing) == in.Standing) {
					all = append(all, exception{e, standing})
				}
			}
			return byNumber(ctx, in.Page, all, func(e exception) int64 { return e.ID })
		})
	read(s, api, operation{id: "show-exception", path: "/api/exceptions/{id}", about: "An exception and the decisions on it"},
		func(ctx context.Context, in *struct {
			As
			ID int64 `path:"id" minimum:"1"`
		}) (exception, error) {
			e, err := s.Store.Exception(ctx, in.ID, in.at)
			return exception{e, e.Standing(in.or(s.Store.Clock()))}, err
		})
	act(s, api, operation{id: "request-exception", path: "/api/exceptions", about: "Ask to accept findings for a time"},
		func(ctx context.Context, by access.Actor, in *exceptionIn) (exception, error) {
			b := in.Body
			e := finding.Exception{Account: b.Account, RuleID: b.RuleID, Pattern: b.Pattern, Reason: b.Reason, Risk: b.Risk, Compensating: b.Compensating, Starts: b.Starts, Expires: b.Expires}
			for _, id := range b.Findings {
				e.Resources = append(e.Resources, finding.Covered{Finding: id})
			}
			e, err := s.Store.RequestException(ctx, by, e)
			return exception{e, e.Standing(s.Store.Clock())}, err
		})
	for _, d := range []struct {
		name    string
		verdict finding.Verdict
		about   string
	}{
		{"approve", finding.Approve, "Approve an exception that somebody else asked for"},
		{"refuse", finding.Refuse, "Refuse an exception"},
		{"revoke", finding.Revoke, "End an exception before it expires"},
	} {
		act(s, api, operation{id: d.name + "-exception", path: "/api/exceptions/{id}/" + d.name, about: d.about},
			func(ctx context.Context, by access.Actor, in *decisionIn) (exception, error) {
				e, err := s.Store.DecideException(ctx, by, in.ID, d.verdict, in.Body.Reason)
				return exception{e, e.Standing(s.Store.Clock())}, err
			})
	}
}
