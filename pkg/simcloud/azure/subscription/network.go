package subscription

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A network has a subnet for machines, one for private endpoints and one for a VPN gateway. The first one also has subnets for
// application gateways, a firewall and Bastion, and a scale set behind a load balancer; the second is peered with the first, and
// the third, in another region, with a network of another tenant.
var networkService = service{
	providers: []string{"Microsoft.Network"},
	kinds: []world.Kind{
		{
			Name: "azure.network", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "no-flow-log", Share: 0.15, Drift: 0.15}, {Name: "flow-log-off", Share: 0.1}, {Name: "no-analytics", Share: 0.2},
				{Name: "logged-by-subnet", Share: 0.3}, {Name: "short-retention", Share: 0.3}, {Name: "kept-for-ever", Share: 0.2}, {Name: "no-ddos-plan", Share: 0.5},
				{Name: "ddos-by-address", Share: 0.3}, {Name: "direct-egress", Share: 0.4}, {Name: "bare-subnet", Share: 0.3, Drift: 0.1}, {Name: "wide-subnet", Share: 0.3},
				{Name: "gateway-filtered", Share: 0.3}, {Name: "endpoints-and-more", Share: 0.3}, {Name: "dns-policy", Share: 0.5}, {Name: "dns-firewall", Share: 0.5},
				{Name: "no-bastion", Share: 0.3}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.network.virtual_network", networkID(it)), map[string]posture.Result{
					"azure-network-vnet-flow-logs-enabled": failIf(it.Has("no-flow-log") || it.Has("flow-log-off") || it.Has("no-analytics")),
					"azure-network-vnet-ddos-protection":   unless(len(addressesIn(s, it)) == 0, failIf(it.Has("no-ddos-plan") && !it.Has("ddos-by-address"))),
					"azure-network-vnet-dns-query-logging": dnsLogged(s, it),
				}
			},
			ExpectMore: expectNetworkParts,
		},
		{
			Name: "azure.nsg", Sort: inSubscription, Global: true, Count: 6,
			Defects: []world.Defect{{Name: "open-ssh", Share: 0.3, Drift: 0.1}, {Name: "open-rdp", Share: 0.2}, {Name: "open-rdp-udp", Share: 0.15}, {Name: "open-winrm", Share: 0.15},
				{Name: "open-web", Share: 0.3}, {Name: "open-udp", Share: 0.2}, {Name: "open-data", Share: 0.2}, {Name: "open-all", Share: 0.15, Drift: 0.1},
				{Name: "denied-first", Share: 0.25}, {Name: "ssh-denied-first", Share: 0.4}, {Name: "denied-too-late", Share: 0.3}, {Name: "denied-in-part", Share: 0.3},
				{Name: "admins", Share: 0.5}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.network.security_group", nsgID(it)), groupVerdicts(letsIn(it), it.Index == 0)
			},
		},
		{
			Name: "azure.watcher", Sort: inSubscription, Global: true, Count: 2, Fixed: true, Defects: []world.Defect{{Name: "failed", Drift: 0.3}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				failed := false
				for _, v := range s.Items("azure.network") {
					failed = failed || s.Find("azure.watcher", posture.Global, regionIndex(v)).Has("failed")
				}
				return map[world.Judged]posture.Result{{Rule: "azure-network-watcher-enabled", Resource: subscriptionKey(s)}: failIf(failed)}
			},
		},
	},
	handle: handleNetwork,
}

// regionIndex is the region that a network lies in: 0 for home.
func regionIndex(v *world.Item) int { return v.Index / 2 % 2 }

func region(it *world.Item, index int) string {
	return []string{it.Account.Home(), "northeurope"}[index]
}

func networkID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/virtualNetworks", "vnet-"+v.Name())
}

func nsgID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/networkSecurityGroups", "nsg-"+it.Name())
}

// subnetGroupID is the security group of a network's subnet for machines.
func subnetGroupID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/networkSecurityGroups", "nsg-app-"+v.Name())
}

// networkOf is the network that a machine stands in.
func networkOf(s *world.State, it *world.Item) *world.Item {
	if v := s.Find("azure.network", posture.Global, it.Index%3); v != nil {
		return v
	}
	return s.Find("azure.network", posture.Global, 0)
}

func hasMachines(s *world.State, v *world.Item) bool {
	for _, vm := range s.Items("azure.vm") {
		if networkOf(s, vm).Index == v.Index {
			return true
		}
	}
	return v.Index == 0 // the scale set's
}

