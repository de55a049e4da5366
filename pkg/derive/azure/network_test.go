package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const (
	web       = own + "microsoft.network/virtualnetworks/web"
	webApp    = web + "/subnets/app"
	webGroup  = own + "microsoft.network/networksecuritygroups/web"
	webCard   = own + "microsoft.network/networkinterfaces/web"
	webVM     = own + "microsoft.compute/virtualmachines/web"
	webPublic = own + "microsoft.network/publicipaddresses/web"
	hub       = own + "microsoft.network/virtualnetworks/hub"
	elsewhere = "/subscriptions/other/resourcegroups/rg/providers/microsoft.network/virtualnetworks/hub"
)

// allow is an inbound rule that lets TCP in on ports from sources; priorities follow the order of the rules.
func allow(sources []string, ports ...string) schema.SecurityRule {
	return schema.SecurityRule{Direction: "Inbound", Access: "Allow", Protocol: "Tcp", Sources: sources, SourcePorts: []string{"*"}, Destinations: []string{"*"}, DestinationPorts: ports}
}

func deny(sources []string, ports ...string) schema.SecurityRule {
	r := allow(sources, ports...)
	r.Access = "Deny"
	return r
}

func but(r schema.SecurityRule, change func(*schema.SecurityRule)) schema.SecurityRule {
	change(&r)
	return r
}

func group(rules ...schema.SecurityRule) *posture.Resource {
	for i := range rules {
		rules[i].Priority = 100 + i
	}
	return resource(schema.NetworkSecurityGroupType, webGroup, &schema.NetworkSecurityGroup{Rules: rules})
}

func ports(pairs ...int64) []any {
	out := []any{}
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, map[string]any{"from": pairs[i], "to": pairs[i+1]})
	}
	return out
}

var anyone = []string{"Internet"}

func TestOpenPorts(t *testing.T) {
	udp := func(r *schema.SecurityRule) { r.Protocol = "Udp" }
	all := func(r *schema.SecurityRule) { r.Protocol = "*" }
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		group    *posture.Resource
		tcp, udp any
	}{
		"a port and a range":                {group(allow(anyone, "22", "8000-8099")), ports(22, 22, 8000, 8099), ports()},
		"ranges that touch are one":         {group(allow(anyone, "22"), allow(anyone, "23-24")), ports(22, 24), ports()},
		"any protocol is both":              {group(but(allow(anyone, "53"), all)), ports(53, 53), ports(53, 53)},
		"UDP is not TCP":                    {group(but(allow(anyone, "53"), udp)), ports(), ports(53, 53)},
		"any source":                        {group(allow([]string{"*"}, "22")), ports(22, 22), ports()},
		"all of IPv4":                       {group(allow([]string{"0.0.0.0/0"}, "22")), ports(22, 22), ports()},
		"all of IPv6":                       {group(allow([]string{"::/0"}, "22")), ports(22, 22), ports()},
		"two halves of it":                  {group(allow([]string{"0.0.0.0/1", "128.0.0.0/1"}, "22")), ports(22, 22), ports()},
		"a large public range":              {group(allow([]string{"128.0.0.0/2"}, "22")), ports(22, 22), ports()},
		"a private range":                   {group(allow([]string{"10.0.0.0/8"}, "22")), ports(), ports()},
		"one address":                       {group(allow([]string{"203.0.113.7"}, "22")), ports(), ports()},
		"an application security group":     {group(allow([]string{own + "microsoft.network/applicationsecuritygroups/asg"}, "22")), ports(), ports()},
		"another service tag":               {group(allow([]string{"VirtualNetwork", "AzureLoadBalancer"}, "22")), ports(), ports()},
		"outbound":                          {group(but(allow(anyone, "22"), func(r *schema.SecurityRule) { r.Direction = "Outbound" })), ports(), ports()},
		"one destination is open":           {group(but(allow(anyone, "22"), func(r *schema.SecurityRule) { r.Destinations = []string{"10.0.0.4"} })), ports(22, 22), ports()},
		"a denial that comes first":         {group(deny(anyone, "22"), allow(anyone, "20-24")), ports(20, 21, 23, 24), ports()},
		"a denial that comes later":         {group(allow(anyone, "22"), deny(anyone, "*")), ports(22, 22), ports()},
		"a denial of every protocol":        {group(but(deny([]string{"*"}, "*"), all), allow(anyone, "22")), ports(), ports()},
		"a denial of UDP leaves TCP":        {group(but(deny(anyone, "*"), udp), but(allow(anyone, "53"), all)), ports(53, 53), ports()},
		"a denial of some addresses":        {group(deny([]string{"203.0.113.0/24"}, "*"), allow(anyone, "22")), ports(22, 22), ports()},
		"a denial of IPv4 leaves IPv6":      {group(deny([]string{"0.0.0.0/0"}, "*"), allow(anyone, "22")), ports(22, 22), ports()},
		"a denial of both families":         {group(deny([]string{"0.0.0.0/0", "::/0"}, "*"), allow(anyone, "22")), ports(), ports()},
		"a denial of two halves":            {group(deny([]string{"0.0.0.0/1", "128.0.0.0/1"}, "*"), allow([]string{"0.0.0.0/0"}, "22")), ports(), ports()},
		"a denial for one destination":      {group(but(deny(anyone, "*"), func(r *schema.SecurityRule) { r.Destinations = []string{"10.0.0.4"} }), allow(anyone, "22")), ports(22, 22), ports()},
		"a denial for the whole network":    {group(but(deny(anyone, "*"), func(r *schema.SecurityRule) { r.Destinations = []string{"VirtualNetwork"} }), allow(anyone, "22")), ports(), ports()},
		"a denial from one source port":     {group(but(deny(anyone, "*"), func(r *schema.SecurityRule) { r.SourcePorts = []string{"53"} }), allow(anyone, "22")), ports(22, 22), ports()},
		"the priority decides, not the row": {group(but(allow(anyone, "22"), func(*schema.SecurityRule) {}), deny([]string{"*"}, "22")), ports(22, 22), ports()},
		"a port that is none":               {group(allow(anyone, "ssh")), "unread: parse_error", ports()},
		"no rules of its own":               {group(), ports(), ports()},
		"rules that were not read": {resource(schema.NetworkSecurityGroupType, webGroup, &schema.NetworkSecurityGroup{}, "rules"),
			"unread: read rules", "unread: read rules"},
	} {
		cases[name] = derivation{resources: []*posture.Resource{test.group}, want: map[string]any{"open_tcp_ports": test.tcp, "open_udp_ports": test.udp}}
	}
	check(t, cases)
}

