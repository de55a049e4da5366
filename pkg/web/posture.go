package web

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// InAccount is embedded by inputs whose path names an account.
type InAccount struct {
	Account string `path:"account" maxLength:"200" example:"aws:111122223333"`
}

// OfAccount is embedded by inputs that may be narrowed to an account. Callers who see some accounts only have to name one.
type OfAccount struct {
	Account string `query:"account" maxLength:"200" example:"aws:111122223333"`
}

// named refuses a list over all accounts to who may not see all.
func named(ctx context.Context, account string) error {
	if account == "" && !visible(ctx, "") {
		return huma.Error422UnprocessableEntity("query.account: your roles are good for some accounts: name one of them")
	}
	return nil
}

// SnapshotOf is embedded by inputs about one snapshot of an account; Seq 0 is the one as of as_of.
type SnapshotOf struct {
	InAccount
	As
	Seq int64 `query:"seq" minimum:"0" doc:"Number of the snapshot; the one as of as_of when left out."`
}

func (in *SnapshotOf) find(ctx context.Context, s *server) (posture.Snapshot, error) {
	if in.Seq > 0 {
		return s.Store.Snapshot(ctx, in.Account, in.Seq)
	}
	if in.at.IsZero() {
		return s.Store.Latest(ctx, in.Account)
	}
	return s.Store.At(ctx, in.Account, in.at)
}

// resource is a resource as it was recorded.
type resource struct {
	posture.Key
	Stale      bool             `json:"stale" doc:"carried forward: its cell was not read to the end"`
	Attributes json.RawMessage  `json:"attributes"`
	Unread     []posture.Unread `json:"unread"`
}

func resourceOf(c posture.Content) (resource, error) {
	out := resource{Key: c.Key, Stale: c.Stale}
	var document struct {
		Attributes json.RawMessage  `json:"attributes"`
		Unread     []posture.Unread `json:"unread"`
	}
	if err := json.Unmarshal(c.JSON, &document); err != nil {
		return out, err
	}
	out.Attributes, out.Unread = document.Attributes, append([]posture.Unread{}, document.Unread...)
	return out, nil
}

// criterion is the posture of a criterion: numbers, never one score.
type criterion struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Verdicts posture.Counts `json:"verdicts"`
	Controls []string       `json:"controls"`
}