// letsIn is what a security group lets in from the internet: "all", or "ssh", "rdp", …
func letsIn(it *world.Item) map[string]bool {
	out := map[string]bool{}
	for _, name := range []string{"ssh", "rdp", "rdp-udp", "winrm", "web", "udp", "data", "all"} {
		out[name] = it.Has("open-"+name) && !it.Has("denied-first") && !(name == "ssh" && it.Has("ssh-denied-first"))
	}
	out["ssh"] = out["ssh"] || out["all"] && !it.Has("ssh-denied-first")
	for _, name := range []string{"rdp", "winrm", "web", "udp", "data"} {
		out[name] = out[name] || out["all"]
	}
	return out
}

func groupVerdicts(open map[string]bool, frontsGateway bool) map[string]posture.Result {
	return map[string]posture.Result{
		"azure-network-security-group-ssh-restricted":        failIf(open["ssh"]),
		"azure-network-security-group-rdp-restricted":        failIf(open["rdp"] || open["rdp-udp"]),
		"azure-network-security-group-http-restricted":       failIf(open["web"] && !frontsGateway),
		"azure-network-security-group-udp-restricted":        failIf(open["udp"] || open["rdp-udp"]),
		"azure-network-security-group-data-ports-restricted": failIf(open["data"]),
		"azure-network-security-group-all-ports-restricted":  failIf(open["all"]),
	}
}

// wideOpenings are those of a group that lets every TCP port in.
func wideOpenings(wide bool) map[string]bool {
	out := map[string]bool{}
	for _, name := range []string{"ssh", "rdp", "winrm", "web", "data", "all"} {
		out[name] = wide
	}
	return out
}

// expectNetworkParts is about what belongs to networks: subnets, their groups, flow logs, Bastion and private endpoints.
func expectNetworkParts(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	bastion := false
	for _, v := range s.Items("azure.network") {
		bastion = bastion || hasBastion(v)
		for _, name := range subnetNames(v) {
			grouped, gateway, egress := posture.DoesNotApply, posture.DoesNotApply, posture.DoesNotApply
			switch name {
			case "app":
				grouped, egress = failIf(v.Has("bare-subnet")), unless(!hasMachines(s, v), failIf(v.Has("direct-egress")))
			case "endpoints":
				grouped = unless(!v.Has("endpoints-and-more"), posture.Fail)
			case "gateways":
				grouped = posture.Pass
			case "GatewaySubnet":
				gateway = failIf(v.Has("gateway-filtered"))
			}
			key := keyOf("azure.network.subnet", networkID(v)+"/subnets/"+name)
			out[world.Judged{Rule: "azure-network-subnet-security-group-associated", Resource: key}] = grouped
			out[world.Judged{Rule: "azure-network-gateway-subnet-no-security-group", Resource: key}] = gateway
			out[world.Judged{Rule: "azure-network-subnet-egress-controlled", Resource: key}] = egress
		}
		for rule, result := range groupVerdicts(wideOpenings(v.Has("wide-subnet")), false) {
			out[world.Judged{Rule: rule, Resource: keyOf("azure.network.security_group", subnetGroupID(v))}] = result
		}
		for _, f := range flowLogsOf(s, v) {
			out[world.Judged{Rule: "azure-network-flow-log-retention", Resource: keyOf("azure.network.flow_log", *f.ID)}] =
				unless(v.Has("flow-log-off"), failIf(v.Has("short-retention") && !v.Has("kept-for-ever")))
		}
		out[world.Judged{Rule: "azure-network-interface-ip-forwarding-disabled", Resource: keyOf("azure.network.interface", endpointInterfaceID(v))}] = posture.Pass
	}
	out[world.Judged{Rule: "azure-network-bastion-present", Resource: subscriptionKey(s)}] = failIf(!bastion)
	return out
}

func hasBastion(v *world.Item) bool { return v.Index == 0 && !v.Has("no-bastion") }

func subnetNames(v *world.Item) []string {
	names := []string{"app", "endpoints", "GatewaySubnet"}
	if v.Index == 0 {
		names = append(names, "gateways", "AzureFirewallSubnet", "AzureBastionSubnet")
	}
	return names
}

// dnsLogged: a network that is peered with one of another tenant may have its names answered there.
func dnsLogged(s *world.State, v *world.Item) posture.Result {
	firewall := s.Find("azure.firewall", posture.Global, 0)
	switch {
	case v.Has("dns-firewall") && proxiesDNS(firewall), v.Has("dns-policy") && logsIts(s, dnsPolicyID(v)):
		return posture.Pass
	case v.Has("dns-firewall") && peeredOutside(v):
		return posture.Unknown
	}
	return posture.Fail
}

