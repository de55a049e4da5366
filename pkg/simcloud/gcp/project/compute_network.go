package project

import (
	"path"
	"slices"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Networks, their subnetworks, and the rule on each that is about egress.
var networkService = service{
	api: "compute.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.network", Sort: inProject, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "default", Share: 0.5}, {Name: "legacy", Share: 0.35}, {Name: "empty", Share: 0.2},
				{Name: "lookups-unlogged", Share: 0.3, Drift: 0.1}, {Name: "open-egress", Share: 0.4, Drift: 0.1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.compute.network", networkPath(it)), map[string]posture.Result{
					"gcp-network-not-default":         failIf(networkName(it) == "default"),
					"gcp-network-not-legacy":          failIf(legacy(it)),
					"gcp-network-dns-logging-enabled": unless(legacy(it), failIf(it.Has("lookups-unlogged"))),
					"gcp-network-egress-denied-by-default": unless(len(subnetworksOf(s, it)) == 0,
						failIf(it.Has("open-egress") && !slices.ContainsFunc(s.Account.Above, quarantined))),
				}
			},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				for _, it := range s.Items("gcp.network") {
					expectClosed(out, keyOf("gcp.compute.firewall_rule", computePath(it, "firewalls", egressRuleName(it))))
				}
				return out
			},
		},
		{
			Name: "gcp.subnetwork", Sort: inProject, Count: 3,
			Defects: []world.Defect{{Name: "flows-unlogged", Share: 0.3, Drift: 0.1}, {Name: "proxy-only", Share: 0.2}, {Name: "old-form", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return in(it.Region, "gcp.compute.subnetwork", computePath(it, "subnetworks", it.Name())), map[string]posture.Result{
					"gcp-subnet-flow-logs-enabled": unless(it.Has("proxy-only"), failIf(it.Has("flows-unlogged"))),
				}
			},
		},
	},
	handle: handleNetworks,
}

// computeURL is what the service puts before the path of whatever it names.
const computeURL = "https://www.googleapis.com/compute/v1/"

// computePath is the path of a thing in the place of it: "projects/acme/regions/europe-west1/subnetworks/orders-00".
func computePath(it *world.Item, collection, name string) string {
	return path.Join("projects", it.Account.ID, scopeOf(it.Region), collection, name)
}

// scopeOf is the name of a place in aggregated lists.
func scopeOf(place string) string {
	if place == posture.Global {
		return place
	}
	return "regions/" + place
}

// aggregatedList is the answer of an aggregated list. The SDK has one struct for each; they differ in a name.
type aggregatedList struct {
	Kind  string                    `json:"kind"`
	ID    string                    `json:"id"`
	Items map[string]map[string]any `json:"items"`
}

// listAggregated registers an aggregated list of what lies in the account's regions and in none. A place without anything has a
// warning that says so.
func listAggregated[T any](s *gcp.Server, w *states, id, kind, member string, things func(*world.State) map[string][]T) {
	gcp.List(s, id, "items", func(c gcp.Call) (*aggregatedList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &aggregatedList{Kind: kind, ID: c.Path[1:], Items: map[string]map[string]any{}}
		found := things(state)
		for _, place := range append([]string{posture.Global}, state.Account.Regions...) {
			scope := scopeOf(place)
			if here := found[place]; len(here) > 0 {
				out.Items[scope] = map[string]any{member: here}
				continue
			}
			out.Items[scope] = map[string]any{"warning": map[string]any{"code": "NO_RESULTS_ON_PAGE",
				"message": "There are no results for scope '" + scope + "' on this page.", "data": []any{map[string]any{"key": "scope", "value": scope}}}}
		}
		return out, nil
	})
}

// networkName: the first may be the one that every new project gets.
func networkName(it *world.Item) string {
	if it.Index == 0 && it.Has("default") {
		return "default"
	}
	return it.Name()
}

func networkPath(it *world.Item) string { return computePath(it, "networks", networkName(it)) }

// legacy networks have no subnetworks; the first network always may have some.
func legacy(it *world.Item) bool { return it.Index > 0 && it.Has("legacy") }

// networkOf is the network that a thing with that index lies in.
func networkOf(s *world.State, index int) *world.Item {
	if n := s.Find("gcp.network", posture.Global, index); n != nil && !legacy(n) && !n.Has("empty") {
		return n
	}
	return s.Find("gcp.network", posture.Global, 0)
}

func subnetworksOf(s *world.State, network *world.Item) []*world.Item {
	var out []*world.Item
	for _, it := range s.Items("gcp.subnetwork") {
		if networkOf(s, it.Index) == network {
			out = append(out, it)
		}
	}
	return out
}

func egressRuleName(network *world.Item) string { return "egress-" + networkName(network) }