func (s *server) registerPosture(api huma.API) {
	read(s, api, operation{id: "list-accounts", path: "/api/accounts", about: "Accounts, each with its snapshot as of the time", action: access.PostureRead},
		func(ctx context.Context, in *struct{ As }) (list[posture.Snapshot], error) {
			all, err := s.Store.Current(ctx, "", in.at)
			all = slices.DeleteFunc(all, func(n posture.Snapshot) bool { return !visible(ctx, n.Account.String()) })
			return list[posture.Snapshot]{Items: append([]posture.Snapshot{}, all...)}, err
		})
	read(s, api, operation{id: "list-snapshots", path: "/api/accounts/{account}/snapshots", about: "Snapshots of an account, newest first", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			InAccount
			As
			Page
		}) (list[posture.Snapshot], error) {
			before := int64(0)
			if err := in.after(&before); err != nil {
				return list[posture.Snapshot]{}, err
			}
			all, err := s.Store.Snapshots(ctx, in.Account, 0)
			if err != nil {
				return list[posture.Snapshot]{}, err
			}
			all = slices.DeleteFunc(all, func(n posture.Snapshot) bool {
				return before > 0 && n.Seq >= before || !in.at.IsZero() && n.Sealed.After(in.at)
			})
			return pageOf(all[:min(len(all), in.Limit+1)], in.Limit, func(n posture.Snapshot) any { return n.Seq })
		})
	read(s, api, operation{id: "show-snapshot", path: "/api/accounts/{account}/snapshot", about: "One snapshot and its cells: what was read, and what was not and why", action: access.PostureRead},
		func(ctx context.Context, in *SnapshotOf) (out struct {
			Snapshot posture.Snapshot `json:"snapshot"`
			Cells    []posture.Cell   `json:"cells"`
		}, err error) {
			if out.Snapshot, err = in.find(ctx, s); err != nil {
				return out, err
			}
			out.Cells, err = s.Store.Cells(ctx, in.Account, out.Snapshot.Seq)
			return out, err
		})
	read(s, api, operation{id: "list-resources", path: "/api/accounts/{account}/resources", about: "Resources of a snapshot with their settings", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			SnapshotOf
			Page
			Type   string `query:"type" maxLength:"200"`
			Region string `query:"region" maxLength:"100"`
		}) (out list[resource], err error) {
			f := store.ResourceFilter{Type: in.Type, Region: in.Region, Limit: in.Limit + 1}
			if err := in.after(&f.After); err != nil {
				return out, err
			}
			n, err := in.find(ctx, s)
			if err != nil {
				return out, err
			}
			contents, err := s.Store.Resources(ctx, in.Account, n.Seq, f)
			if err != nil {
				return out, err
			}
			items := make([]resource, len(contents))
			for i, c := range contents {
				if items[i], err = resourceOf(c); err != nil {
					return out, err
				}
			}
			return pageOf(items, in.Limit, func(r resource) any { return r.Key })
		})
	read(s, api, operation{id: "show-resource", path: "/api/accounts/{account}/resource", about: "A resource with its settings, verdicts and versions", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			SnapshotOf
			Type   string `query:"type" required:"true" minLength:"1" maxLength:"200"`
			Region string `query:"region" required:"true" minLength:"1" maxLength:"100"`
			ID     string `query:"id" required:"true" minLength:"1" maxLength:"4000"`
		}) (out struct {
			Resource resource                `json:"resource"`
			Verdicts []store.Judged          `json:"verdicts"`
			Versions []store.ResourceVersion `json:"versions"`
		}, err error) {
			n, err := in.find(ctx, s)
			if err != nil {
				return out, err
			}
			contents, err := s.Store.Resources(ctx, in.Account, n.Seq, store.ResourceFilter{Type: in.Type, Region: in.Region, ID: in.ID})
			if err != nil {
				return out, err
			}
			if len(contents) == 0 {
				return out, huma.Error404NotFound("the snapshot holds no such resource")
			}
			if out.Resource, err = resourceOf(contents[0]); err != nil {
				return out, err
			}
			if out.Verdicts, err = s.Store.Verdicts(ctx, store.VerdictFilter{Account: in.Account, Seq: n.Seq, Type: in.Type, Region: in.Region, ID: in.ID}); err != nil {
				return out, err
			}
			versions, err := s.Store.ResourceHistory(ctx, in.Account, out.Resource.Key)
			out.Versions = append([]store.ResourceVersion{}, versions...)
			return out, err
		})
	read(s, api, operation{id: "list-verdicts", path: "/api/verdicts", about: "Verdicts by account, resource and rule", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Rule   string `query:"rule" maxLength:"200"`
			Result string `query:"result" enum:"pass,fail,unknown,not_applicable"`
			Type   string `query:"type" maxLength:"200"`
		}) (out list[store.Judged], err error) {
			f := store.VerdictFilter{Account: in.Account, AsOf: in.at, Rule: in.Rule, Result: posture.Result(in.Result), Type: in.Type, Limit: in.Limit + 1}
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			if err := in.after(&f.After); err != nil {
				return out, err
			}
			items, err := s.Store.Verdicts(ctx, f)
			if err != nil {
				return out, err
			}
			return pageOf(items, in.Limit, func(j store.Judged) any { return j.Position() })
		})
	read(s, api, operation{id: "list-changes", path: "/api/accounts/{account}/drift", about: "What differs between two snapshots of an account, and why", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			InAccount
			As
			From int64 `query:"from" minimum:"0" doc:"Number of the earlier snapshot; the one before to when left out."`
			To   int64 `query:"to" minimum:"0" doc:"Number of the later snapshot; the one as of as_of when left out."`
		}) (out list[posture.Change], err error) {
			to, err := (&SnapshotOf{InAccount: in.InAccount, As: in.As, Seq: in.To}).find(ctx, s)
			if err != nil {
				return out, err
			}
			from := in.From
			if from == 0 {
				from = to.Seq - 1
			}
			if from < 1 || from >= to.Seq {
				return out, huma.Error422UnprocessableEntity("query.from: want the number of a snapshot before the later one")
			}
			before, after, err := s.Store.Diff(ctx, in.Account, from, to.Seq)
			if err != nil {
				return out, err
			}
			changes, err := drift.Compare(drift.Pair(before, after), s.Store.Types)
			out.Items = append([]posture.Change{}, changes...)
			return out, err
		})
	read(s, api, operation{id: "list-criteria", path: "/api/criteria", about: "Verdicts by criterion: pass, fail, unknown and not applicable", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
		}) (out list[criterion], err error) {
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			counts, err := s.Store.Counts(ctx, in.Account, in.at)
			if err != nil {
				return out, err
			}
			out.Items = criteria(s.Set(), counts)
			return out, nil
		})
	type ruleItem struct {
		ID       string         `json:"id"`
		Title    string         `json:"title"`
		Severity string         `json:"severity"`
		Resource string         `json:"resource"`
		Control  string         `json:"control"`
		Criteria []string       `json:"criteria"`
		Why      string         `json:"why"`
		Fix      string         `json:"fix"`
		Applies  string         `json:"applies_when,omitempty"`
		Passes   string         `json:"passes_when"`
		Verdicts posture.Counts `json:"verdicts"`
	}
	read(s, api, operation{id: "list-rules", path: "/api/rules", about: "Rules with their text and verdicts", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
		}) (out list[ruleItem], err error) {
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			counts, err := s.Store.Counts(ctx, in.Account, in.at)
			if err != nil {
				return out, err
			}
			byRule := map[string]posture.Counts{}
			for _, c := range counts {
				byRule[c.Rule] = sum(byRule[c.Rule], c.Counts)
			}
			set := s.Set()
			for _, p := range set.Active() {
				item := ruleItem{ID: p.ID, Title: p.Title, Severity: string(p.Severity), Resource: p.Resource, Control: p.Control, Criteria: []string{},
					Why: p.Why, Fix: p.Fix, Applies: p.AppliesWhen, Passes: p.PassesWhen, Verdicts: byRule[p.ID]}
				for _, link := range set.Criteria(p) {
					item.Criteria = append(item.Criteria, link.ID)
				}
				out.Items = append(out.Items, item)
			}
			return out, nil
		})
	read(s, api, operation{id: "list-controls", path: "/api/controls", about: "Controls with their owners and the criteria that they meet", action: access.PostureRead},
		func(_ context.Context, _ *struct{ As }) (out list[control], err error) {
			owners := map[string]string{}
			for _, c := range s.Settings().Controls {
				owners[c.ID] = c.Owner
			}
			out.Items = []control{}
			for _, c := range s.Set().SOC2.Controls {
				item := control{ID: c.ID, Title: c.Title, Statement: c.Statement, Owner: owners[c.ID], Criteria: []string{}}
				for _, link := range c.Criteria {
					item.Criteria = append(item.Criteria, link.ID)
				}
				out.Items = append(out.Items, item)
			}
			return out, nil
		})
}