func dnsPolicyID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/dnsResolverPolicies", "dns-"+v.Name())
}

func peeredOutside(v *world.Item) bool { return v.Index%3 == 2 }

// address is a public address that leads into a network.
type address struct {
	name   string
	holder string // id of the IP configuration that has it
	basic  bool
}

// addressesIn are the public addresses of what stands in a network.
func addressesIn(s *world.State, v *world.Item) []address {
	var out []address
	for _, vm := range s.Items("azure.vm") {
		if networkOf(s, vm).Index == v.Index && vm.Has("public-ip") {
			out = append(out, address{"pip-" + vm.Name(), interfaceID(vm) + "/ipConfigurations/main", vm.Has("basic-ip")})
		}
	}
	if v.Index > 0 {
		return out
	}
	out = append(out, address{"pip-lb", idOf(v, "Microsoft.Network/loadBalancers", "lb-app") + "/frontendIPConfigurations/front", false})
	if hasBastion(v) {
		out = append(out, address{"pip-bastion", bastionID(v) + "/bastionHostIpConfigurations/main", false})
	}
	for _, g := range s.Items("azure.appgw") {
		out = append(out, address{"pip-agw-" + g.Name(), gatewayID(g) + "/frontendIPConfigurations/public", false})
	}
	for _, f := range s.Items("azure.firewall") {
		out = append(out, address{"pip-fw-" + f.Name(), firewallID(f) + "/azureFirewallIpConfigurations/main", false})
	}
	for _, g := range s.Items("azure.vpngw") {
		out = append(out, address{"pip-vpn-" + g.Name(), vpnGatewayID(g) + "/ipConfigurations/main", false})
	}
	return out
}

func bastionID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/bastionHosts", "bas-"+v.Name())
}

func endpointInterfaceID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/networkInterfaces", "pe-store-"+v.Name()+".nic")
}

func endpointID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/privateEndpoints", "pe-store-"+v.Name())
}

func watcherID(it *world.Item, index int) string {
	return "/subscriptions/" + it.Account.ID + "/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/NetworkWatcher_" + region(it, index)
}

// flowLogsOf are a network's own flow log, or one for each of its subnets: on the subnet's security group where it has one.
func flowLogsOf(s *world.State, v *world.Item) []*armnetwork.FlowLog {
	if v.Has("no-flow-log") {
		return nil
	}
	targets := []string{networkID(v)}
	if v.Has("logged-by-subnet") {
		targets = nil
		for _, s := range subnetsOf(s, v) {
			target := *s.ID
			if g := s.Properties.NetworkSecurityGroup; g != nil {
				target = *g.ID
			}
			targets = append(targets, target)
		}
	}
	var out []*armnetwork.FlowLog
	for i, target := range targets {
		name := fmt.Sprintf("fl-%s-%d", v.Name(), i)
		keep := &armnetwork.RetentionPolicyParameters{Days: to.Ptr[int32](90), Enabled: to.Ptr(true)}
		if v.Has("short-retention") {
			keep.Days = to.Ptr[int32](30)
		}
		if v.Has("kept-for-ever") {
			keep = &armnetwork.RetentionPolicyParameters{Days: to.Ptr[int32](0), Enabled: to.Ptr(false)}
		}
		p := &armnetwork.FlowLogPropertiesFormat{
			TargetResourceID: to.Ptr(target), StorageID: to.Ptr(idOf(v, "Microsoft.Storage/storageAccounts", "flowlogs")), Enabled: to.Ptr(!v.Has("flow-log-off")),
			RetentionPolicy: keep, Format: &armnetwork.FlowLogFormatParameters{Type: to.Ptr(armnetwork.FlowLogFormatTypeJSON), Version: to.Ptr[int32](2)},
		}
		if !v.Has("no-analytics") {
			p.FlowAnalyticsConfiguration = &armnetwork.TrafficAnalyticsProperties{NetworkWatcherFlowAnalyticsConfiguration: &armnetwork.TrafficAnalyticsConfigurationProperties{
				Enabled: to.Ptr(true), WorkspaceResourceID: to.Ptr(idOf(v, "Microsoft.OperationalInsights/workspaces", "log-security")), TrafficAnalyticsInterval: to.Ptr[int32](10),
			}}
		}
		out = append(out, &armnetwork.FlowLog{
			ID: to.Ptr(watcherID(v, regionIndex(v)) + "/flowLogs/" + name), Name: to.Ptr(name), Location: to.Ptr(region(v, regionIndex(v))), Properties: p,
		})
	}
	return out
}

