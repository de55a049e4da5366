package azure

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/reachability"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The lists that others' ids lead into, for what such an id does not find.
const (
	listGroups      = "armnetwork.SecurityGroupsClient.NewListAllPager"
	listNetworks    = "armnetwork.VirtualNetworksClient.NewListAllPager"
	listInterfaces  = "armnetwork.InterfacesClient.NewListAllPager"
	listAddresses   = "armnetwork.PublicIPAddressesClient.NewListAllPager"
	listRouteTables = "armnetwork.RouteTablesClient.NewListAllPager"
	listResources   = "armresources.Client.NewListPager"
	listWAFPolicies = "armnetwork.WebApplicationFirewallPoliciesClient.NewListAllPager"
	listMachines    = "armcompute.VirtualMachinesClient.NewListAllPager"
)

// securityGroups: what they let in from the internet, and whether they stand before a gateway.
func securityGroups(inv *derive.Inventory) {
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	for _, g := range derive.Of[schema.NetworkSecurityGroup](inv, schema.NetworkSecurityGroupType).Items {
		rules := derive.Read(g, "rules", g.V.Rules)
		open := func(protocol string) derive.Val[[]schema.PortRange] {
			return derive.Map(filters(rules, protocol), func(list []filter) []schema.PortRange {
				out := []schema.PortRange{}
				for _, p := range reachability.FromAnywhere(entries(list)) {
					out = append(out, schema.PortRange{From: p.From, To: p.To})
				}
				return out
			})
		}
		derive.Set(g, "open_tcp_ports", &g.V.OpenTCPPorts, open("Tcp"))
		derive.Set(g, "open_udp_ports", &g.V.OpenUDPPorts, open("Udp"))
		derive.Set(g, "opens_all_ports", &g.V.OpensAllPorts, derive.Map(filters(rules, "Tcp"), opensAllPorts))
		derive.Set(g, "fronts_gateway", &g.V.FrontsGateway, derive.Then(derive.Read(g, "attached_subnet_ids", g.V.AttachedSubnetIDs), func(ids []string) derive.Val[bool] {
			return anyOf(ids, func(id string) derive.Val[bool] {
				return derive.Named(subnets.All(id), listNetworks, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
					return derive.Or(derive.Read(s, "holds_application_gateway", s.V.HoldsApplicationGateway), derive.Read(s, "holds_api_management", s.V.HoldsAPIManagement))
				})
			})
		}))
	}
}

// filter is one inbound rule about one protocol, as entries for each family of addresses that it decides on.
type filter struct {
	allow   bool
	entries []reachability.Entry
}

// filters are the inbound rules about a protocol, in the order in which they are tried.
func filters(rules derive.Val[[]schema.SecurityRule], protocol string) derive.Val[[]filter] {
	return derive.Then(rules, func(rules []schema.SecurityRule) derive.Val[[]filter] {
		sorted := slices.Clone(rules)
		slices.SortStableFunc(sorted, func(a, b schema.SecurityRule) int { return a.Priority - b.Priority })
		var out []filter
		for _, r := range sorted {
			if r.Direction != "Inbound" || r.Protocol != "*" && !strings.EqualFold(r.Protocol, protocol) {
				continue
			}
			f := filter{allow: r.Access == "Allow"}
			for _, family := range families(r) {
				for _, text := range r.DestinationPorts {
					ports, ok := portsOf(text)
					if !ok {
						return derive.UnreadFor[[]filter](posture.Cause{Reason: posture.ReasonParseError, Code: text})
					}
					f.entries = append(f.entries, reachability.Entry{Number: int64(r.Priority), Allow: f.allow, CIDR: family,
						Ports: reachability.Ports{Protocol: protocol, From: ports.From, To: ports.To}})
				}
			}
			out = append(out, f)
		}
		return derive.Known(out)
	})
}

