package web

import (
	"context"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// criterion is the posture of a criterion: numbers, never one score.
type criterion struct {
	ID       string   `json:"id"`
	Category string   `json:"category"`
	Title    string   `json:"title"`
	Limit    string   `json:"limit,omitempty" doc:"what the automated part must not be read as proving"`
	Attach   []string `json:"attach,omitempty" doc:"what people have to attach"`
	Verdicts tally    `json:"verdicts"`
	Controls []string `json:"controls" nullable:"false"`
}

// control is a control, who answers for it, and the verdicts of its rules.
type control struct {
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Statement string         `json:"statement"`
	Nature    string         `json:"nature"`
	Owner     string         `json:"owner,omitempty"`
	Criteria  []link         `json:"criteria" nullable:"false"`
	Rules     []string       `json:"rules" nullable:"false"`
	Slots     []finding.Slot `json:"slots" nullable:"false" doc:"what people have to attach"`
	Verdicts  tally          `json:"verdicts"`
}

// link is what a control supports of a criterion, and what it leaves unproved even when every rule passes.
type link struct {
	ID       string `json:"id"`
	Supports string `json:"supports"`
	Leaves   string `json:"leaves"`
}

// ruleText is a rule as it is in force, with its verdicts as of the time.
type ruleText struct {
	ID         string         `json:"id"`
	Version    string         `json:"version"`
	Title      string         `json:"title"`
	Severity   string         `json:"severity"`
	Resource   string         `json:"resource"`
	Also       []string       `json:"also,omitempty"`
	Control    string         `json:"control"`
	Criteria   []string       `json:"criteria" nullable:"false"`
	Message    string         `json:"message"`
	Why        string         `json:"why"`
	Fix        string         `json:"fix"`
	Applies    string         `json:"applies_when,omitempty"`
	Passes     string         `json:"passes_when"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Retired    string         `json:"retired,omitempty" doc:"why it is no longer run"`
	Off        string         `json:"switched_off,omitempty" doc:"why the settings switch it off"`
	Verdicts   tally          `json:"verdicts"`
}

// tally are verdicts by result. Exceptions change no result: what they accept fails, and is counted once more.
type tally struct {
	posture.Counts
	Excepted int `json:"excepted" doc:"of those that fail: accepted by an exception in force"`
}

func (t tally) plus(o tally) tally {
	return tally{posture.Counts{
		Pass: t.Pass + o.Pass, Fail: t.Fail + o.Fail, Unknown: t.Unknown + o.Unknown, DoesNotApply: t.DoesNotApply + o.DoesNotApply,
	}, t.Excepted + o.Excepted}
}

// counts are the verdicts by rule, over the accounts that a list is about.
func (s *server) counts(ctx context.Context, of OfAccount, as As) (map[string]tally, error) {
	accounts, err := s.accounts(ctx, of.Account)
	if err != nil {
		return nil, err
	}
	out := map[string]tally{}
	covered := []string{} // findings of exceptions in force
	for _, account := range accounts {
		counts, err := s.Store.Counts(ctx, account, as.at)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			out[c.Rule] = out[c.Rule].plus(tally{Counts: c.Counts})
		}
		exceptions, err := s.Store.Exceptions(ctx, store.ExceptionFilter{Account: account, AsOf: as.at})
		if err != nil {
			return nil, err
		}
		for _, e := range exceptions {
			if e.Standing(as.or(s.Store.Clock())) != finding.InForce {
				continue
			}
			for _, r := range e.Resources {
				covered = append(covered, r.Finding)
			}
		}
	}
	if len(covered) == 0 {
		return out, nil
	}
	found, err := s.Store.Findings(ctx, store.FindingFilter{IDs: covered, States: []finding.State{finding.Excepted}, AsOf: as.at})
	for _, f := range found {
		if _, unverified := f.UnverifiedSince.Get(); !unverified {
			out[f.RuleID] = out[f.RuleID].plus(tally{Excepted: 1})
		}
	}
	return out, err
}

func (s *server) registerRules(api huma.API) {
	type ByAccount struct { // exported, or huma does not see what it embeds
		OfAccount
		As
	}
	read(s, api, operation{id: "list-criteria", path: "/api/criteria", about: "Verdicts by criterion: pass, fail, unknown and not applicable"},
		func(ctx context.Context, in *ByAccount) (list[criterion], error) {
			counts, err := s.counts(ctx, in.OfAccount, in.As)
			return listed(criteria(s.Set(), counts), err)
		})
	read(s, api, operation{id: "list-controls", path: "/api/controls", about: "Controls with their owners, criteria, rules, slots and verdicts"},
		func(ctx context.Context, in *ByAccount) (list[control], error) {
			counts, err := s.counts(ctx, in.OfAccount, in.As)
			return listed(s.controls(counts), err)
		})
	read(s, api, operation{id: "list-rules", path: "/api/rules", about: "Rules as they are in force, with their verdicts as of the time"},
		func(ctx context.Context, in *struct {
			ByAccount
			Page
			Severity string `query:"severity" enum:"critical,high,medium,low"`
			Control  string `query:"control" maxLength:"200"`
			Type     string `query:"type" maxLength:"200" doc:"Only rules that judge this resource type."`
		}) (out list[ruleText], err error) {
			after := ""
			if err := in.after(ctx, &after); err != nil {
				return out, err
			}
			counts, err := s.counts(ctx, in.OfAccount, in.As)
			if err != nil {
				return out, err
			}
			set := s.Set()
			items := []ruleText{}
			for _, p := range set.Programs {
				judges := in.Type == "" || p.Resource == in.Type || slices.Contains(p.Also, in.Type)
				if p.ID > after && judges && (in.Severity == "" || string(p.Severity) == in.Severity) && (in.Control == "" || p.Control == in.Control) {
					items = append(items, s.ruleText(set, p, counts[p.ID]))
				}
			}
			return pageOf(ctx, items, in.Limit, func(r ruleText) any { return r.ID })
		})
	read(s, api, operation{id: "show-rule", path: "/api/rules/{id}", about: "One rule as it is in force, with its verdicts as of the time"},
		func(ctx context.Context, in *struct {
			ByAccount
			ID string `path:"id" maxLength:"200"`
		}) (out ruleText, err error) {
			set := s.Set()
			p, err := set.Program(in.ID)
			if err != nil {
				return out, err
			}
			counts, err := s.counts(ctx, in.OfAccount, in.As)
			return s.ruleText(set, p, counts[p.ID]), err
		})
}

func (s *server) ruleText(set *rule.Set, p *rule.Program, verdicts tally) ruleText {
	out := ruleText{
		ID: p.ID, Version: p.Version, Title: p.Title, Severity: string(p.Severity), Resource: p.Resource, Also: p.Also, Control: p.Control, Criteria: []string{},
		Message: strings.TrimSpace(p.Message), Why: strings.TrimSpace(p.Why), Fix: strings.TrimSpace(p.Fix), Applies: p.AppliesWhen, Passes: p.PassesWhen,
		Parameters: p.Parameters(), Retired: p.Retired, Verdicts: verdicts,
	}
	for _, l := range set.Criteria(p) {
		out.Criteria = append(out.Criteria, l.ID)
	}
	for _, off := range s.Settings().Rules.Off {
		if off.Rule == p.ID {
			out.Off = off.Reason
		}
	}
	return out
}

// criteria adds up the verdicts of the rules that speak to each criterion.
func criteria(set *rule.Set, counts map[string]tally) []criterion {
	out := make([]criterion, len(set.SOC2.Criteria))
	place := map[string]*criterion{}
	for i, c := range set.SOC2.Criteria {
		out[i] = criterion{ID: c.ID, Category: c.Category, Title: c.Title, Limit: c.Limit, Attach: c.Attach, Controls: []string{}}
		place[c.ID] = &out[i]
	}
	for _, p := range set.Programs {
		for _, l := range set.Criteria(p) {
			c := place[l.ID]
			if c == nil {
				continue // the rule set's own check complains of it
			}
			c.Verdicts = c.Verdicts.plus(counts[p.ID])
			if !slices.Contains(c.Controls, p.Control) {
				c.Controls = append(c.Controls, p.Control)
			}
		}
	}
	return out
}

// controls adds up the verdicts of each control's rules.
func (s *server) controls(counts map[string]tally) []control {
	set, slots := s.Set(), s.slots()
	owners := map[string]string{}
	for _, c := range s.Settings().Controls {
		owners[c.ID] = c.Owner
	}
	var out []control
	for _, c := range set.SOC2.Controls {
		item := control{
			ID: c.ID, Title: c.Title, Statement: c.Statement, Nature: c.Nature, Owner: owners[c.ID], Criteria: []link{}, Rules: []string{},
			Slots: slices.DeleteFunc(slices.Clone(slots), func(slot finding.Slot) bool { return slot.Control != c.ID }),
		}
		for _, l := range c.Criteria {
			item.Criteria = append(item.Criteria, link(l))
		}
		for _, p := range set.Programs {
			if p.Control == c.ID {
				item.Rules = append(item.Rules, p.ID)
				item.Verdicts = item.Verdicts.plus(counts[p.ID])
			}
		}
		item.Slots = append([]finding.Slot{}, item.Slots...)
		out = append(out, item)
	}
	return out
}