func TestPriorityGoesBeforeOrder(t *testing.T) {
	first, second := allow(anyone, "22"), deny(anyone, "22")
	first.Priority, second.Priority = 300, 200
	check(t, map[string]derivation{"a denial written last and tried first": {
		resources: []*posture.Resource{resource(schema.NetworkSecurityGroupType, webGroup, &schema.NetworkSecurityGroup{Rules: []schema.SecurityRule{first, second}})},
		want:      map[string]any{"open_tcp_ports": ports()},
	}})
}

func TestOpensAllPorts(t *testing.T) {
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		group *posture.Resource
		want  bool
	}{
		"every port, by a star":                     {group(allow(anyone, "*")), true},
		"every port, written out":                   {group(allow(anyone, "0-65535")), true},
		"every port but zero":                       {group(allow(anyone, "1-65535")), true},
		"every port in two ranges":                  {group(allow(anyone, "0-1023", "1024-65535")), true},
		"two rules that come to the same":           {group(allow(anyone, "0-1023"), allow(anyone, "1024-65535")), false},
		"many ports":                                {group(allow(anyone, "1024-65535")), false},
		"a denial of one port before it":            {group(deny(anyone, "22"), allow(anyone, "*")), true},
		"a denial of all ports before it":           {group(deny(anyone, "*"), allow(anyone, "*")), false},
		"a denial of all ports after it":            {group(allow(anyone, "*"), deny(anyone, "*")), true},
		"every port from inside":                    {group(allow([]string{"10.0.0.0/8"}, "*")), false},
		"every UDP port is another rule's business": {group(but(allow(anyone, "*"), func(r *schema.SecurityRule) { r.Protocol = "Udp" })), false},
	} {
		cases[name] = derivation{resources: []*posture.Resource{test.group}, want: map[string]any{"opens_all_ports": test.want}}
	}
	check(t, cases)
}