func entries(list []filter) []reachability.Entry {
	var out []reachability.Entry
	for _, f := range list {
		out = append(out, f.entries...)
	}
	return out
}

// families are the families of addresses, as the range of all of them, that a rule decides on for the internet: those of which
// it allows as good as any address, or denies every one, whatever port it comes from and wherever it goes.
func families(r schema.SecurityRule) []string {
	const ipv4, ipv6 = "0.0.0.0/0", "::/0"
	if r.Access != "Allow" && !(slices.ContainsFunc(r.Destinations, anyDestination) && slices.ContainsFunc(r.SourcePorts, anyPort)) {
		return nil
	}
	if slices.ContainsFunc(r.Sources, internet) {
		return []string{ipv4, ipv6}
	}
	byFamily := map[string][]string{}
	for _, source := range r.Sources {
		if p, err := netip.ParsePrefix(source); err == nil {
			family := ipv6
			if p.Addr().Is4() {
				family = ipv4
			}
			byFamily[family] = append(byFamily[family], source)
		}
	}
	var out []string
	for _, family := range []string{ipv4, ipv6} {
		sources := byFamily[family]
		if reachability.WholeInternet(sources) || r.Access == "Allow" && slices.ContainsFunc(sources, reachability.AnySource) {
			out = append(out, family)
		}
	}
	return out
}

func internet(source string) bool {
	return source == "*" || strings.EqualFold(source, "Internet") || strings.EqualFold(source, "Any")
}

// anyDestination: whatever a group filters stands in the virtual network.
func anyDestination(to string) bool {
	return to == "*" || to == "0.0.0.0/0" || strings.EqualFold(to, "Any") || strings.EqualFold(to, "VirtualNetwork")
}

func anyPort(ports string) bool { return ports == "*" || ports == "0-65535" }

// portsOf reads "22", "8000-8099" or "*".
func portsOf(text string) (schema.PortRange, bool) {
	if text == "*" {
		return schema.PortRange{From: 0, To: 65535}, true
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, badFrom := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	to, badTo := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	return schema.PortRange{From: int64(from), To: int64(to)}, badFrom == nil && badTo == nil
}

// opensAllPorts: one rule by itself allows every port, and something of it is left after the denials before it.
func opensAllPorts(list []filter) bool {
	var before []reachability.Entry
	for _, f := range list {
		if !f.allow {
			before = append(before, f.entries...)
			continue
		}
		alone := reachability.FromAnywhere(f.entries)
		if len(alone) == 1 && alone[0].From <= 1 && alone[0].To == 65535 && len(reachability.FromAnywhere(slices.Concat(before, f.entries))) > 0 {
			return true
		}
	}
	return false
}

// subnets: what stands in them, and where what leaves them goes.
func subnets(inv *derive.Inventory) {
	interfaces := derive.ByEach(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType), "subnet_ids",
		func(n derive.Item[schema.NetworkInterface]) []string { return n.V.SubnetIDs })
	tables := derive.ByID(derive.Of[schema.RouteTable](inv, schema.RouteTableType))
	for _, s := range derive.Of[schema.Subnet](inv, schema.SubnetType).Items {
		here, scaleSet := interfaces.All(s.ID), derive.Read(s, "holds_scale_set", s.V.HoldsScaleSet)
		derive.Set(s, "has_machines", &s.V.HasMachines, derive.Or(scaleSet, derive.Exists(here, func(n derive.Item[schema.NetworkInterface]) derive.Val[bool] {
			return derive.Not(is(derive.Read(n, "vm_id", n.V.VMID), ""))
		})))
		derive.Set(s, "private_endpoints_only", &s.V.PrivateEndpointsOnly, derive.And(
			derive.Read(s, "holds_private_endpoints", s.V.HoldsPrivateEndpoints),
			derive.Not(derive.Read(s, "holds_other_things", s.V.HoldsOtherThings)), derive.Not(scaleSet),
			derive.Every(here, func(n derive.Item[schema.NetworkInterface]) derive.Val[bool] {
				return derive.Not(is(derive.Read(n, "private_endpoint_id", n.V.PrivateEndpointID), ""))
			})))
		derive.Set(s, "has_default_route_to_appliance", &s.V.HasDefaultRouteToAppliance, derive.Then(derive.Read(s, "route_table_id", s.V.RouteTableID), func(id string) derive.Val[bool] {
			if id == "" {
				return derive.Known(false)
			}
			return derive.Named(tables.All(id), listRouteTables, func(t derive.Item[schema.RouteTable]) derive.Val[bool] {
				return derive.Map(derive.Read(t, "routes", t.V.Routes), guidesAll)
			})
		}))
	}
}

