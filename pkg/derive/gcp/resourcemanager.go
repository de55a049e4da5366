package gcp

import (
	"maps"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ownProject returns the project that is scanned; ok is false for an organization.
func ownProject(inv *derive.Inventory) (derive.Item[schema.Project], bool) {
	list := derive.Of[schema.Project](inv, schema.ProjectType)
	if len(list.Items) == 0 {
		return derive.Item[schema.Project]{}, false
	}
	return list.Items[0], true
}

// projectServices: which APIs are switched on.
func projectServices(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	derive.Set(p, "enabled_services", &p.V.EnabledServices, derive.Map(
		derive.Collect(derive.Of[schema.Service](inv, schema.ServiceType), func(s derive.Item[schema.Service]) (derive.Val[string], derive.Val[bool]) {
			return derive.Known(s.ID), derive.Known(true)
		}), sorted))
}

// organizationName is the organization that is scanned, or that the project lies in; "" when it is in none.
func organizationName(inv *derive.Inventory) derive.Val[string] {
	p, ok := ownProject(inv)
	if !ok {
		return derive.Known(inv.Account.ID)
	}
	return derive.Map(derive.Read(p, "ancestors", p.V.Ancestors), func(ancestors []string) string {
		for _, name := range ancestors {
			if strings.HasPrefix(name, "organizations/") {
				return name
			}
		}
		return ""
	})
}

// organizationWide is what the organization holds, whether it is scanned itself or lies above the project that is.
func organizationWide[T any](inv *derive.Inventory, t *posture.Type) derive.List[T] {
	if strings.HasPrefix(inv.Account.ID, "organizations/") {
		return derive.Of[T](inv, t)
	}
	return derive.Above[T](inv, t)
}

// hierarchyMembers: which organization each node belongs to, and who among the members of its policy does not.
func hierarchyMembers(inv *derive.Inventory) {
	in := insidersOf(inv)
	for _, p := range derive.Of[schema.Project](inv, schema.ProjectType).Items {
		derive.Set(p, "organization", &p.V.Organization, in.organization)
		derive.SetList(p, "iam_external_members", &p.V.IAMExternalMembers, in.externalMembers(derive.Read(p, "iam.bindings", p.V.IAM.Bindings)))
	}
	for _, f := range derive.Of[schema.Folder](inv, schema.FolderType).Items {
		derive.Set(f, "organization", &f.V.Organization, in.organization)
		derive.SetList(f, "iam_external_members", &f.V.IAMExternalMembers, in.externalMembers(derive.Read(f, "iam.bindings", f.V.IAM.Bindings)))
	}
	for _, o := range derive.Of[schema.Organization](inv, schema.OrganizationType).Items {
		derive.Set(o, "organization", &o.V.Organization, in.organization)
		derive.SetList(o, "iam_external_members", &o.V.IAMExternalMembers, in.externalMembers(derive.Read(o, "iam.bindings", o.V.IAM.Bindings)))
	}
}

// level is one node of the chain from a project up to its organization.
type level struct {
	name string
	iam  derive.Val[schema.IAM]
}

// chain is the project, its folders and its organization, nearest first; unread when it is not known what lies above.
func chain(inv *derive.Inventory, p derive.Item[schema.Project]) derive.Val[[]level] {
	folders := derive.ByID(derive.Above[schema.Folder](inv, schema.FolderType))
	organizations := derive.ByID(derive.Above[schema.Organization](inv, schema.OrganizationType))
	return derive.Map(derive.Read(p, "ancestors", p.V.Ancestors), func(ancestors []string) []level {
		out := []level{ownLevel(p)}
		for _, name := range ancestors {
			above := level{name: name}
			if strings.HasPrefix(name, "organizations/") {
				above.iam = derive.Named(organizations.All(name), "cloudresourcemanager.organizations.get",
					func(o derive.Item[schema.Organization]) derive.Val[schema.IAM] { return derive.Read(o, "iam", o.V.IAM) })
			} else {
				above.iam = derive.Named(folders.All(name), "cloudresourcemanager.folders.search",
					func(f derive.Item[schema.Folder]) derive.Val[schema.IAM] { return derive.Read(f, "iam", f.V.IAM) })
			}
			out = append(out, above)
		}
		return out
	})
}

func ownLevel(p derive.Item[schema.Project]) level {
	return level{"projects/" + p.ID, derive.Read(p, "iam", p.V.IAM)}
}

// projectIAM adds up what the project, its folders and its organization grant and log. A level that was not read leaves the
// sums incomplete: what the others grant stands.
func projectIAM(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	all := chain(inv, p)
	levels, known := all.Get()
	if !known {
		levels = []level{ownLevel(p)}
	}
	missing := slices.Clone(all.Causes())
	bindings := []schema.EffectiveBinding{}
	logTypes := map[string][]string{}
	exempted := []string{}
	for _, l := range levels {
		policy, _ := l.iam.Get()
		missing = append(missing, l.iam.Causes()...)
		for _, b := range policy.Bindings {
			bindings = append(bindings, schema.EffectiveBinding{Role: b.Role, Members: b.Members, Condition: b.Condition, Origin: l.name})
		}
		for _, a := range policy.AuditConfigs {
			logTypes[a.Service] = append(logTypes[a.Service], a.LogTypes...)
			exempted = append(exempted, a.ExemptedMembers...)
		}
	}
	services := []schema.ServiceLogTypes{}
	for _, service := range slices.Sorted(maps.Keys(logTypes)) {
		services = append(services, schema.ServiceLogTypes{Service: service})
	}
	effective := &p.V.Effective
	derive.SetList(p, "effective.bindings", &effective.Bindings, derive.Elements[schema.EffectiveBinding]{Known: bindings, Missing: missing})
	derive.SetList(p, "effective.audit_log_types", &effective.AuditLogTypes, derive.Elements[schema.ServiceLogTypes]{Known: services, Missing: missing})
	for i, s := range services { // another level may log more of a service that is listed
		derive.SetList(p, "effective.audit_log_types["+s.Service+"].log_types", &effective.AuditLogTypes[i].LogTypes,
			derive.Elements[string]{Known: sorted(logTypes[s.Service]), Missing: missing})
	}
	sum := func(list []string) derive.Elements[string] {
		return derive.Elements[string]{Known: sorted(list), Missing: missing}
	}
	derive.SetList(p, "effective.audit_exempted_members", &effective.AuditExemptedMembers, sum(exempted))
	derive.SetList(p, "effective.impersonators", &effective.Impersonators, sum(impersonators(bindings)))
	derive.SetList(p, "effective.service_account_duties", &effective.ServiceAccountDuties, sum(bothDuties(bindings,
		[]string{"roles/iam.serviceAccountAdmin"}, []string{"roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator"})))
	derive.SetList(p, "effective.kms_duties", &effective.KMSDuties, sum(bothDuties(bindings, []string{"roles/cloudkms.admin"}, []string{
		"roles/cloudkms.cryptoKeyEncrypterDecrypter", "roles/cloudkms.cryptoKeyEncrypter", "roles/cloudkms.cryptoKeyDecrypter",
		"roles/cloudkms.cryptoKeyEncrypterDecrypterViaDelegation", "roles/cloudkms.cryptoKeyEncrypterViaDelegation",
		"roles/cloudkms.cryptoKeyDecrypterViaDelegation"})))
}

// impersonators are the members, other than Google's agents, who may act as every service account below a node. A condition
// that names single accounts makes the grant as narrow as one on these.
func impersonators(bindings []schema.EffectiveBinding) []string {
	out := []string{}
	for _, b := range bindings {
		switch b.Role {
		case "roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser":
		default:
			continue
		}
		if strings.Contains(b.Condition, "resource.name") && strings.Contains(b.Condition, "/serviceAccounts/") {
			continue
		}
		for _, m := range b.Members {
			if owning := parseMember(m).owning; owning != google && owning != noOwner {
				out = append(out, m)
			}
		}
	}
	return out
}

// bothDuties are the members who hold a role of each kind. Groups count as one member.
func bothDuties(bindings []schema.EffectiveBinding, manages, uses []string) []string {
	manager, user := map[string]bool{}, map[string]bool{}
	for _, b := range bindings {
		for _, m := range b.Members {
			if parseMember(m).owning == noOwner {
				continue
			}
			manager[m] = manager[m] || slices.Contains(manages, b.Role)
			user[m] = user[m] || slices.Contains(uses, b.Role)
		}
	}
	out := []string{}
	for m := range manager {
		if manager[m] && user[m] {
			out = append(out, m)
		}
	}
	return out
}

// sorted returns the list in order, each element once.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
