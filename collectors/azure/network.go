package azure

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var securityGroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.NetworkSecurityGroupType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.SecurityGroupsClient.NewListAllPager", Permission: "Microsoft.Network/networkSecurityGroups/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectSecurityGroups,
}

func collectSecurityGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewSecurityGroupsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/networksecuritygroups", "", api.NewListAllPager(nil), func(page armnetwork.SecurityGroupsClientListAllResponse) error {
		for _, g := range page.Value {
			out := newSecurityGroup(g)
			emit(idOf(g.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list network security groups: %w", err)
	}
	return nil
}

func newSecurityGroup(g *armnetwork.SecurityGroup) schema.NetworkSecurityGroup {
	p := value(g.Properties)
	out := schema.NetworkSecurityGroup{
		Resource: resource(g.ID, g.Name, g.Location, g.Tags), Rules: []schema.SecurityRule{}, AttachedSubnetIDs: []string{}, AttachedNICIDs: []string{},
	}
	for _, r := range p.SecurityRules {
		rule := value(r.Properties)
		out.Rules = append(out.Rules, schema.SecurityRule{
			Name: text(r.Name), Direction: text(rule.Direction), Access: text(rule.Access), Protocol: text(rule.Protocol), Priority: int(value(rule.Priority)),
			Sources:          ends(rule.SourceAddressPrefix, rule.SourceAddressPrefixes, rule.SourceApplicationSecurityGroups),
			SourcePorts:      ends(rule.SourcePortRange, rule.SourcePortRanges, nil),
			Destinations:     ends(rule.DestinationAddressPrefix, rule.DestinationAddressPrefixes, rule.DestinationApplicationSecurityGroups),
			DestinationPorts: ends(rule.DestinationPortRange, rule.DestinationPortRanges, nil),
		})
	}
	for _, s := range p.Subnets {
		out.AttachedSubnetIDs = append(out.AttachedSubnetIDs, idOf(s.ID))
	}
	for _, n := range p.NetworkInterfaces {
		out.AttachedNICIDs = append(out.AttachedNICIDs, idOf(n.ID))
	}
	slices.Sort(out.AttachedSubnetIDs)
	slices.Sort(out.AttachedNICIDs)
	return out
}

// ends are what one end of a rule names, in whichever of the members, sorted.
func ends(one *string, several []*string, groups []*armnetwork.ApplicationSecurityGroup) []string {
	out := list(several)
	if text(one) != "" {
		out = append(out, text(one))
	}
	for _, g := range groups {
		out = append(out, idOf(g.ID))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var virtualNetworks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.VirtualNetworkType, schema.SubnetType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.VirtualNetworksClient.NewListAllPager", Permission: "Microsoft.Network/virtualNetworks/read", Body: collectors.Store},
		queryResources, listResources, resourceByID,
	},
	Collect: collectVirtualNetworks,
}

// collectVirtualNetworks reads networks, their subnets, and which DNS security policies are linked to them.
func collectVirtualNetworks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewVirtualNetworksClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	policies, unread := dnsPolicies(ctx, c)
	err = pagesOf(ctx, c, "microsoft.network/virtualnetworks", "", api.NewListAllPager(nil), func(page armnetwork.VirtualNetworksClientListAllResponse) error {
		for _, v := range page.Value {
			out := newVirtualNetwork(v)
			out.DNSPolicyID = policies[idOf(v.ID)]
			if unread != nil && out.DNSPolicyID == "" {
				emit(idOf(v.ID), &out, collectors.Unread(unread, "dns_policy_id"))
			} else {
				emit(idOf(v.ID), &out)
			}
			for _, s := range value(v.Properties).Subnets {
				subnet := newSubnet(v, s)
				emit(idOf(s.ID), &subnet)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list virtual networks: %w", err)
	}
	return nil
}

// dnsPolicies finds the DNS security policy of each network that has one; an error says that some may be missing. Network's own
// package does not know them.
func dnsPolicies(ctx context.Context, c *client) (map[string]string, error) {
	links, err := c.resourcesOf(ctx, "Microsoft.Network/dnsResolverPolicies/virtualNetworkLinks")
	if err != nil {
		return nil, fmt.Errorf("list links of DNS security policies: %w", err)
	}
	type network struct {
		ID string `json:"id"`
	}
	policies := map[string]string{}
	read := make([]network, len(links))
	err = parallel(indexes(links), func(i int) string { return links[i] }, func(i int) error {
		return c.member(ctx, links[i], "2025-05-01", "virtualNetwork", &read[i])
	})
	for i, linked := range read {
		if id := strings.ToLower(linked.ID); id != "" {
			policies[id] = path.Dir(path.Dir(links[i]))
		}
	}
	if err != nil {
		err = fmt.Errorf("read links of DNS security policies: %w", err)
	}
	return policies, err
}

func newVirtualNetwork(v *armnetwork.VirtualNetwork) schema.VirtualNetwork {
	p := value(v.Properties)
	out := schema.VirtualNetwork{
		Resource: resource(v.ID, v.Name, v.Location, v.Tags), AddressSpace: list(value(p.AddressSpace).AddressPrefixes),
		DDoSProtection: is(p.EnableDdosProtection), DDoSPlanID: idOf(value(p.DdosProtectionPlan).ID), EncryptionEnabled: is(value(p.Encryption).Enabled),
		DNSServers: list(value(p.DhcpOptions).DNSServers), Peerings: []schema.Peering{},
	}
	for _, peering := range p.VirtualNetworkPeerings {
		to := value(peering.Properties)
		out.Peerings = append(out.Peerings, schema.Peering{
			Name: text(peering.Name), RemoteNetworkID: idOf(value(to.RemoteVirtualNetwork).ID), State: text(to.PeeringState),
		})
	}
	return out
}

func newSubnet(v *armnetwork.VirtualNetwork, s *armnetwork.Subnet) schema.Subnet {
	p := value(s.Properties)
	out := schema.Subnet{
		Resource: resource(s.ID, s.Name, v.Location, nil), VirtualNetworkID: idOf(v.ID),
		NSGID: idOf(value(p.NetworkSecurityGroup).ID), RouteTableID: idOf(value(p.RouteTable).ID), NATGatewayID: idOf(value(p.NatGateway).ID),
		DefaultOutboundAccess: p.DefaultOutboundAccess == nil || *p.DefaultOutboundAccess, Delegations: []string{},
		PrivateEndpointNetworkPolicies: text(p.PrivateEndpointNetworkPolicies),
		HoldsApplicationGateway:        len(p.ApplicationGatewayIPConfigurations) > 0,
		HoldsPrivateEndpoints:          len(p.PrivateEndpoints) > 0,
	}
	for _, d := range p.Delegations {
		out.Delegations = append(out.Delegations, text(value(d.Properties).ServiceName))
	}
	var services []string
	for _, l := range p.ResourceNavigationLinks {
		services = append(services, text(value(l.Properties).LinkedResourceType))
	}
	for _, l := range p.ServiceAssociationLinks {
		services = append(services, text(value(l.Properties).LinkedResourceType))
	}
	out.HoldsAPIManagement = slices.ContainsFunc(services, func(kind string) bool { return strings.EqualFold(kind, "Microsoft.ApiManagement/service") })
	out.HoldsOtherThings = out.HoldsApplicationGateway || len(services) > 0 || len(out.Delegations) > 0
	for _, i := range p.IPConfigurations {
		id := idOf(i.ID)
		scaleSet := strings.Contains(id, "/virtualmachinescalesets/")
		out.HoldsScaleSet = out.HoldsScaleSet || scaleSet
		out.HoldsOtherThings = out.HoldsOtherThings || !scaleSet && !strings.Contains(id, "/networkinterfaces/")
	}
	return out
}

var routeTables = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RouteTableType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.RouteTablesClient.NewListAllPager", Permission: "Microsoft.Network/routeTables/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectRouteTables,
}

func collectRouteTables(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewRouteTablesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/routetables", "", api.NewListAllPager(nil), func(page armnetwork.RouteTablesClientListAllResponse) error {
		for _, t := range page.Value {
			out := schema.RouteTable{Resource: resource(t.ID, t.Name, t.Location, t.Tags), Routes: []schema.Route{}}
			for _, r := range value(t.Properties).Routes {
				p := value(r.Properties)
				out.Routes = append(out.Routes, schema.Route{
					Name: text(r.Name), Destination: text(p.AddressPrefix), NextHopType: text(p.NextHopType), NextHopIP: text(p.NextHopIPAddress),
				})
			}
			emit(idOf(t.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list route tables: %w", err)
	}
	return nil
}

var networkInterfaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.NetworkInterfaceType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.InterfacesClient.NewListAllPager", Permission: "Microsoft.Network/networkInterfaces/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectNetworkInterfaces,
}

func collectNetworkInterfaces(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewInterfacesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/networkinterfaces", "", api.NewListAllPager(nil), func(page armnetwork.InterfacesClientListAllResponse) error {
		for _, n := range page.Value {
			out := newNetworkInterface(n)
			emit(idOf(n.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list network interfaces: %w", err)
	}
	return nil
}

func newNetworkInterface(n *armnetwork.Interface) schema.NetworkInterface {
	p := value(n.Properties)
	out := schema.NetworkInterface{
		Resource: resource(n.ID, n.Name, n.Location, n.Tags), VMID: idOf(value(p.VirtualMachine).ID), NSGID: idOf(value(p.NetworkSecurityGroup).ID),
		IPForwarding: is(p.EnableIPForwarding), PrivateEndpointID: idOf(value(p.PrivateEndpoint).ID),
	}
	var addresses, subnets, balancers []string
	for _, i := range p.IPConfigurations {
		ip := value(i.Properties)
		addresses = append(addresses, idOf(value(ip.PublicIPAddress).ID))
		subnets = append(subnets, idOf(value(ip.Subnet).ID))
		for _, pool := range ip.LoadBalancerBackendAddressPools {
			balancers = append(balancers, ownerOf(pool.ID))
		}
		for _, r := range ip.LoadBalancerInboundNatRules {
			balancers = append(balancers, ownerOf(r.ID))
		}
	}
	out.PublicIPIDs, out.SubnetIDs, out.LoadBalancerIDs = named(addresses), named(subnets), named(balancers)
	return out
}

// named are the ids that are there, sorted, each once.
func named(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if id != "" {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ownerOf is the resource that a part of it belongs to: the load balancer of a pool, the interface of an IP configuration.
func ownerOf(id *string) string {
	lower := idOf(id)
	before, rest, ok := strings.Cut(lower, "/providers/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) < 3 {
		return lower
	}
	return before + "/providers/" + strings.Join(parts[:3], "/")
}

var publicIPs = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.PublicIPType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.PublicIPAddressesClient.NewListAllPager", Permission: "Microsoft.Network/publicIPAddresses/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectPublicIPs,
}

func collectPublicIPs(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewPublicIPAddressesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/publicipaddresses", "", api.NewListAllPager(nil), func(page armnetwork.PublicIPAddressesClientListAllResponse) error {
		for _, a := range page.Value {
			p := value(a.Properties)
			out := schema.PublicIP{
				Resource: resource(a.ID, a.Name, a.Location, a.Tags), IPAddress: text(p.IPAddress), SKU: cmp.Or(text(value(a.SKU).Name), "Basic"),
				AssociatedResourceID: cmp.Or(ownerOf(value(p.IPConfiguration).ID), idOf(value(p.NatGateway).ID)),
				DDoSProtectionMode:   cmp.Or(text(value(p.DdosSettings).ProtectionMode), "VirtualNetworkInherited"), Zones: list(a.Zones),
			}
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list public addresses: %w", err)
	}
	return nil
}

var networkWatchers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.NetworkWatcherType, schema.FlowLogType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.WatchersClient.NewListAllPager", Permission: "Microsoft.Network/networkWatchers/read", Body: collectors.Store},
		{Name: "armnetwork.FlowLogsClient.NewListPager", Permission: "Microsoft.Network/networkWatchers/flowLogs/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectNetworkWatchers,
}

func collectNetworkWatchers(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var watchers []*armnetwork.Watcher
	err = pagesOf(ctx, c, "microsoft.network/networkwatchers", "", api.NewWatchersClient().NewListAllPager(nil), func(page armnetwork.WatchersClientListAllResponse) error {
		for _, w := range page.Value {
			emit(idOf(w.ID), &schema.NetworkWatcher{
				Resource: resource(w.ID, w.Name, w.Location, w.Tags), ProvisioningState: text(value(w.Properties).ProvisioningState),
			})
			watchers = append(watchers, w)
		}
		return nil
	})
	lost := parallel(watchers, func(w *armnetwork.Watcher) string { return idOf(w.ID) }, func(w *armnetwork.Watcher) error {
		return collectFlowLogs(ctx, c, api, w, emit)
	})
	if err != nil {
		return fmt.Errorf("list network watchers: %w", err)
	}
	return collectors.Incomplete(schema.FlowLogType, lost)
}

func collectFlowLogs(ctx context.Context, c *client, api *armnetwork.ClientFactory, w *armnetwork.Watcher, emit collectors.Emit) error {
	group := resource(w.ID, nil, nil, nil).ResourceGroup
	list := api.NewFlowLogsClient().NewListPager(group, text(w.Name), nil)
	err := pagesOf(ctx, c, "microsoft.network/networkwatchers/flowlogs", idOf(w.ID), list, func(page armnetwork.FlowLogsClientListResponse) error {
		for _, f := range page.Value {
			out := newFlowLog(w, f)
			emit(idOf(f.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list flow logs of %s: %w", text(w.Name), err)
	}
	return nil
}

func newFlowLog(w *armnetwork.Watcher, f *armnetwork.FlowLog) schema.FlowLog {
	p := value(f.Properties)
	analytics := value(value(p.FlowAnalyticsConfiguration).NetworkWatcherFlowAnalyticsConfiguration)
	out := schema.FlowLog{
		Resource: resource(f.ID, f.Name, f.Location, f.Tags), WatcherID: idOf(w.ID), TargetResourceID: idOf(p.TargetResourceID), Enabled: is(p.Enabled),
		StorageID: idOf(p.StorageID), TrafficAnalyticsEnabled: is(analytics.Enabled), WorkspaceID: idOf(analytics.WorkspaceResourceID),
		Version: int(value(value(p.Format).Version)),
	}
	if keep := value(p.RetentionPolicy); is(keep.Enabled) {
		out.RetentionDays = int(value(keep.Days))
	}
	switch id := out.TargetResourceID; {
	case strings.Contains(id, "/subnets/"):
		out.TargetKind = "subnet"
	case strings.Contains(id, "/virtualnetworks/"):
		out.TargetKind = "virtual_network"
	case strings.Contains(id, "/networkinterfaces/"):
		out.TargetKind = "network_interface"
	case strings.Contains(id, "/networksecuritygroups/"):
		out.TargetKind = "security_group"
	}
	return out
}

var bastionHosts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BastionHostType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.BastionHostsClient.NewListPager", Permission: "Microsoft.Network/bastionHosts/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectBastionHosts,
}

func collectBastionHosts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewBastionHostsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/bastionhosts", "", api.NewListPager(nil), func(page armnetwork.BastionHostsClientListResponse) error {
		for _, b := range page.Value {
			p := value(b.Properties)
			out := schema.BastionHost{
				Resource: resource(b.ID, b.Name, b.Location, b.Tags), SKU: cmp.Or(text(value(b.SKU).Name), "Standard"), VirtualNetworkID: idOf(value(p.VirtualNetwork).ID),
			}
			for _, i := range p.IPConfigurations {
				out.VirtualNetworkID = networkOf(value(value(i.Properties).Subnet).ID)
			}
			emit(idOf(b.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Bastion hosts: %w", err)
	}
	return nil
}

// networkOf is the virtual network that a subnet belongs to.
func networkOf(subnet *string) string {
	network, _, _ := strings.Cut(idOf(subnet), "/subnets/")
	return network
}