// networkResources are those that the network package does not know.
func networkResources(s *world.State) []described {
	var out []described
	for _, v := range s.Items("azure.network") {
		if v.Has("dns-policy") {
			policy := dnsPolicyID(v)
			out = append(out, described{ID: policy, Type: "Microsoft.Network/dnsResolverPolicies", Location: region(v, regionIndex(v))}, described{
				ID: policy + "/virtualNetworkLinks/main", Type: "Microsoft.Network/dnsResolverPolicies/virtualNetworkLinks", Location: region(v, regionIndex(v)),
				Properties: map[string]any{"virtualNetwork": map[string]any{"id": networkID(v)}, "provisioningState": "Succeeded"},
			})
		}
	}
	for _, g := range s.Items("azure.vpngw") {
		out = append(out, described{ID: vpnGatewayID(g), Type: "Microsoft.Network/virtualNetworkGateways", Location: g.Account.Home()})
	}
	return append(out, networkParts(s)...)
}

// networkParts are those that no rule is about, or that come with a network, a machine or a gateway.
func networkParts(s *world.State) []described {
	var out []described
	add := func(place string, ids ...string) {
		for _, id := range ids {
			out = append(out, described{ID: id, Type: typeOfID(id), Location: place})
		}
	}
	for _, v := range s.Items("azure.network") {
		place := region(v, regionIndex(v))
		add(place, subnetGroupID(v), routeTableID(v), endpointInterfaceID(v))
		for i, a := range addressesIn(s, v) {
			add(place, *publicAddress(v, i, a).ID)
		}
		for _, f := range flowLogsOf(s, v) {
			add(place, *f.ID)
		}
		if hasBastion(v) {
			add(place, bastionID(v))
		}
	}
	for _, it := range s.Items("azure.watcher") {
		add(region(it, it.Index), watcherID(it, it.Index))
	}
	for _, vm := range s.Items("azure.vm") {
		add(vm.Account.Home(), interfaceID(vm))
	}
	for _, it := range s.Items("azure.appgw") {
		if !it.Has("no-policy") {
			add(it.Account.Home(), wafPolicyID(it))
		}
	}
	for _, it := range s.Items("azure.firewall") {
		if !it.Has("no-policy") && !foreignPolicy(it) {
			add(it.Account.Home(), firewallPolicyID(it))
		}
	}
	return out
}