// guidesAll: routes take every IPv4 address away from the direct way out.
func guidesAll(routes []schema.Route) bool {
	var guided []string
	for _, r := range routes {
		if slices.Contains([]string{"VirtualAppliance", "VirtualNetworkGateway", "None"}, r.NextHopType) {
			guided = append(guided, r.Destination)
		}
	}
	return reachability.Covers("0.0.0.0/0", guided)
}

// networkFlowLogs: how the traffic of networks is logged.
func networkFlowLogs(inv *derive.Inventory) {
	logs := derive.ByRead(derive.Of[schema.FlowLog](inv, schema.FlowLogType), "target_resource_id",
		func(l derive.Item[schema.FlowLog]) string { return l.V.TargetResourceID })
	subnets := subnetsByNetwork(inv)
	logged := func(l schema.NetworkFlowLog) bool { return l.Enabled }
	ofSubnet := func(s derive.Item[schema.Subnet]) derive.Val[schema.NetworkFlowLog] {
		return derive.Then(flowLogOf(logs.All(s.ID)), func(own schema.NetworkFlowLog) derive.Val[schema.NetworkFlowLog] {
			if own.Enabled {
				return derive.Known(own)
			}
			return derive.Then(derive.Read(s, "nsg_id", s.V.NSGID), func(id string) derive.Val[schema.NetworkFlowLog] {
				if id == "" {
					return derive.Known(own)
				}
				return flowLogOf(logs.All(id))
			})
		})
	}
	for _, v := range derive.Of[schema.VirtualNetwork](inv, schema.VirtualNetworkType).Items {
		own, parts := flowLogOf(logs.All(v.ID)), subnets.All(v.ID)
		derive.Set(v, "flow_log.enabled", &v.V.FlowLog.Enabled, derive.Or(derive.Map(own, logged),
			derive.And(derive.Exists(parts, whichever), derive.Every(parts, func(s derive.Item[schema.Subnet]) derive.Val[bool] { return derive.Map(ofSubnet(s), logged) }))))
		all := derive.Collect(parts, func(s derive.Item[schema.Subnet]) (derive.Val[schema.NetworkFlowLog], derive.Val[bool]) {
			return ofSubnet(s), derive.Known(true)
		})
		whole := derive.Then(own, func(own schema.NetworkFlowLog) derive.Val[schema.NetworkFlowLog] {
			if own.Enabled {
				return derive.Known(own)
			}
			return derive.Map(all, together)
		})
		derive.Set(v, "flow_log.workspace_id", &v.V.FlowLog.WorkspaceID, derive.Map(whole, func(l schema.NetworkFlowLog) string { return l.WorkspaceID }))
		derive.Set(v, "flow_log.retention_days", &v.V.FlowLog.RetentionDays, derive.Map(whole, func(l schema.NetworkFlowLog) int { return l.RetentionDays }))
		derive.Set(v, "flow_log.storage_id", &v.V.FlowLog.StorageID, derive.Map(whole, func(l schema.NetworkFlowLog) string { return l.StorageID }))
	}
}