// control is a control with who answers for it.
type control struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Statement string   `json:"statement"`
	Owner     string   `json:"owner,omitempty"`
	Criteria  []string `json:"criteria"`
}

// criteria adds up the verdicts of the rules that speak to each criterion.
func criteria(set *rule.Set, counts []store.RuleCounts) []criterion {
	byID := map[string]*criterion{}
	out := []criterion{}
	for _, c := range set.SOC2.Criteria {
		out = append(out, criterion{ID: c.ID, Title: c.Title, Controls: []string{}})
	}
	for i := range out {
		byID[out[i].ID] = &out[i]
	}
	for _, c := range counts {
		p, err := set.Program(c.Rule)
		if err != nil {
			continue // a rule of an earlier version of the program
		}
		for _, link := range set.Criteria(p) {
			item := byID[link.ID]
			item.Verdicts = sum(item.Verdicts, c.Counts)
			if !slices.Contains(item.Controls, p.Control) {
				item.Controls = append(item.Controls, p.Control)
			}
		}
	}
	return out
}

func sum(a, b posture.Counts) posture.Counts {
	return posture.Counts{Pass: a.Pass + b.Pass, Fail: a.Fail + b.Fail, Unknown: a.Unknown + b.Unknown, DoesNotApply: a.DoesNotApply + b.DoesNotApply}
}