func TestFrontsGateway(t *testing.T) {
	attached := resource(schema.NetworkSecurityGroupType, webGroup, &schema.NetworkSecurityGroup{AttachedSubnetIDs: []string{webApp}})
	subnet := func(s *schema.Subnet, refused ...string) *posture.Resource {
		return resource(schema.SubnetType, webApp, s, refused...)
	}
	for name, test := range map[string]struct {
		subnet  *posture.Resource
		refused []*posture.Type
		want    any
	}{
		"an application gateway":              {subnet(&schema.Subnet{HoldsApplicationGateway: true}), nil, true},
		"API Management":                      {subnet(&schema.Subnet{HoldsAPIManagement: true}), nil, true},
		"machines":                            {subnet(&schema.Subnet{}), nil, false},
		"whatever else was not read":          {subnet(&schema.Subnet{HoldsApplicationGateway: true}, "holds_api_management"), nil, true},
		"what stands in it was not read":      {subnet(&schema.Subnet{}, "holds_api_management"), nil, "unread: read holds_api_management"},
		"networks were not read":              {nil, []*posture.Type{schema.SubnetType}, "unread: list azure.network.subnet"},
		"a subnet that the networks have not": {nil, nil, "unread: " + listNetworks},
	} {
		clone := *attached
		d := derivation{resources: []*posture.Resource{&clone}, refused: test.refused, want: map[string]any{"fronts_gateway": test.want}}
		if test.subnet != nil {
			d.resources = append(d.resources, test.subnet)
		}
		check(t, map[string]derivation{name: d})
	}
}

func card(n *schema.NetworkInterface, refused ...string) *posture.Resource {
	if n.SubnetIDs == nil {
		n.SubnetIDs = []string{webApp}
	}
	return resource(schema.NetworkInterfaceType, webCard, n, refused...)
}

func TestSubnet(t *testing.T) {
	const table = own + "microsoft.network/routetables/rt"
	subnet := func(s schema.Subnet, refused ...string) *posture.Resource {
		s.VirtualNetworkID = web
		return resource(schema.SubnetType, webApp, &s, refused...)
	}
	routes := func(list ...schema.Route) *posture.Resource {
		return resource(schema.RouteTableType, table, &schema.RouteTable{Routes: list})
	}
	routed := subnet(schema.Subnet{RouteTableID: table})
	with := func(first *posture.Resource, others ...*posture.Resource) []*posture.Resource {
		clone := *first
		return append([]*posture.Resource{&clone}, others...)
	}
	machines, only, guided := "has_machines", "private_endpoints_only", "has_default_route_to_appliance"
	check(t, map[string]derivation{
		"a machine's interface": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true}), card(&schema.NetworkInterface{VMID: webVM})),
			want: map[string]any{machines: true, only: false}},
		"a private endpoint's": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true}), card(&schema.NetworkInterface{PrivateEndpointID: "pe"})),
			want: map[string]any{machines: false, only: true}},
		"a private endpoint and a load balancer": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true, HoldsOtherThings: true}), card(&schema.NetworkInterface{PrivateEndpointID: "pe"})),
			want: map[string]any{machines: false, only: false}},
		"an instance of a scale set": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true, HoldsScaleSet: true})),
			want: map[string]any{machines: true, only: false}},
		"an interface in another subnet": {resources: with(subnet(schema.Subnet{}), card(&schema.NetworkInterface{VMID: webVM, SubnetIDs: []string{web + "/subnets/db"}})),
			want: map[string]any{machines: false, only: false}},
		"interfaces were not read": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true})), refused: []*posture.Type{schema.NetworkInterfaceType},
			want: map[string]any{machines: "unread: list azure.network.interface", only: "unread: list azure.network.interface"}},
		"a scale set is enough without them": {resources: with(subnet(schema.Subnet{HoldsScaleSet: true})), refused: []*posture.Type{schema.NetworkInterfaceType},
			want: map[string]any{machines: true, only: false}},
		"whose interface it is was not read": {resources: with(subnet(schema.Subnet{HoldsPrivateEndpoints: true}), card(&schema.NetworkInterface{}, "vm_id", "private_endpoint_id")),
			want: map[string]any{machines: "unread: read vm_id", only: "unread: read private_endpoint_id"}},

		"without a route table":         {resources: with(subnet(schema.Subnet{})), want: map[string]any{guided: false}},
		"everything to an appliance":    {resources: with(routed, routes(schema.Route{Destination: "0.0.0.0/0", NextHopType: "VirtualAppliance"})), want: map[string]any{guided: true}},
		"everything to the gateway":     {resources: with(routed, routes(schema.Route{Destination: "0.0.0.0/0", NextHopType: "VirtualNetworkGateway"})), want: map[string]any{guided: true}},
		"everything to nowhere":         {resources: with(routed, routes(schema.Route{Destination: "0.0.0.0/0", NextHopType: "None"})), want: map[string]any{guided: true}},
		"everything, in two halves":     {resources: with(routed, routes(schema.Route{Destination: "0.0.0.0/1", NextHopType: "VirtualAppliance"}, schema.Route{Destination: "128.0.0.0/1", NextHopType: "VirtualAppliance"})), want: map[string]any{guided: true}},
		"everything straight out":       {resources: with(routed, routes(schema.Route{Destination: "0.0.0.0/0", NextHopType: "Internet"})), want: map[string]any{guided: false}},
		"some networks to an appliance": {resources: with(routed, routes(schema.Route{Destination: "10.0.0.0/8", NextHopType: "VirtualAppliance"})), want: map[string]any{guided: false}},
		"route tables were not read":    {resources: with(routed), refused: []*posture.Type{schema.RouteTableType}, want: map[string]any{guided: "unread: list azure.network.route_table"}},
		"a table that is not there":     {resources: with(routed), want: map[string]any{guided: "unread: " + listRouteTables}},
		"routes of a table not read":    {resources: with(routed, resource(schema.RouteTableType, table, &schema.RouteTable{}, "routes")), want: map[string]any{guided: "unread: read routes"}},
		"the table's id was not read":   {resources: with(subnet(schema.Subnet{}, "route_table_id")), want: map[string]any{guided: "unread: read route_table_id"}},
	})
}