// egressRule denies all that leaves a network, or, with the defect, so little that it does not count.
func egressRule(s *world.State, it *world.Item) *compute.Firewall {
	f := &compute.Firewall{
		Kind: "compute#firewall", Id: numberOf(it), Name: egressRuleName(it), Network: computeURL + networkPath(it), Direction: "EGRESS", Priority: 65000,
		CreationTimestamp: stamp(s.Long(it, 100)), SelfLink: computeURL + computePath(it, "firewalls", egressRuleName(it)),
		Denied: []*compute.FirewallDenied{{IPProtocol: "all"}}, DestinationRanges: []string{"0.0.0.0/0"},
		LogConfig: &compute.FirewallLogConfig{Enable: true, Metadata: "INCLUDE_ALL_METADATA"},
	}
	if it.Pick(2, "halves") == 0 {
		f.DestinationRanges = []string{"0.0.0.0/1", "128.0.0.0/1"}
	}
	if it.Has("open-egress") {
		switch it.Pick(5, "egress") {
		case 0:
			f.Disabled = true
		case 1:
			f.TargetTags = []string{"locked"}
		case 2:
			f.Denied[0] = &compute.FirewallDenied{IPProtocol: "tcp", Ports: []string{"25"}}
		case 3:
			f.DestinationRanges = []string{"0.0.0.0/1"}
		case 4:
			f.Denied, f.Allowed = nil, []*compute.FirewallAllowed{{IPProtocol: "all"}}
		}
	}
	return f
}

func handleNetworks(s *gcp.Server, w *states) {
	gcp.List(s, "compute.networks.list", "items", func(c gcp.Call) (*compute.NetworkList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.NetworkList{Kind: "compute#networkList"}
		for _, it := range state.Items("gcp.network") {
			out.Items = append(out.Items, newNetwork(state, it))
		}
		return out, nil
	})
	listAggregated(s, w, "compute.subnetworks.aggregatedList", "compute#subnetworkAggregatedList", "subnetworks",
		func(state *world.State) map[string][]*compute.Subnetwork {
			out := map[string][]*compute.Subnetwork{}
			for _, it := range state.Items("gcp.subnetwork") {
				out[it.Region] = append(out[it.Region], newSubnetwork(state, it))
			}
			return out
		})
}

func newNetwork(state *world.State, it *world.Item) *compute.Network {
	n := &compute.Network{
		Kind: "compute#network", Id: numberOf(it), Name: networkName(it), CreationTimestamp: stamp(state.Long(it, 300)),
		SelfLink: computeURL + networkPath(it), RoutingConfig: &compute.NetworkRoutingConfig{RoutingMode: "REGIONAL"}, Mtu: 1460,
		AutoCreateSubnetworks: networkName(it) == "default", NetworkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
	}
	if legacy(it) {
		n.IPv4Range, n.GatewayIPv4 = "10.240.0.0/16", "10.240.0.1"
	}
	for _, sub := range subnetworksOf(state, it) {
		n.Subnetworks = append(n.Subnetworks, computeURL+computePath(sub, "subnetworks", sub.Name()))
	}
	if it.Pick(2, "peering") == 0 {
		n.Peerings = []*compute.NetworkPeering{{Name: "to-shared", Network: computeURL + "projects/acme-network/global/networks/shared", State: "ACTIVE",
			ExchangeSubnetRoutes: true, AutoCreateRoutes: true}}
	}
	return n
}

func newSubnetwork(state *world.State, it *world.Item) *compute.Subnetwork {
	s := &compute.Subnetwork{
		Kind: "compute#subnetwork", Id: numberOf(it), Name: it.Name(), CreationTimestamp: stamp(state.Long(it, 200)),
		SelfLink: computeURL + computePath(it, "subnetworks", it.Name()), Region: computeURL + path.Join("projects", it.Account.ID, "regions", it.Region),
		Network: computeURL + networkPath(networkOf(state, it.Index)), IpCidrRange: "10.132.0.0/20", GatewayAddress: "10.132.0.1", StackType: "IPV4_ONLY",
		Purpose: "PRIVATE", PrivateIpGoogleAccess: it.Pick(2, "private access") == 0,
	}
	switch {
	case it.Has("proxy-only"):
		s.Purpose, s.Role = "REGIONAL_MANAGED_PROXY", "ACTIVE"
	case it.Has("flows-unlogged"):
		s.LogConfig = &compute.SubnetworkLogConfig{}
	case it.Has("old-form"):
		s.EnableFlowLogs = true
	default:
		s.EnableFlowLogs = true
		s.LogConfig = &compute.SubnetworkLogConfig{Enable: true, FlowSampling: 0.5, AggregationInterval: "INTERVAL_5_SEC", Metadata: "INCLUDE_ALL_METADATA"}
	}
	return s
}