func subnetsByNetwork(inv *derive.Inventory) derive.Index[schema.Subnet] {
	return derive.ByRead(derive.Of[schema.Subnet](inv, schema.SubnetType), "virtual_network_id", func(s derive.Item[schema.Subnet]) string { return s.V.VirtualNetworkID })
}

// flowLogOf is the flow log of one thing, of those that are on; a thing can have only one.
func flowLogOf(list derive.List[schema.FlowLog]) derive.Val[schema.NetworkFlowLog] {
	found := derive.Gather(list, func(l derive.Item[schema.FlowLog]) (derive.Val[schema.NetworkFlowLog], derive.Val[bool]) {
		workspace := derive.Map2(derive.Read(l, "traffic_analytics_enabled", l.V.TrafficAnalyticsEnabled), derive.Read(l, "workspace_id", l.V.WorkspaceID), func(on bool, id string) string {
			if !on {
				return ""
			}
			return id
		})
		kept := derive.Map2(derive.Read(l, "retention_days", l.V.RetentionDays), derive.Read(l, "storage_id", l.V.StorageID), func(days int, id string) schema.NetworkFlowLog {
			return schema.NetworkFlowLog{Enabled: true, RetentionDays: days, StorageID: id}
		})
		return derive.Map2(kept, workspace, func(log schema.NetworkFlowLog, workspace string) schema.NetworkFlowLog {
			log.WorkspaceID = workspace
			return log
		}), derive.Read(l, "enabled", l.V.Enabled)
	})
	if len(found.Known) > 0 {
		return derive.Known(found.Known[0])
	}
	return derive.Map(found.Whole(), func([]schema.NetworkFlowLog) schema.NetworkFlowLog { return schema.NetworkFlowLog{} })
}

// together is what the flow logs of all parts of a network come to: none, once one part has none.
func together(parts []schema.NetworkFlowLog) schema.NetworkFlowLog {
	if len(parts) == 0 || slices.ContainsFunc(parts, func(l schema.NetworkFlowLog) bool { return !l.Enabled }) {
		return schema.NetworkFlowLog{}
	}
	out := parts[0]
	for _, l := range parts[1:] {
		if l.WorkspaceID == "" {
			out.WorkspaceID = ""
		}
		if l.RetentionDays > 0 && (out.RetentionDays == 0 || l.RetentionDays < out.RetentionDays) {
			out.RetentionDays = l.RetentionDays
		}
	}
	return out
}