func TestNetworkFlowLog(t *testing.T) {
	network := func() *posture.Resource { return resource(schema.VirtualNetworkType, web, &schema.VirtualNetwork{}) }
	log := func(target string, l schema.FlowLog, refused ...string) *posture.Resource {
		l.TargetResourceID = target
		return resource(schema.FlowLogType, "log-of-"+target, &l, refused...)
	}
	on := schema.FlowLog{Enabled: true, TrafficAnalyticsEnabled: true, WorkspaceID: "ws", RetentionDays: 90, StorageID: "st"}
	subnet := func(name, group string) *posture.Resource {
		return resource(schema.SubnetType, web+"/subnets/"+name, &schema.Subnet{VirtualNetworkID: web, NSGID: group})
	}
	short := on
	short.RetentionDays, short.TrafficAnalyticsEnabled = 30, false
	values := func(enabled, workspace, days any) map[string]any {
		return map[string]any{"flow_log.enabled": enabled, "flow_log.workspace_id": workspace, "flow_log.retention_days": days}
	}
	const list = "unread: list azure.network.flow_log"
	check(t, map[string]derivation{
		"its own":                        {resources: []*posture.Resource{network(), log(web, on)}, want: values(true, "ws", int64(90))},
		"its own, switched off":          {resources: []*posture.Resource{network(), log(web, schema.FlowLog{WorkspaceID: "ws"})}, want: values(false, "", int64(0))},
		"its own, without analytics":     {resources: []*posture.Resource{network(), log(web, short)}, want: values(true, "", int64(30))},
		"another network's":              {resources: []*posture.Resource{network(), log(hub, on)}, want: values(false, "", int64(0))},
		"one for each subnet":            {resources: []*posture.Resource{network(), subnet("a", ""), subnet("b", webGroup), log(web+"/subnets/a", on), log(webGroup, on)}, want: values(true, "ws", int64(90))},
		"the weakest of several decides": {resources: []*posture.Resource{network(), subnet("a", ""), subnet("b", ""), log(web+"/subnets/a", on), log(web+"/subnets/b", short)}, want: values(true, "", int64(30))},
		"one subnet goes without":        {resources: []*posture.Resource{network(), subnet("a", ""), subnet("b", ""), log(web+"/subnets/a", on)}, want: values(false, "", int64(0))},
		"flow logs were not read":        {resources: []*posture.Resource{network(), subnet("a", "")}, refused: []*posture.Type{schema.FlowLogType}, want: values(list, list, list)},
		"one that was listed is enough":  {resources: []*posture.Resource{network(), log(web, on)}, refused: []*posture.Type{schema.FlowLogType}, want: values(true, "ws", int64(90))},
		"a subnet may have been missed": {resources: []*posture.Resource{network(), subnet("a", ""), log(web+"/subnets/a", on)}, refused: []*posture.Type{schema.SubnetType},
			want: values("unread: list azure.network.subnet", "unread: list azure.network.subnet", "unread: list azure.network.subnet")},
		"one known to go without decides": {resources: []*posture.Resource{network(), subnet("a", "")}, refused: []*posture.Type{schema.SubnetType},
			want: map[string]any{"flow_log.enabled": false}},
		"whether it is on was not read": {resources: []*posture.Resource{network(), log(web, on, "enabled")}, want: values("unread: read enabled", "unread: read enabled", "unread: read enabled")},
	})
}

