package web

import (
	"context"

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
	name  string
	kind  finding.Kind
	about string
}{
	{"acknowledge", finding.KindAcked, "Say that somebody takes care of a finding"},
	{"assign", finding.KindAssigned, "Say whose a finding is"},
	{"claim-fix", finding.KindClaimed, "Say that a finding is repaired, with the change; only the engine resolves it"},
	{"dispute", finding.KindDisputed, "Say that the rule is wrong about a finding"},
	{"uphold", finding.KindUpheld, "Settle a dispute: the rule is right"},
	{"rule-wrong", finding.KindRuleWrong, "Settle a dispute: the rule is wrong, and has a new version"},
}

func (s *server) registerFindings(api huma.API) {
	read(s, api, operation{id: "list-findings", path: "/api/findings", about: "Findings by account, resource and rule"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Rule     string `query:"rule" maxLength:"200"`
			Severity string `query:"severity" enum:"critical,high,medium,low"`
			State    string `query:"state" enum:"open,acknowledged,fix_claimed,exception_requested,excepted,disputed,resolved,gone,not_relevant,rule_wrong"`
			Assignee string `query:"assignee" maxLength:"200"`
			Control  string `query:"control" maxLength:"200"`
			Type     string `query:"type" maxLength:"200"`
			Region   string `query:"region" maxLength:"100"`
			Resource string `query:"id" maxLength:"4000" doc:"Only of the resource of this id."`
			Active   bool   `query:"active" doc:"Only those that still stand."`
		}) (out list[finding.Finding], err error) {
			f := store.FindingFilter{
				Rule: in.Rule, Assignee: in.Assignee, Type: in.Type, Region: in.Region, ID: in.Resource, Active: in.Active, AsOf: in.at,
			}
			if in.State != "" {
				f.States = []finding.State{finding.State(in.State)}
			}
			f.Rules = s.rulesOf(in.Severity, in.Control)
			if err := in.after(ctx, &f.After); err != nil {
				return out, err
			}
			accounts, err := s.accounts(ctx, in.Account)
			if err != nil {
				return out, err
			}
			items, err := across(accounts, f.After, in.Limit+1, func(account string, after store.VerdictPosition, limit int) ([]finding.Finding, error) {
				page := f
				page.Account, page.After, page.Limit = account, after, limit
				return s.Store.Findings(ctx, page)
			})
			if err != nil {
				return out, err
			}
			return pageOf(ctx, items, in.Limit, func(f finding.Finding) any {
				return store.VerdictPosition{Account: f.Account, Resource: f.Resource, Rule: f.RuleID}
			})
		})
	type shownFinding struct {
		Finding finding.Finding `json:"finding"`
		Events  []finding.Event `json:"events" nullable:"false"`
	}
	read(s, api, operation{id: "show-finding", path: "/api/findings/{id}", about: "A finding and all that happened to it"},
		func(ctx context.Context, in *struct {
			As
			ID string `path:"id" maxLength:"40" example:"F-mfzgcyltmfrggzdf"`
		}) (out shownFinding, err error) {
			if out.Finding, err = s.Store.Finding(ctx, in.ID, in.at); err != nil {
				return out, err
			}
			events, err := s.Store.FindingEvents(ctx, in.ID, in.at)
			out.Events = append([]finding.Event{}, events...)
			return out, err
		})
	for _, a := range acts {
		act(s, api, operation{id: a.name + "-finding", path: "/api/findings/{id}/" + a.name, about: a.about},
			func(ctx context.Context, by access.Actor, in *findingIn) (finding.Finding, error) {
				b := in.Body
				return s.Store.MoveFinding(ctx, by, in.ID, finding.Act{Kind: a.kind, Assignee: b.Assignee, Reference: b.Reference, Reason: b.Reason, RuleVersion: b.RuleVersion})
			})
	}
}

// rulesOf are the ids of the rules of a severity and a control, either of which may be empty; nil when both are.
func (s *server) rulesOf(severity, control string) []string {
	if severity == "" && control == "" {
		return nil
	}
	ids := []string{}
	for _, p := range s.Set().Programs {
		if (severity == "" || string(p.Severity) == severity) && (control == "" || p.Control == control) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}