// virtualNetworks: what stands in them, who else is connected, and who answers for names.
func virtualNetworks(inv *derive.Inventory) {
	subnets := subnetsByNetwork(inv)
	bastions := derive.ByRead(derive.Of[schema.BastionHost](inv, schema.BastionHostType), "virtual_network_id",
		func(b derive.Item[schema.BastionHost]) string { return b.V.VirtualNetworkID })
	proxies := derive.ByRead(derive.Of[schema.Firewall](inv, schema.FirewallType), "private_ip", func(f derive.Item[schema.Firewall]) string { return f.V.PrivateIP })
	ours := func(id string) bool { return strings.HasPrefix(id, "/subscriptions/"+inv.Account.ID+"/") }
	members := derive.ByID(derive.Above[schema.Member](inv, schema.MemberType))
	logging := derive.ByID(derive.Of[schema.ResourceDiagnostics](inv, schema.ResourceDiagnosticsType))
	for _, v := range derive.Of[schema.VirtualNetwork](inv, schema.VirtualNetworkType).Items {
		derive.Set(v, "has_machines", &v.V.HasMachines, derive.Exists(subnets.All(v.ID), func(s derive.Item[schema.Subnet]) derive.Val[bool] {
			return derive.Read(s, "has_machines", s.V.HasMachines)
		}))
		derive.Set(v, "dns_policy_log_categories", &v.V.DNSPolicyLogs, derive.Then(derive.Read(v, "dns_policy_id", v.V.DNSPolicyID), func(id string) derive.Val[[]string] {
			if id == "" {
				return derive.Known([]string{})
			}
			return derive.Named(logging.All(id), listResources, func(d derive.Item[schema.ResourceDiagnostics]) derive.Val[[]string] {
				return derive.Read(d, "log_categories", d.V.LogCategories)
			})
		}))
		peerings := derive.Read(v, "peerings", v.V.Peerings)
		derive.Set(v, "bastion_reachable", &v.V.BastionReachable, derive.Or(derive.Exists(bastions.All(v.ID), whichever),
			derive.Then(peerings, func(list []schema.Peering) derive.Val[bool] {
				return anyOf(connected(list), func(remote string) derive.Val[bool] {
					if !ours(remote) {
						return derive.UnreadFor[bool]()
					}
					return derive.Exists(bastions.All(remote), whichever)
				})
			})))
		derive.Set(v, "peerings_cross_tenant", &v.V.PeeringsCrossTenant, derive.Then(peerings, func(list []schema.Peering) derive.Val[int] {
			outside := derive.Known(0)
			for _, p := range list {
				if subscription, _, _ := strings.Cut(p.RemoteNetworkID, "/resourcegroups/"); !ours(p.RemoteNetworkID) {
					outside = derive.Map2(outside, derive.Exists(members.All(subscription), whichever), func(n int, known bool) int {
						if known {
							return n
						}
						return n + 1
					})
				}
			}
			return outside
		}))
		elsewhere := derive.Then(peerings, func(list []schema.Peering) derive.Val[bool] { // a firewall beyond a peering may be the server
			if slices.ContainsFunc(connected(list), func(remote string) bool { return !ours(remote) }) {
				return derive.UnreadFor[bool]()
			}
			return derive.Known(false)
		})
		derive.Set(v, "dns_through_firewall", &v.V.DNSThroughFirewall, derive.Then(derive.Read(v, "dns_servers", v.V.DNSServers), func(servers []string) derive.Val[bool] {
			every := []derive.Val[bool]{derive.Known(len(servers) > 0)}
			for _, ip := range servers {
				every = append(every, derive.Or(elsewhere, derive.Exists(proxies.All(ip), func(f derive.Item[schema.Firewall]) derive.Val[bool] {
					return derive.Read(f, "dns_proxy", f.V.DNSProxy)
				})))
			}
			return derive.And(every...)
		}))
	}
}

// connected are the networks at the other ends of peerings that are up.
func connected(peerings []schema.Peering) []string {
	var out []string
	for _, p := range peerings {
		if p.State == "Connected" {
			out = append(out, p.RemoteNetworkID)
		}
	}
	return out
}

// publicAddresses: which public addresses lead into each network, and which of them have no protection of their own.
func publicAddresses(inv *derive.Inventory) {
	addresses := derive.Of[schema.PublicIP](inv, schema.PublicIPType)
	find := networkFinder(inv)
	byNetwork := map[string][]derive.Item[schema.PublicIP]{}
	missing := addresses.Gaps
	for _, a := range addresses.Items {
		networks := derive.Then(derive.Read(a, "associated_resource_id", a.V.AssociatedResourceID), find)
		ids, _ := networks.Get()
		for _, id := range ids {
			byNetwork[id] = append(byNetwork[id], a)
		}
		missing = slices.Concat(missing, networks.Causes())
	}
	for _, v := range derive.Of[schema.VirtualNetwork](inv, schema.VirtualNetworkType).Items {
		all := derive.Elements[string]{Known: []string{}, Missing: missing}
		bare := all
		for _, a := range byNetwork[v.ID] {
			all.Known = append(all.Known, a.ID)
			mode := derive.Read(a, "ddos_protection_mode", a.V.DDoSProtectionMode)
			if m, known := mode.Get(); known && m != "Enabled" {
				bare.Known = append(bare.Known, a.ID)
			}
			bare.Missing = slices.Concat(bare.Missing, mode.Causes())
		}
		derive.SetList(v, "public_ip_ids", &v.V.PublicIPIDs, all)
		derive.SetList(v, "public_ips_without_ddos_protection", &v.V.PublicIPsWithoutGuard, bare)
	}
}