func TestVirtualNetwork(t *testing.T) {
	network := func(v schema.VirtualNetwork, refused ...string) *posture.Resource {
		return resource(schema.VirtualNetworkType, web, &v, refused...)
	}
	peered := func(to, state string) schema.VirtualNetwork {
		return schema.VirtualNetwork{Peerings: []schema.Peering{{Name: "hub", RemoteNetworkID: to, State: state}}}
	}
	bastion := func(in string) *posture.Resource {
		return resource(schema.BastionHostType, "bastion", &schema.BastionHost{VirtualNetworkID: in})
	}
	firewall := func(proxy bool, refused ...string) *posture.Resource {
		return resource(schema.FirewallType, "firewall", &schema.Firewall{PrivateIP: "10.0.6.4", DNSProxy: proxy}, refused...)
	}
	custom := schema.VirtualNetwork{DNSServers: []string{"10.0.6.4"}}
	beyond := peered(elsewhere, "Connected")
	beyond.DNSServers = custom.DNSServers
	two := schema.VirtualNetwork{DNSServers: []string{"10.0.6.4", "8.8.8.8"}}
	const reach, dns, tenants = "bastion_reachable", "dns_through_firewall", "peerings_cross_tenant"
	member := func(id string) []*posture.Resource {
		return []*posture.Resource{resource(schema.MemberType, "/subscriptions/"+id, &schema.Member{})}
	}
	check(t, map[string]derivation{
		"a Bastion host of its own":         {resources: []*posture.Resource{network(schema.VirtualNetwork{}), bastion(web)}, want: map[string]any{reach: true}},
		"one in a peered network":           {resources: []*posture.Resource{network(peered(hub, "Connected")), bastion(hub)}, want: map[string]any{reach: true}},
		"a peering that is not up":          {resources: []*posture.Resource{network(peered(hub, "Disconnected")), bastion(hub)}, want: map[string]any{reach: false}},
		"none":                              {resources: []*posture.Resource{network(peered(hub, "Connected"))}, want: map[string]any{reach: false}},
		"peered with another subscription":  {resources: []*posture.Resource{network(peered(elsewhere, "Connected"))}, want: map[string]any{reach: "unread: not_collected"}},
		"peered there, with one of its own": {resources: []*posture.Resource{network(peered(elsewhere, "Connected")), bastion(web)}, want: map[string]any{reach: true}},
		"Bastion hosts were not read":       {resources: []*posture.Resource{network(schema.VirtualNetwork{})}, refused: []*posture.Type{schema.BastionHostType}, want: map[string]any{reach: "unread: list azure.network.bastion_host"}},
		"peerings were not read":            {resources: []*posture.Resource{network(schema.VirtualNetwork{}, "peerings")}, want: map[string]any{reach: "unread: read peerings"}},
		"Azure's own DNS":                   {resources: []*posture.Resource{network(schema.VirtualNetwork{}), firewall(true)}, want: map[string]any{dns: false}},
		"a firewall answers":                {resources: []*posture.Resource{network(custom), firewall(true)}, want: map[string]any{dns: true}},
		"a firewall that does not":          {resources: []*posture.Resource{network(custom), firewall(false)}, want: map[string]any{dns: false}},
		"one server of two is none":         {resources: []*posture.Resource{network(two), firewall(true)}, want: map[string]any{dns: false}},
		"a server beyond a peering":         {resources: []*posture.Resource{network(beyond)}, want: map[string]any{dns: "unread: not_collected"}},
		"whether it answers was not read":   {resources: []*posture.Resource{network(custom), firewall(true, "dns_proxy")}, want: map[string]any{dns: "unread: read dns_proxy"}},
		"firewalls were not read":           {resources: []*posture.Resource{network(custom)}, refused: []*posture.Type{schema.FirewallType}, want: map[string]any{dns: "unread: list azure.network.firewall"}},
		"peered within the subscription":    {resources: []*posture.Resource{network(peered(hub, "Connected"))}, above: member(ownSubscription), want: map[string]any{tenants: int64(0)}},
		"peered within the tenant":          {resources: []*posture.Resource{network(peered(elsewhere, "Connected"))}, above: member("other"), want: map[string]any{tenants: int64(0)}},
		"peered with somebody outside":      {resources: []*posture.Resource{network(peered(elsewhere, "Initiated"))}, above: member(ownSubscription), want: map[string]any{tenants: int64(1)}},
	})
}

