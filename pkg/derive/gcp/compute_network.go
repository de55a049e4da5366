package gcp

import (
	"path"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// networks: what DNS policies log of them, and what firewall rules forbid, the project's and those from above.
func networks(inv *derive.Inventory) {
	policies := derive.ByEach(derive.Of[schema.DNSPolicy](inv, schema.DNSPolicyType), "networks",
		func(p derive.Item[schema.DNSPolicy]) []string { return p.V.Networks })
	rules := derive.ByEach(derive.Of[schema.FirewallRule](inv, schema.FirewallRuleType), "networks",
		func(r derive.Item[schema.FirewallRule]) []string { return r.V.Networks })
	above := derive.ByEach(derive.Above[schema.FirewallRule](inv, schema.FirewallRuleType), "nodes",
		func(r derive.Item[schema.FirewallRule]) []string { return r.V.Nodes })
	ancestors := derive.UnreadFor[[]string]()
	if p, ok := ownProject(inv); ok {
		ancestors = derive.Read(p, "ancestors", p.V.Ancestors)
	}
	for _, n := range derive.Of[schema.Network](inv, schema.NetworkType).Items {
		derive.Set(n, "dns_logging", &n.V.DNSLogging, derive.Exists(policies.All(n.ID), func(p derive.Item[schema.DNSPolicy]) derive.Val[bool] {
			return derive.Read(p, "enable_logging", p.V.EnableLogging)
		}))
		denies := func(r derive.Item[schema.FirewallRule]) derive.Val[bool] { return deniesAllEgress(r, n.ID) }
		derive.Set(n, "has_egress_deny_all", &n.V.HasEgressDenyAll, derive.Or(
			derive.Exists(rules.All(n.ID).In(posture.Global), denies), // a regional policy works in its region alone
			derive.Then(ancestors, func(nodes []string) derive.Val[bool] {
				return anyOf(nodes, func(node string) derive.Val[bool] { return derive.Exists(above.All(node), denies) })
			})))
		names := derive.Gather(rules.All(n.ID), func(r derive.Item[schema.FirewallRule]) (derive.Val[string], derive.Val[bool]) {
			policy := derive.Read(r, "policy", r.V.Policy)
			return derive.Map(policy, path.Base), derive.Not(is(policy, ""))
		})
		names.Known = sorted(names.Known)
		derive.SetList(n, "firewall_policy_names", &n.V.FirewallPolicyNames, names)
	}
}