// networkFinder finds the networks in which the holder of a public address stands, or to whose machines it leads. Holders that
// stand in no network of the customer's have none.
func networkFinder(inv *derive.Inventory) func(holder string) derive.Val[[]string] {
	list := derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType)
	interfaces, balanced := derive.ByID(list), derive.ByEach(list, "load_balancer_ids", func(n derive.Item[schema.NetworkInterface]) []string { return n.V.LoadBalancerIDs })
	scaleSets := derive.ByEach(derive.Of[schema.ScaleSet](inv, schema.ScaleSetType), "interfaces", func(s derive.Item[schema.ScaleSet]) (ids []string) {
		for _, n := range s.V.Interfaces {
			ids = append(ids, n.LoadBalancerIDs...)
		}
		return ids
	})
	gateways := derive.ByID(derive.Of[schema.ApplicationGateway](inv, schema.ApplicationGatewayType))
	bastions := derive.ByID(derive.Of[schema.BastionHost](inv, schema.BastionHostType))
	vpns := derive.ByID(derive.Of[schema.VPNGateway](inv, schema.VPNGatewayType))
	firewalls := derive.ByID(derive.Of[schema.Firewall](inv, schema.FirewallType))

	ofInterface := func(n derive.Item[schema.NetworkInterface]) derive.Val[[]string] {
		return derive.Map(derive.Read(n, "subnet_ids", n.V.SubnetIDs), networksOf)
	}
	one := func(id string) []string { return []string{id} }
	return func(holder string) derive.Val[[]string] {
		switch {
		case strings.Contains(holder, "/networkinterfaces/"):
			return derive.Named(interfaces.All(holder), listInterfaces, ofInterface)
		case strings.Contains(holder, "/applicationgateways/"):
			return derive.Named(gateways.All(holder), "armnetwork.ApplicationGatewaysClient.NewListAllPager", func(g derive.Item[schema.ApplicationGateway]) derive.Val[[]string] {
				return derive.Map(derive.Read(g, "subnet_ids", g.V.SubnetIDs), networksOf)
			})
		case strings.Contains(holder, "/bastionhosts/"):
			return derive.Named(bastions.All(holder), "armnetwork.BastionHostsClient.NewListPager", func(b derive.Item[schema.BastionHost]) derive.Val[[]string] {
				return derive.Map(derive.Read(b, "virtual_network_id", b.V.VirtualNetworkID), one)
			})
		case strings.Contains(holder, "/virtualnetworkgateways/"):
			return derive.Named(vpns.All(holder), "armnetwork.VirtualNetworkGatewaysClient.NewListPager", func(g derive.Item[schema.VPNGateway]) derive.Val[[]string] {
				return derive.Map(derive.Read(g, "virtual_network_id", g.V.VirtualNetworkID), one)
			})
		case strings.Contains(holder, "/azurefirewalls/"):
			return derive.Named(firewalls.All(holder), "armnetwork.AzureFirewallsClient.NewListAllPager", func(f derive.Item[schema.Firewall]) derive.Val[[]string] {
				return derive.Map(derive.Read(f, "virtual_network_id", f.V.VirtualNetworkID), one)
			})
		case strings.Contains(holder, "/loadbalancers/"):
			single := derive.Collect(balanced.All(holder), func(n derive.Item[schema.NetworkInterface]) (derive.Val[[]string], derive.Val[bool]) {
				return ofInterface(n), derive.Known(true)
			})
			scaled := derive.Collect(scaleSets.All(holder), func(s derive.Item[schema.ScaleSet]) (derive.Val[[]string], derive.Val[bool]) {
				return derive.Map(derive.Read(s, "interfaces", s.V.Interfaces), func(list []schema.ScaleSetInterface) []string {
					var subnets []string
					for _, n := range list {
						subnets = append(subnets, n.SubnetIDs...)
					}
					return networksOf(subnets)
				}), derive.Known(true)
			})
			return derive.Map2(single, scaled, func(a, b [][]string) []string {
				return ordered(slices.Concat(slices.Concat(a...), slices.Concat(b...)))
			})
		}
		return derive.Known[[]string](nil)
	}
}