func TestDNSPolicyLogs(t *testing.T) {
	const policy = own + "microsoft.network/dnsresolverpolicies/dns"
	network := func(id string, refused ...string) *posture.Resource {
		return resource(schema.VirtualNetworkType, web, &schema.VirtualNetwork{DNSPolicyID: id}, refused...)
	}
	logs := func(refused ...string) *posture.Resource {
		return resource(schema.ResourceDiagnosticsType, policy, &schema.ResourceDiagnostics{LogCategories: []string{"DnsResponse"}}, refused...)
	}
	const path = "dns_policy_log_categories"
	check(t, map[string]derivation{
		"no policy":                       {resources: []*posture.Resource{network(""), logs()}, want: map[string]any{path: []any{}}},
		"what its settings send":          {resources: []*posture.Resource{network(policy), logs()}, want: map[string]any{path: []any{"DnsResponse"}}},
		"its settings were not read":      {resources: []*posture.Resource{network(policy), logs("log_categories")}, want: map[string]any{path: "unread: read log_categories"}},
		"resources were not listed":       {resources: []*posture.Resource{network(policy)}, refused: []*posture.Type{schema.ResourceDiagnosticsType}, want: map[string]any{path: "unread: list azure.monitor.resource_diagnostics"}},
		"a policy that is not among them": {resources: []*posture.Resource{network(policy)}, want: map[string]any{path: "unread: " + listResources}},
		"which policy was not read":       {resources: []*posture.Resource{network("", "dns_policy_id")}, want: map[string]any{path: "unread: read dns_policy_id"}},
	})
}

func TestClusterLogs(t *testing.T) {
	const id = own + "microsoft.containerservice/managedclusters/aks"
	cluster := func() *posture.Resource {
		return resource(schema.KubernetesClusterType, id, &schema.KubernetesCluster{})
	}
	check(t, map[string]derivation{
		"what its settings send": {resources: []*posture.Resource{cluster(), resource(schema.ResourceDiagnosticsType, id, &schema.ResourceDiagnostics{LogCategories: []string{"allLogs"}})},
			want: map[string]any{"log_categories": []any{"allLogs"}}},
		"resources were not listed": {resources: []*posture.Resource{cluster()}, refused: []*posture.Type{schema.ResourceDiagnosticsType},
			want: map[string]any{"log_categories": "unread: list azure.monitor.resource_diagnostics"}},
	})
}

