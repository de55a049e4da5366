package gcp

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// emailOf is the e-mail of a service account, which its id ends with.
func emailOf(a derive.Item[schema.ServiceAccount]) string { return path.Base(a.ID) }

// accountRoles: what each service account may do, on its own project and on every other node of the organization.
func accountRoles(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	own := derive.Map(derive.Read(p, "iam.bindings", p.V.IAM.Bindings), func(bindings []schema.Binding) map[string][]string {
		roles := map[string][]string{}
		for _, b := range bindings {
			for _, m := range b.Members {
				roles[m] = append(roles[m], b.Role)
			}
		}
		return roles
	})
	held, missing := heldRoles(inv, p)
	for _, a := range derive.Of[schema.ServiceAccount](inv, schema.ServiceAccountType).Items {
		derive.Set(a, "project_roles", &a.V.ProjectRoles, derive.Map(own, func(roles map[string][]string) []string {
			return append([]string{}, sorted(roles["serviceAccount:"+emailOf(a)])...)
		}))
		derive.SetList(a, "effective_roles", &a.V.EffectiveRoles, derive.Elements[schema.HeldRole]{
			Known: append([]schema.HeldRole{}, held[emailOf(a)]...), Missing: missing,
		})
	}
}

// heldRoles are the roles of every service account, by e-mail, on the nodes whose policies were read, and why there may be more.
func heldRoles(inv *derive.Inventory, p derive.Item[schema.Project]) (held map[string][]schema.HeldRole, missing []posture.Cause) {
	held = map[string][]schema.HeldRole{}
	grants := func(node string, bindings derive.Val[[]schema.Binding]) {
		list, known := bindings.Get()
		if !known {
			missing = append(missing, bindings.Causes()...)
		}
		for _, b := range list {
			for _, m := range b.Members {
				role := schema.HeldRole{Role: b.Role, Node: node}
				if email, ok := strings.CutPrefix(m, "serviceAccount:"); ok && !slices.Contains(held[email], role) {
					held[email] = append(held[email], role)
				}
			}
		}
	}
	grants("projects/"+inv.Account.ID, derive.Read(p, "iam.bindings", p.V.IAM.Bindings))
	members := derive.Above[schema.Member](inv, schema.MemberType)
	for _, m := range members.Items {
		name := derive.Read(m, "project_id", m.V.ProjectID)
		switch id, known := name.Get(); {
		case !known:
			missing = append(missing, name.Causes()...)
		case id != inv.Account.ID: // whose own policy is fresher
			grants("projects/"+id, derive.Read(m, "bindings", m.V.Bindings))
		}
	}
	folders := derive.Above[schema.Folder](inv, schema.FolderType)
	for _, f := range folders.Items {
		grants(f.ID, derive.Read(f, "iam.bindings", f.V.IAM.Bindings))
	}
	organizations := derive.Above[schema.Organization](inv, schema.OrganizationType)
	for _, o := range organizations.Items {
		grants(o.ID, derive.Read(o, "iam.bindings", o.V.IAM.Bindings))
	}
	return held, slices.Concat(missing, members.Gaps, folders.Gaps, organizations.Gaps)
}

// accountOutsiders: who may act as each service account without belonging to the organization.
func accountOutsiders(inv *derive.Inventory) {
	in := insidersOf(inv)
	for _, a := range derive.Of[schema.ServiceAccount](inv, schema.ServiceAccountType).Items {
		policy := derive.Read(a, "iam.bindings", a.V.IAM.Bindings)
		outside := in.externalMembers(policy)
		bindings, _ := policy.Get()
		for _, b := range bindings {
			outside.Known = append(outside.Known, slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool { return !wholePool(m) })...)
		}
		outside.Known = sorted(outside.Known)
		derive.SetList(a, "external_members", &a.V.ExternalMembers, outside)
	}
}

// wholePool: whoever a workload identity pool lets in, rather than a subject, group or attribute of it.
func wholePool(member string) bool {
	return strings.Contains(member, "/workloadIdentityPools/") && strings.HasSuffix(member, "/*")
}

