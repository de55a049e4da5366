package gcp

import (
	"slices"

	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

// policyVersion asks for conditions: older versions leave them out.
const policyVersion = 3

// binding makes one binding; each API has its own struct for the same thing. Members are sorted, so that order is no drift.
func binding(role string, members []string, condition string) schema.Binding {
	members = append([]string{}, members...)
	slices.Sort(members)
	return schema.Binding{Role: role, Members: members, Condition: condition}
}

// policyOf is the policy of an organization, folder or project.
func policyOf(p *crm.Policy) schema.IAM {
	out := schema.IAM{Bindings: []schema.Binding{}, AuditConfigs: []schema.AuditConfig{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	for _, a := range p.AuditConfigs {
		config := schema.AuditConfig{Service: a.Service, LogTypes: []string{}, ExemptedMembers: []string{}}
		for _, l := range a.AuditLogConfigs {
			config.LogTypes = append(config.LogTypes, l.LogType)
			config.ExemptedMembers = append(config.ExemptedMembers, l.ExemptedMembers...)
		}
		slices.Sort(config.LogTypes)
		slices.Sort(config.ExemptedMembers)
		config.ExemptedMembers = slices.Compact(config.ExemptedMembers)
		out.AuditConfigs = append(out.AuditConfigs, config)
	}
	return out
}