func TestPublicAddresses(t *testing.T) {
	network := func() *posture.Resource { return resource(schema.VirtualNetworkType, web, &schema.VirtualNetwork{}) }
	address := func(holder, mode string, refused ...string) *posture.Resource {
		return resource(schema.PublicIPType, webPublic, &schema.PublicIP{AssociatedResourceID: holder, DDoSProtectionMode: mode}, refused...)
	}
	const gateway, balancer = own + "microsoft.network/applicationgateways/agw", own + "microsoft.network/loadbalancers/lb"
	held := func(mode string, holder *posture.Resource, id string, refused ...string) []*posture.Resource {
		out := []*posture.Resource{network(), address(id, mode, refused...)}
		if holder != nil {
			out = append(out, holder)
		}
		return out
	}
	values := func(all, bare any) map[string]any {
		return map[string]any{"public_ip_ids": all, "public_ips_without_ddos_protection": bare}
	}
	one, none := []any{webPublic}, []any{}
	check(t, map[string]derivation{
		"of an interface":                        {resources: held("VirtualNetworkInherited", card(&schema.NetworkInterface{}), webCard), want: values(one, one)},
		"protected by itself":                    {resources: held("Enabled", card(&schema.NetworkInterface{}), webCard), want: values(one, none)},
		"of an application gateway":              {resources: held("Disabled", resource(schema.ApplicationGatewayType, gateway, &schema.ApplicationGateway{SubnetIDs: []string{webApp}}), gateway), want: values(one, one)},
		"of a load balancer before an interface": {resources: held("Enabled", card(&schema.NetworkInterface{LoadBalancerIDs: []string{balancer}}), balancer), want: values(one, none)},
		"of one before a scale set": {resources: held("Enabled", resource(schema.ScaleSetType, "vmss", &schema.ScaleSet{Interfaces: []schema.ScaleSetInterface{
			{Name: "nic", SubnetIDs: []string{webApp}, LoadBalancerIDs: []string{balancer}}}}), balancer), want: values(one, none)},
		"of one before nothing":           {resources: held("Enabled", nil, balancer), want: values(none, none)},
		"of nothing":                      {resources: held("Enabled", nil, ""), want: values(none, none)},
		"of an interface elsewhere":       {resources: held("Enabled", card(&schema.NetworkInterface{SubnetIDs: []string{hub + "/subnets/a"}}), webCard), want: values(none, none)},
		"of a gateway that is not listed": {resources: held("Enabled", nil, gateway), want: values("unread: armnetwork.ApplicationGatewaysClient.NewListAllPager", "unread: armnetwork.ApplicationGatewaysClient.NewListAllPager")},
		"its holder was not read":         {resources: held("Enabled", nil, "", "associated_resource_id"), want: values("unread: read associated_resource_id", "unread: read associated_resource_id")},
		"its protection was not read": {resources: held("Enabled", card(&schema.NetworkInterface{}), webCard, "ddos_protection_mode"),
			want: values(one, "unread: read ddos_protection_mode")},
		"addresses were not read": {resources: []*posture.Resource{network()}, refused: []*posture.Type{schema.PublicIPType},
			want: values("unread: list azure.network.public_ip", "unread: list azure.network.public_ip")},
		"one known stands while others were not read": {resources: held("Disabled", card(&schema.NetworkInterface{}), webCard), refused: []*posture.Type{schema.PublicIPType},
			want: map[string]any{"public_ip_ids": one, "public_ip_ids[]": "unread: list azure.network.public_ip", "public_ips_without_ddos_protection": one}},
	})
}

func TestGatewayFirewall(t *testing.T) {
	const policy = own + "microsoft.network/applicationgatewaywebapplicationfirewallpolicies/waf"
	gateway := func(id string) *posture.Resource {
		return resource(schema.ApplicationGatewayType, "agw", &schema.ApplicationGateway{WAFPolicyID: id})
	}
	waf := resource(schema.WAFPolicyType, policy, &schema.WAFPolicy{Enabled: true, Mode: "Prevention", RequestBodyCheck: true}, "bot_rules_enabled")
	check(t, map[string]derivation{
		"a policy": {resources: []*posture.Resource{gateway(policy), waf},
			want: map[string]any{"waf_policy_enabled": true, "waf_policy_mode": "Prevention", "request_body_check": true, "bot_rules_enabled": "unread: read bot_rules_enabled"}},
		"none":                   {resources: []*posture.Resource{gateway(""), waf}, want: map[string]any{"waf_policy_enabled": false, "waf_policy_mode": ""}},
		"policies were not read": {resources: []*posture.Resource{gateway(policy)}, refused: []*posture.Type{schema.WAFPolicyType}, want: map[string]any{"waf_policy_mode": "unread: list azure.network.waf_policy"}},
		"one that is not there":  {resources: []*posture.Resource{gateway(policy)}, want: map[string]any{"waf_policy_mode": "unread: " + listWAFPolicies}},
	})
}

func TestInterfaceMachine(t *testing.T) {
	vm := resource(schema.VirtualMachineType, webVM, &schema.VirtualMachine{Resource: schema.Resource{Meta: posture.Meta{Tags: map[string]string{"role": "router"}}}})
	check(t, map[string]derivation{
		"a machine's tags":       {resources: []*posture.Resource{card(&schema.NetworkInterface{VMID: webVM}), vm}, want: map[string]any{"vm_tags": map[string]any{"role": "router"}}},
		"no machine":             {resources: []*posture.Resource{card(&schema.NetworkInterface{}), vm}, want: map[string]any{"vm_tags": map[string]any{}}},
		"machines were not read": {resources: []*posture.Resource{card(&schema.NetworkInterface{VMID: webVM})}, refused: []*posture.Type{schema.VirtualMachineType}, want: map[string]any{"vm_tags": "unread: list azure.compute.virtual_machine"}},
	})
}