// accountKeys: how many keys of each service account's user work today.
func accountKeys(inv *derive.Inventory) {
	keys := derive.ByID(derive.Of[schema.ServiceAccountKey](inv, schema.ServiceAccountKeyType))
	for _, a := range derive.Of[schema.ServiceAccount](inv, schema.ServiceAccountType).Items {
		count := derive.Then(derive.Read(a, "user_managed_key_ids", a.V.UserManagedKeyIDs), func(ids []string) derive.Val[int64] {
			n := derive.Known(int64(0))
			for _, id := range ids {
				works := derive.Named(keys.All(a.ID+"/keys/"+id), "iam.projects.serviceAccounts.keys.list",
					func(k derive.Item[schema.ServiceAccountKey]) derive.Val[bool] { return keyWorks(k, inv.Now) })
				n = derive.Map2(n, works, func(n int64, works bool) int64 {
					if works {
						n++
					}
					return n
				})
			}
			return n
		})
		derive.Set(a, "user_managed_key_count", &a.V.UserManagedKeyCount, count)
	}
}

// keyWorks: it is neither disabled nor expired.
func keyWorks(k derive.Item[schema.ServiceAccountKey], now time.Time) derive.Val[bool] {
	return derive.And(
		derive.Not(derive.Read(k, "disabled", k.V.Disabled)),
		derive.Map(derive.Read(k, "valid_before", k.V.ValidBefore), func(end posture.Opt[time.Time]) bool {
			t, ends := end.Get()
			return !ends || t.After(now)
		}),
	)
}

// accountActivity: when service accounts and their keys were last used, and for how long that was watched.
func accountActivity(inv *derive.Inventory) {
	all := derive.Of[schema.Activity](inv, schema.ActivityType)
	activities := derive.By(all, func(a derive.Item[schema.Activity]) string { return withoutProject(a.ID) })
	type moment = derive.Val[posture.Opt[time.Time]]
	lastUse := func(a derive.Item[schema.Activity]) moment {
		return derive.Read(a, "last_authenticated", a.V.LastAuthenticated)
	}
	watched := func(a derive.Item[schema.Activity]) moment {
		return derive.Read(a, "observation_start", a.V.ObservationStart)
	}
	never := derive.Known(posture.Opt[time.Time]{})
	since := derive.Map(derive.Collect(all, func(a derive.Item[schema.Activity]) (moment, derive.Val[bool]) {
		return watched(a), derive.Known(true)
	}), earliest)
	// of reads the activity of an account or key; none is the answer where there is no activity.
	of := func(id string, none moment, read func(derive.Item[schema.Activity]) moment) moment {
		activity, found, missing := activities.Get(withoutProject(id))
		switch {
		case found:
			return read(activity)
		case missing != nil:
			return derive.UnreadFor[posture.Opt[time.Time]](missing...)
		}
		return none
	}
	for _, a := range derive.Of[schema.ServiceAccount](inv, schema.ServiceAccountType).Items {
		derive.Set(a, "last_authenticated", &a.V.LastAuthenticated, of(a.ID, never, lastUse))
		derive.Set(a, "activity_observed_since", &a.V.ActivityObservedSince, of(a.ID, since, watched))
	}
	for _, k := range derive.Of[schema.ServiceAccountKey](inv, schema.ServiceAccountKeyType).Items {
		derive.Set(k, "last_authenticated", &k.V.LastAuthenticated, of(k.ID, never, lastUse))
	}
}

// withoutProject is an account's or key's name without its project, which Google names by id here and by number there.
func withoutProject(id string) string {
	_, name, _ := strings.Cut(id, "/serviceAccounts/")
	return name
}

// earliest is the first of the times; absent when there is none.
func earliest(times []posture.Opt[time.Time]) posture.Opt[time.Time] {
	var first posture.Opt[time.Time]
	for _, t := range times {
		at, set := t.Get()
		if before, any := first.Get(); set && (!any || at.Before(before)) {
			first = t
		}
	}
	return first
}