func handleNetwork(s *azure.Server, w *states) {
	azure.List(s, "armnetwork.VirtualNetworksClient.NewListAllPager", func(c azure.Call) (*armnetwork.VirtualNetworkListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.VirtualNetworkListResult{}
		for _, v := range state.Items("azure.network") {
			out.Value = append(out.Value, virtualNetwork(state, v))
		}
		return out, nil
	})
	azure.List(s, "armnetwork.SecurityGroupsClient.NewListAllPager", func(c azure.Call) (*armnetwork.SecurityGroupListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.SecurityGroupListResult{}
		for _, it := range state.Items("azure.nsg") {
			out.Value = append(out.Value, securityGroup(state, it))
		}
		for _, v := range state.Items("azure.network") {
			out.Value = append(out.Value, subnetGroup(v))
		}
		return out, nil
	})
	azure.List(s, "armnetwork.RouteTablesClient.NewListAllPager", func(c azure.Call) (*armnetwork.RouteTableListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.RouteTableListResult{}
		for _, v := range state.Items("azure.network") {
			out.Value = append(out.Value, &armnetwork.RouteTable{
				ID: to.Ptr(routeTableID(v)), Name: to.Ptr("rt-" + v.Name()), Location: to.Ptr(region(v, regionIndex(v))),
				Properties: &armnetwork.RouteTablePropertiesFormat{Routes: []*armnetwork.Route{
					{Name: to.Ptr("out"), Properties: &armnetwork.RoutePropertiesFormat{
						AddressPrefix: to.Ptr("0.0.0.0/0"), NextHopType: to.Ptr(armnetwork.RouteNextHopTypeVirtualAppliance), NextHopIPAddress: to.Ptr(firewallIP(0)),
					}},
					{Name: to.Ptr("activation"), Properties: &armnetwork.RoutePropertiesFormat{
						AddressPrefix: to.Ptr("20.118.99.224/32"), NextHopType: to.Ptr(armnetwork.RouteNextHopTypeInternet),
					}},
				}},
			})
		}
		return out, nil
	})
	azure.List(s, "armnetwork.InterfacesClient.NewListAllPager", func(c azure.Call) (*armnetwork.InterfaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.InterfaceListResult{}
		for _, vm := range state.Items("azure.vm") {
			out.Value = append(out.Value, machineInterface(state, vm))
		}
		for _, v := range state.Items("azure.network") {
			out.Value = append(out.Value, &armnetwork.Interface{
				ID: to.Ptr(endpointInterfaceID(v)), Name: to.Ptr("pe-store-" + v.Name() + ".nic"), Location: to.Ptr(region(v, regionIndex(v))),
				Properties: &armnetwork.InterfacePropertiesFormat{
					PrivateEndpoint: &armnetwork.PrivateEndpoint{ID: to.Ptr(endpointID(v))}, EnableIPForwarding: to.Ptr(false),
					IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{Name: to.Ptr("main"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
						Subnet: &armnetwork.Subnet{ID: to.Ptr(networkID(v) + "/subnets/endpoints")}, PrivateIPAddress: to.Ptr("10.0.2.4"),
					}}},
				},
			})
		}
		return out, nil
	})
	azure.List(s, "armnetwork.PublicIPAddressesClient.NewListAllPager", func(c azure.Call) (*armnetwork.PublicIPAddressListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.PublicIPAddressListResult{}
		for _, v := range state.Items("azure.network") {
			for i, a := range addressesIn(state, v) {
				out.Value = append(out.Value, publicAddress(v, i, a))
			}
		}
		return out, nil
	})
	azure.List(s, "armnetwork.WatchersClient.NewListAllPager", func(c azure.Call) (*armnetwork.WatcherListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.WatcherListResult{}
		for _, it := range state.Items("azure.watcher") {
			status := armnetwork.ProvisioningStateSucceeded
			if it.Has("failed") {
				status = armnetwork.ProvisioningStateFailed
			}
			out.Value = append(out.Value, &armnetwork.Watcher{
				ID: to.Ptr(watcherID(it, it.Index)), Name: to.Ptr("NetworkWatcher_" + region(it, it.Index)), Location: to.Ptr(region(it, it.Index)),
				Properties: &armnetwork.WatcherPropertiesFormat{ProvisioningState: &status},
			})
		}
		return out, nil
	})
	azure.List(s, "armnetwork.FlowLogsClient.NewListPager", func(c azure.Call) (*armnetwork.FlowLogListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.FlowLogListResult{}
		for _, v := range state.Items("azure.network") {
			if strings.HasSuffix(c.Params["networkWatcherName"], "_"+region(v, regionIndex(v))) {
				out.Value = append(out.Value, flowLogsOf(state, v)...)
			}
		}
		return out, nil
	})
	azure.List(s, "armnetwork.BastionHostsClient.NewListPager", func(c azure.Call) (*armnetwork.BastionHostListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.BastionHostListResult{}
		for _, v := range state.Items("azure.network") {
			if hasBastion(v) {
				out.Value = append(out.Value, &armnetwork.BastionHost{
					ID: to.Ptr(bastionID(v)), Name: to.Ptr("bas-" + v.Name()), Location: to.Ptr(v.Account.Home()), SKU: &armnetwork.SKU{Name: to.Ptr(armnetwork.BastionHostSKUNameStandard)},
					Properties: &armnetwork.BastionHostPropertiesFormat{IPConfigurations: []*armnetwork.BastionHostIPConfiguration{{
						Name:       to.Ptr("main"),
						Properties: &armnetwork.BastionHostIPConfigurationPropertiesFormat{Subnet: &armnetwork.SubResource{ID: to.Ptr(networkID(v) + "/subnets/AzureBastionSubnet")}},
					}}},
				})
			}
		}
		return out, nil
	})
}

