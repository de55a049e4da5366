package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// findingIn is the input of acts on a finding.
type findingIn struct {
	ID   string `path:"id" maxLength:"40" example:"F-mfzgcyltmfrggzdf"`
	Body struct {
		Assignee    string `json:"assignee,omitempty" maxLength:"200"`
		Reference   string `json:"reference,omitempty" maxLength:"500" doc:"change or ticket of a claimed fix"`
		Reason      string `json:"reason,omitempty" maxLength:"4000"`
		RuleVersion string `json:"rule_version,omitempty" maxLength:"200" doc:"the corrected version, for a rule at fault"`
	}
}

// acts are what people do to findings, by the last part of the path.
var acts = []struct {
	name   string
	kind   finding.Kind
	action access.Action
	about  string
}{
	{"acknowledge", finding.KindAcked, access.FindingAcknowledge, "Say that somebody takes care of a finding"},
	{"assign", finding.KindAssigned, access.FindingAssign, "Say whose a finding is"},
	{"claim-fix", finding.KindClaimed, access.FindingClaimFix, "Say that a finding is repaired, with the change; only the engine resolves it"},
	{"dispute", finding.KindDisputed, access.FindingDispute, "Say that the rule is wrong about a finding"},
	{"uphold", finding.KindUpheld, access.FindingSettle, "Settle a dispute: the rule is right"},
	{"rule-wrong", finding.KindRuleWrong, access.FindingSettle, "Settle a dispute: the rule is wrong, and has a new version"},
}

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

func (s *server) registerFindings(api huma.API) {
	read(s, api, operation{id: "list-findings", path: "/api/findings", about: "Findings by account, resource and rule", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Rule     string `query:"rule" maxLength:"200"`
			Severity string `query:"severity" enum:"critical,high,medium,low"`
			State    string `query:"state" enum:"open,acknowledged,fix_claimed,exception_requested,excepted,disputed,resolved,gone,not_relevant,rule_wrong"`
			Assignee string `query:"assignee" maxLength:"200"`
			Type     string `query:"type" maxLength:"200"`
			Active   bool   `query:"active" doc:"Only those that still stand."`
		}) (out list[finding.Finding], err error) {
			f := store.FindingFilter{Account: in.Account, Rule: in.Rule, Assignee: in.Assignee, Type: in.Type, Active: in.Active, AsOf: in.at, Limit: in.Limit + 1}
			if in.State != "" {
				f.States = []finding.State{finding.State(in.State)}
			}
			if in.Severity != "" {
				f.Rules = []string{}
				for _, p := range s.Set().Active() {
					if string(p.Severity) == in.Severity {
						f.Rules = append(f.Rules, p.ID)
					}
				}
			}
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			if err := in.after(&f.After); err != nil {
				return out, err
			}
			items, err := s.Store.Findings(ctx, f)
			if err != nil {
				return out, err
			}
			return pageOf(items, in.Limit, func(f finding.Finding) any {
				return store.VerdictPosition{Account: f.Account, Resource: f.Resource, Rule: f.RuleID}
			})
		})
	type shownFinding struct {
		Finding finding.Finding `json:"finding"`
		Events  []finding.Event `json:"events"`
	}
	read(s, api, operation{id: "show-finding", path: "/api/findings/{id}", about: "A finding and all that happened to it", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			As
			ID string `path:"id" maxLength:"40" example:"F-mfzgcyltmfrggzdf"`
		}) (out shownFinding, err error) {
			if out.Finding, err = s.Store.Finding(ctx, in.ID, in.at); err != nil {
				return out, err
			}
			if !visible(ctx, out.Finding.Account) {
				return shownFinding{}, s.allow(ctx, access.PostureRead, out.Finding.Account)
			}
			out.Events, err = s.Store.FindingEvents(ctx, in.ID, in.at)
			return out, err
		})
	for _, a := range acts {
		act(s, api, operation{id: a.name + "-finding", path: "/api/findings/{id}/" + a.name, about: a.about, action: a.action},
			func(ctx context.Context, by access.Actor, in *findingIn) (finding.Finding, error) {
				b := in.Body
				return s.Store.MoveFinding(ctx, by, in.ID, finding.Act{Kind: a.kind, Assignee: b.Assignee, Reference: b.Reference, Reason: b.Reason, RuleVersion: b.RuleVersion})
			})
	}

	read(s, api, operation{id: "list-exceptions", path: "/api/exceptions", about: "Exceptions and the decisions on them", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Rule string `query:"rule" maxLength:"200"`
		}) (out list[exception], err error) {
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			items, err := s.Store.Exceptions(ctx, store.ExceptionFilter{Account: in.Account, Rule: in.Rule, AsOf: in.at})
			at := in.at
			if at.IsZero() {
				at = s.Store.Clock()
			}
			out.Items = []exception{}
			for _, e := range items {
				out.Items = append(out.Items, exception{e, e.Standing(at)})
			}
			return out, err
		})
	act(s, api, operation{id: "request-exception", path: "/api/exceptions", about: "Ask to accept findings for a time", action: access.ExceptionRequest},
		func(ctx context.Context, by access.Actor, in *exceptionIn) (exception, error) {
			b := in.Body
			e := finding.Exception{Account: b.Account, RuleID: b.RuleID, Pattern: b.Pattern, Reason: b.Reason, Risk: b.Risk, Compensating: b.Compensating, Starts: b.Starts, Expires: b.Expires}
			for _, id := range b.Findings {
				e.Resources = append(e.Resources, finding.Covered{Finding: id})
			}
			e, err := s.Store.RequestException(ctx, by, e)
			return exception{e, e.Standing(s.Store.Clock())}, err
		})
	for name, what := range map[string]struct {
		verdict finding.Verdict
		action  access.Action
		about   string
	}{
		"approve": {finding.Approve, access.ExceptionApprove, "Approve an exception that somebody else asked for"},
		"refuse":  {finding.Refuse, access.ExceptionRefuse, "Refuse an exception"},
		"revoke":  {finding.Revoke, access.ExceptionRevoke, "End an exception before it expires"},
	} {
		act(s, api, operation{id: name + "-exception", path: "/api/exceptions/{id}/" + name, about: what.about, action: what.action},
			func(ctx context.Context, by access.Actor, in *decisionIn) (exception, error) {
				e, err := s.Store.DecideException(ctx, by, in.ID, what.verdict, in.Body.Reason)
				return exception{e, e.Standing(s.Store.Clock())}, err
			})
	}
}
