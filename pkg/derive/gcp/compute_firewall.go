package gcp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/reachability"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// firewallRules: which ports a rule is about, and whether it opens them to the internet.
func firewallRules(inv *derive.Inventory) {
	for _, r := range derive.Of[schema.FirewallRule](inv, schema.FirewallRuleType).Items {
		layer4 := derive.Read(r, "layer4", r.V.Layer4)
		derive.Set(r, "open_tcp_ports", &r.V.OpenTCPPorts, portsOf(layer4, "tcp", "6"))
		derive.Set(r, "open_udp_ports", &r.V.OpenUDPPorts, portsOf(layer4, "udp", "17"))
		derive.Set(r, "internet_open", &r.V.InternetOpen, derive.And(
			is(derive.Read(r, "direction", r.V.Direction), "INGRESS"), is(derive.Read(r, "action", r.V.Action), "allow"),
			derive.Not(derive.Read(r, "disabled", r.V.Disabled)), fromInternet(r)))
	}
}

// fromInternet: the sources of a rule are every public address. Sources of several kinds add up; the type of network narrows
// them. A rule that names no source at all takes any. What an address group holds is not known.
func fromInternet(r derive.Item[schema.FirewallRule]) derive.Val[bool] {
	ranges := derive.Read(r, "source_ranges", r.V.SourceRanges)
	objects := derive.Read(r, "source_objects", r.V.SourceObjects)
	unlimited := derive.Map(derive.Read(r, "source_network_type", r.V.SourceNetworkType), func(t string) bool { return t == "" || t == "INTERNET" })
	anywhere := derive.And(none(ranges), none(objects), none(derive.Read(r, "source_tags", r.V.SourceTags)),
		none(derive.Read(r, "source_service_accounts", r.V.SourceServiceAccounts)))
	grouped := derive.Then(objects, func(names []string) derive.Val[bool] {
		if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "/addressGroups/") }) {
			return derive.UnreadFor[bool]()
		}
		return derive.Known(false)
	})
	return derive.And(unlimited, derive.Or(derive.Map(ranges, reachability.WholeInternet), anywhere, grouped))
}

// deniesAllEgress: a rule stops whatever leaves a network for any IPv4 address, by any protocol, from every instance.
func deniesAllEgress(r derive.Item[schema.FirewallRule], network string) derive.Val[bool] {
	destinations := derive.Read(r, "destination_ranges", r.V.DestinationRanges)
	return derive.And(
		is(derive.Read(r, "direction", r.V.Direction), "EGRESS"), is(derive.Read(r, "action", r.V.Action), "deny"),
		derive.Not(derive.Read(r, "disabled", r.V.Disabled)),
		derive.Map(derive.Read(r, "layer4", r.V.Layer4), func(list []schema.ProtocolPorts) bool {
			return slices.ContainsFunc(list, func(p schema.ProtocolPorts) bool { return p.Protocol == "all" })
		}),
		is(derive.Read(r, "destination_network_type", r.V.DestinationNetworkType), ""),
		derive.Or(derive.Map(destinations, wholeIPv4),
			derive.And(none(destinations), none(derive.Read(r, "destination_objects", r.V.DestinationObjects)))),
		derive.Map(derive.Read(r, "source_ranges", r.V.SourceRanges), func(ranges []string) bool { return len(ranges) == 0 || wholeIPv4(ranges) }),
		derive.Map(derive.Read(r, "targets", r.V.Targets), func(targets []string) bool {
			narrows := func(t string) bool { return !strings.Contains(t, "/global/networks/") }
			return len(targets) == 0 || slices.Contains(targets, network) && !slices.ContainsFunc(targets, narrows)
		}))
}

func wholeIPv4(ranges []string) bool { return reachability.Covers("0.0.0.0/0", ranges) }

// portsOf are the ports of one protocol, by its name or number, that a rule names. Ranges that touch are one.
func portsOf(layer4 derive.Val[[]schema.ProtocolPorts], name, number string) derive.Val[[]schema.PortRange] {
	return derive.Then(layer4, func(list []schema.ProtocolPorts) derive.Val[[]schema.PortRange] {
		var entries []reachability.Entry
		for _, l := range list {
			if l.Protocol != name && l.Protocol != number && l.Protocol != "all" {
				continue
			}
			ports := l.Ports
			if len(ports) == 0 {
				ports = []string{"0-65535"}
			}
			for _, text := range ports {
				first, end, isRange := strings.Cut(text, "-")
				if !isRange {
					end = first
				}
				from, badFrom := strconv.ParseUint(first, 10, 16)
				to, badTo := strconv.ParseUint(end, 10, 16)
				if badFrom != nil || badTo != nil {
					return derive.UnreadFor[[]schema.PortRange](posture.Cause{Reason: posture.ReasonParseError, Code: text})
				}
				entries = append(entries, reachability.Entry{Allow: true, CIDR: "0.0.0.0/0",
					Ports: reachability.Ports{Protocol: name, From: int64(from), To: int64(to)}})
			}
		}
		out := []schema.PortRange{}
		for _, p := range reachability.FromAnywhere(entries) {
			out = append(out, schema.PortRange{From: p.From, To: p.To})
		}
		return derive.Known(out)
	})
}

func is(v derive.Val[string], want string) derive.Val[bool] {
	return derive.Map(v, func(s string) bool { return s == want })
}

func none(v derive.Val[[]string]) derive.Val[bool] {
	return derive.Map(v, func(list []string) bool { return len(list) == 0 })
}