func virtualNetwork(s *world.State, v *world.Item) *armnetwork.VirtualNetwork {
	p := &armnetwork.VirtualNetworkPropertiesFormat{
		AddressSpace:         &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr(fmt.Sprintf("10.%d.0.0/16", v.Index))}},
		EnableDdosProtection: to.Ptr(!v.Has("no-ddos-plan")), Subnets: subnetsOf(s, v), ProvisioningState: to.Ptr(armnetwork.ProvisioningStateSucceeded),
		Encryption: &armnetwork.VirtualNetworkEncryption{Enabled: to.Ptr(v.Index == 1), Enforcement: to.Ptr(armnetwork.VirtualNetworkEncryptionEnforcementAllowUnencrypted)},
	}
	if !v.Has("no-ddos-plan") {
		p.DdosProtectionPlan = &armnetwork.SubResource{ID: to.Ptr(idOf(v, "Microsoft.Network/ddosProtectionPlans", "ddos"))}
	}
	if v.Has("dns-firewall") {
		p.DhcpOptions = &armnetwork.DhcpOptions{DNSServers: []*string{to.Ptr(firewallIP(0))}}
	}
	remote := ""
	switch {
	case peeredOutside(v):
		remote = "/subscriptions/cccccccc-0000-4000-8000-00000000000c/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub"
	case v.Index > 0:
		remote = networkID(s.Find("azure.network", posture.Global, 0))
	}
	if remote != "" {
		p.VirtualNetworkPeerings = []*armnetwork.VirtualNetworkPeering{{Name: to.Ptr("to-hub"), Properties: &armnetwork.VirtualNetworkPeeringPropertiesFormat{
			RemoteVirtualNetwork: &armnetwork.SubResource{ID: &remote}, PeeringState: to.Ptr(armnetwork.VirtualNetworkPeeringStateConnected),
		}}}
	}
	return &armnetwork.VirtualNetwork{
		ID: to.Ptr(networkID(v)), Name: to.Ptr("vnet-" + v.Name()), Location: to.Ptr(region(v, regionIndex(v))), Tags: labels("team", "platform"), Properties: p,
	}
}

func subnetsOf(s *world.State, v *world.Item) []*armnetwork.Subnet {
	var out []*armnetwork.Subnet
	for i, name := range subnetNames(v) {
		p := &armnetwork.SubnetPropertiesFormat{
			AddressPrefix: to.Ptr(fmt.Sprintf("10.%d.%d.0/24", v.Index, i+1)), PrivateEndpointNetworkPolicies: to.Ptr(armnetwork.VirtualNetworkPrivateEndpointNetworkPoliciesDisabled),
		}
		holds := func(ids ...string) {
			for _, id := range ids {
				p.IPConfigurations = append(p.IPConfigurations, &armnetwork.IPConfiguration{ID: to.Ptr(id)})
			}
		}
		group := ""
		switch name {
		case "app":
			if !v.Has("bare-subnet") {
				group = subnetGroupID(v)
			}
			fillAppSubnet(s, v, p, holds)
		case "endpoints":
			p.PrivateEndpoints = []*armnetwork.PrivateEndpoint{{ID: to.Ptr(endpointID(v))}}
			holds(endpointInterfaceID(v) + "/ipConfigurations/main")
			if v.Has("endpoints-and-more") {
				holds(idOf(v, "Microsoft.Network/loadBalancers", "lb-inner") + "/frontendIPConfigurations/front")
			}
		case "GatewaySubnet":
			if v.Has("gateway-filtered") {
				group = subnetGroupID(v)
			}
		case "gateways":
			group = nsgID(s.Find("azure.nsg", posture.Global, 0))
			p.ApplicationGatewayIPConfigurations = []*armnetwork.ApplicationGatewayIPConfiguration{{Name: to.Ptr("main")}}
		}
		if group != "" {
			p.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: &group}
		}
		out = append(out, &armnetwork.Subnet{ID: to.Ptr(networkID(v) + "/subnets/" + name), Name: to.Ptr(name), Properties: p})
	}
	return out
}

// fillAppSubnet puts machines into a subnet, and says how they get out.
func fillAppSubnet(s *world.State, v *world.Item, p *armnetwork.SubnetPropertiesFormat, holds func(ids ...string)) {
	for _, vm := range s.Items("azure.vm") {
		if networkOf(s, vm).Index == v.Index {
			holds(interfaceID(vm) + "/ipConfigurations/main")
		}
	}
	if v.Index == 0 {
		holds(scaleSetID(s.Find("azure.vmss", posture.Global, 0)) + "/virtualMachines/0/networkInterfaces/nic/ipConfigurations/main")
	}
	if v.Has("direct-egress") {
		return
	}
	switch v.Pick(3, "egress") {
	case 0:
		p.DefaultOutboundAccess = to.Ptr(false)
	case 1:
		p.NatGateway = &armnetwork.SubResource{ID: to.Ptr(idOf(v, "Microsoft.Network/natGateways", "ng-"+v.Name()))}
	case 2:
		p.RouteTable = &armnetwork.RouteTable{ID: to.Ptr(routeTableID(v))}
	}
}