// networksOf are the virtual networks that subnets belong to.
func networksOf(subnets []string) []string {
	var out []string
	for _, id := range subnets {
		network, _, _ := strings.Cut(id, "/subnets/")
		out = append(out, network)
	}
	return ordered(out)
}

// ordered is a list sorted, each element once.
func ordered(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// interfaceMachines: what the machine of an interface is tagged with.
func interfaceMachines(inv *derive.Inventory) {
	machines := derive.ByID(derive.Of[schema.VirtualMachine](inv, schema.VirtualMachineType))
	for _, n := range derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType).Items {
		derive.Set(n, "vm_tags", &n.V.VMTags, derive.Then(derive.Read(n, "vm_id", n.V.VMID), func(id string) derive.Val[map[string]string] {
			if id == "" {
				return derive.Known(map[string]string{})
			}
			return derive.Named(machines.All(id), listMachines, func(m derive.Item[schema.VirtualMachine]) derive.Val[map[string]string] {
				return derive.Known(m.V.Tags)
			})
		}))
	}
}

// gatewayFirewalls: what the firewall policy of an application gateway says; nothing, where it has none.
func gatewayFirewalls(inv *derive.Inventory) {
	policies := derive.ByID(derive.Of[schema.WAFPolicy](inv, schema.WAFPolicyType))
	for _, g := range derive.Of[schema.ApplicationGateway](inv, schema.ApplicationGatewayType).Items {
		policy := derive.Then(derive.Read(g, "waf_policy_id", g.V.WAFPolicyID), func(id string) derive.Val[derive.Item[schema.WAFPolicy]] {
			if id == "" {
				return derive.Known(derive.Item[schema.WAFPolicy]{Resource: &posture.Resource{}, V: &schema.WAFPolicy{}})
			}
			return derive.Named(policies.All(id), listWAFPolicies, derive.Known[derive.Item[schema.WAFPolicy]])
		})
		type item = derive.Item[schema.WAFPolicy]
		derive.Set(g, "waf_policy_enabled", &g.V.WAFPolicyEnabled, derive.Then(policy, func(p item) derive.Val[bool] { return derive.Read(p, "enabled", p.V.Enabled) }))
		derive.Set(g, "waf_policy_mode", &g.V.WAFPolicyMode, derive.Then(policy, func(p item) derive.Val[string] { return derive.Read(p, "mode", p.V.Mode) }))
		derive.Set(g, "request_body_check", &g.V.RequestBodyCheck, derive.Then(policy, func(p item) derive.Val[bool] {
			return derive.Read(p, "request_body_check", p.V.RequestBodyCheck)
		}))
		derive.Set(g, "bot_rules_enabled", &g.V.BotRulesEnabled, derive.Then(policy, func(p item) derive.Val[bool] {
			return derive.Read(p, "bot_rules_enabled", p.V.BotRulesEnabled)
		}))
	}
}

func anyOf(ids []string, fits func(id string) derive.Val[bool]) derive.Val[bool] {
	var each []derive.Val[bool]
	for _, id := range ids {
		each = append(each, fits(id))
	}
	return derive.Or(each...)
}

// whichever fits every resource: for lists that hold nothing else.
func whichever[T any](derive.Item[T]) derive.Val[bool] { return derive.Known(true) }

func is(v derive.Val[string], want string) derive.Val[bool] {
	return derive.Map(v, func(s string) bool { return s == want })
}