func routeTableID(v *world.Item) string {
	return idOf(v, "Microsoft.Network/routeTables", "rt-"+v.Name())
}

// inbound is a rule about TCP from the internet to one port; change says what is different.
func inbound(name string, priority int32, access armnetwork.SecurityRuleAccess, change func(*armnetwork.SecurityRulePropertiesFormat)) *armnetwork.SecurityRule {
	p := &armnetwork.SecurityRulePropertiesFormat{
		Access: &access, Direction: to.Ptr(armnetwork.SecurityRuleDirectionInbound), Priority: &priority, Protocol: to.Ptr(armnetwork.SecurityRuleProtocolTCP),
		SourceAddressPrefix: to.Ptr("Internet"), SourcePortRange: to.Ptr("*"), DestinationAddressPrefix: to.Ptr("*"), DestinationPortRange: to.Ptr("*"),
	}
	change(p)
	return &armnetwork.SecurityRule{Name: &name, Properties: p}
}

func securityGroup(s *world.State, it *world.Item) *armnetwork.SecurityGroup {
	const allow, deny = armnetwork.SecurityRuleAccessAllow, armnetwork.SecurityRuleAccessDeny
	type rule = armnetwork.SecurityRulePropertiesFormat
	ports := func(r *rule, list ...string) {
		r.DestinationPortRange = nil
		for _, p := range list {
			r.DestinationPortRanges = append(r.DestinationPortRanges, &p)
		}
	}
	rules := []*armnetwork.SecurityRule{
		inbound("workers", 310, allow, func(r *rule) {
			r.SourceAddressPrefix, r.DestinationPortRange = nil, to.Ptr("1433")
			r.SourceApplicationSecurityGroups = []*armnetwork.ApplicationSecurityGroup{{ID: to.Ptr(idOf(it, "Microsoft.Network/applicationSecurityGroups", "asg-workers"))}}
		}),
		inbound("out", 100, allow, func(r *rule) {
			r.Direction, r.Protocol, r.SourceAddressPrefix = to.Ptr(armnetwork.SecurityRuleDirectionOutbound), to.Ptr(armnetwork.SecurityRuleProtocolAsterisk), to.Ptr("*")
		}),
	}
	for _, one := range []struct {
		defect   string
		priority int32
		access   armnetwork.SecurityRuleAccess
		change   func(*rule)
	}{
		{"denied-first", 100, deny, func(r *rule) { r.Protocol = to.Ptr(armnetwork.SecurityRuleProtocolAsterisk) }},
		{"ssh-denied-first", 110, deny, func(r *rule) { r.SourceAddressPrefix, r.DestinationPortRange = to.Ptr("*"), to.Ptr("22") }},
		{"denied-in-part", 120, deny, func(r *rule) { r.SourceAddressPrefix = to.Ptr("203.0.113.0/24") }},
		{"denied-in-part", 130, deny, func(r *rule) { r.DestinationAddressPrefix = to.Ptr("10.0.1.250") }},
		{"open-ssh", 200, allow, func(r *rule) { r.DestinationPortRange = to.Ptr("22") }},
		{"open-rdp", 210, allow, func(r *rule) {
			r.SourceAddressPrefix, r.DestinationPortRange = to.Ptr("0.0.0.0/0"), to.Ptr("3380-3399")
		}},
		{"open-rdp-udp", 220, allow, func(r *rule) {
			r.SourceAddressPrefix, r.Protocol, r.DestinationPortRange = to.Ptr("*"), to.Ptr(armnetwork.SecurityRuleProtocolUDP), to.Ptr("3389")
		}},
		{"open-winrm", 230, allow, func(r *rule) {
			r.SourceAddressPrefix, r.SourceAddressPrefixes = nil, []*string{to.Ptr("0.0.0.0/1"), to.Ptr("128.0.0.0/1")}
			ports(r, "5985", "5986")
		}},
		{"open-web", 240, allow, func(r *rule) { ports(r, "80", "443") }},
		{"open-udp", 250, allow, func(r *rule) {
			r.SourceAddressPrefix, r.Protocol, r.DestinationPortRange = to.Ptr("::/0"), to.Ptr(armnetwork.SecurityRuleProtocolUDP), to.Ptr("161")
		}},
		{"open-data", 260, allow, func(r *rule) { ports(r, "1433", "6000-6400") }},
		{"open-all", 400, allow, func(r *rule) {
			r.SourceAddressPrefix, r.Protocol, r.DestinationPortRange = to.Ptr("*"), to.Ptr(armnetwork.SecurityRuleProtocolAsterisk), to.Ptr("0-65535")
		}},
		{"admins", 300, allow, func(r *rule) { r.SourceAddressPrefix, r.DestinationPortRange = to.Ptr("10.0.0.0/8"), to.Ptr("22") }},
		{"denied-too-late", 4000, deny, func(r *rule) { r.Protocol = to.Ptr(armnetwork.SecurityRuleProtocolAsterisk) }},
	} {
		if it.Has(one.defect) {
			rules = append(rules, inbound(fmt.Sprintf("%s-%d", one.defect, one.priority), one.priority, one.access, one.change))
		}
	}
	p := &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: rules}
	if it.Index == 0 {
		p.Subnets = []*armnetwork.Subnet{{ID: to.Ptr(networkID(s.Find("azure.network", posture.Global, 0)) + "/subnets/gateways")}}
	}
	for _, vm := range s.Items("azure.vm") {
		if g := groupOf(s, vm); g != nil && g.Index == it.Index {
			p.NetworkInterfaces = append(p.NetworkInterfaces, &armnetwork.Interface{ID: to.Ptr(interfaceID(vm))})
		}
	}
	return &armnetwork.SecurityGroup{ID: to.Ptr(nsgID(it)), Name: to.Ptr("nsg-" + it.Name()), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "platform"), Properties: p}
}

// subnetGroup is the security group of a network's subnet for machines.
func subnetGroup(v *world.Item) *armnetwork.SecurityGroup {
	source, ports := "VirtualNetwork", "443"
	if v.Has("wide-subnet") {
		source, ports = "Internet", "*"
	}
	p := &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: []*armnetwork.SecurityRule{
		inbound("in", 200, armnetwork.SecurityRuleAccessAllow, func(r *armnetwork.SecurityRulePropertiesFormat) {
			r.SourceAddressPrefix, r.DestinationPortRange = &source, &ports
		}),
	}}
	if !v.Has("bare-subnet") {
		p.Subnets = append(p.Subnets, &armnetwork.Subnet{ID: to.Ptr(networkID(v) + "/subnets/app")})
	}
	if v.Has("gateway-filtered") {
		p.Subnets = append(p.Subnets, &armnetwork.Subnet{ID: to.Ptr(networkID(v) + "/subnets/GatewaySubnet")})
	}
	return &armnetwork.SecurityGroup{ID: to.Ptr(subnetGroupID(v)), Name: to.Ptr("nsg-app-" + v.Name()), Location: to.Ptr(region(v, regionIndex(v))), Properties: p}
}

func publicAddress(v *world.Item, index int, a address) *armnetwork.PublicIPAddress {
	sku, mode := armnetwork.PublicIPAddressSKUNameStandard, armnetwork.DdosSettingsProtectionModeVirtualNetworkInherited
	if a.basic {
		sku = armnetwork.PublicIPAddressSKUNameBasic
	}
	if v.Has("ddos-by-address") {
		mode = armnetwork.DdosSettingsProtectionModeEnabled
	}
	return &armnetwork.PublicIPAddress{
		ID: to.Ptr(idOf(v, "Microsoft.Network/publicIPAddresses", a.name)), Name: to.Ptr(a.name), Location: to.Ptr(region(v, regionIndex(v))),
		SKU: &armnetwork.PublicIPAddressSKU{Name: &sku, Tier: to.Ptr(armnetwork.PublicIPAddressSKUTierRegional)}, Zones: []*string{to.Ptr("1"), to.Ptr("2"), to.Ptr("3")},
		Properties: &armnetwork.PublicIPAddressPropertiesFormat{
			IPAddress: to.Ptr(fmt.Sprintf("203.0.113.%d", 10+50*v.Index+index)), PublicIPAddressVersion: to.Ptr(armnetwork.IPVersionIPv4),
			PublicIPAllocationMethod: to.Ptr(armnetwork.IPAllocationMethodStatic), IPConfiguration: &armnetwork.IPConfiguration{ID: to.Ptr(a.holder)},
			DdosSettings: &armnetwork.DdosSettings{ProtectionMode: &mode},
		},
	}
}
