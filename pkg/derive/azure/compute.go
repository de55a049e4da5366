package azure

import (
	"slices"
	"strconv"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// adminPorts are the TCP ports of SSH, Remote Desktop and Windows remote management.
var adminPorts = []int64{22, 3389, 5985, 5986}

// machineNetworks: the networks of machines, and what their security groups let in.
func machineNetworks(inv *derive.Inventory) {
	interfaces := derive.ByID(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType))
	filtering := newFiltering(inv)
	for _, m := range derive.Of[schema.VirtualMachine](inv, schema.VirtualMachineType).Items {
		ids := derive.Read(m, "nic_ids", m.V.NICIDs)
		named := func(of func(derive.Item[schema.NetworkInterface]) derive.Val[[]string]) derive.Val[[]string] {
			return derive.Then(ids, func(ids []string) derive.Val[[]string] {
				out := derive.Known([]string{})
				for _, id := range ids {
					out = derive.Map2(out, derive.Named(interfaces.All(id), listInterfaces, of), func(a, b []string) []string { return slices.Concat(a, b) })
				}
				return derive.Map(out, ordered)
			})
		}
		derive.Set(m, "public_ip_ids", &m.V.PublicIPIDs, named(func(n derive.Item[schema.NetworkInterface]) derive.Val[[]string] {
			return derive.Read(n, "public_ip_ids", n.V.PublicIPIDs)
		}))
		derive.Set(m, "subnet_ids", &m.V.SubnetIDs, named(func(n derive.Item[schema.NetworkInterface]) derive.Val[[]string] {
			return derive.Read(n, "subnet_ids", n.V.SubnetIDs)
		}))
		some := func(fits func(derive.Item[schema.NetworkInterface]) derive.Val[bool]) derive.Val[bool] {
			return derive.Then(ids, func(ids []string) derive.Val[bool] {
				return anyOf(ids, func(id string) derive.Val[bool] { return derive.Named(interfaces.All(id), listInterfaces, fits) })
			})
		}
		derive.Set(m, "nsg_protected", &m.V.NSGProtected, derive.Not(some(filtering.bare)))
		open := derive.Elements[string]{Known: []string{}}
		for _, port := range adminPorts {
			reached := some(func(n derive.Item[schema.NetworkInterface]) derive.Val[bool] { return filtering.reaches(n, port) })
			if yes, _ := reached.Get(); yes {
				open.Known = append(open.Known, strconv.FormatInt(port, 10))
			}
			open.Missing = slices.Concat(open.Missing, reached.Causes())
		}
		derive.SetList(m, "open_admin_ports", &m.V.OpenAdminPorts, open)
		derive.Set(m, "management_port_rules", &m.V.ManagementPortRules, some(filtering.administered))
	}
}

// scaleSetNetworks: whether something filters what reaches the instances.
func scaleSetNetworks(inv *derive.Inventory) {
	filtering := newFiltering(inv)
	for _, s := range derive.Of[schema.ScaleSet](inv, schema.ScaleSetType).Items {
		derive.Set(s, "nsg_protected", &s.V.NSGProtected, derive.Then(derive.Read(s, "interfaces", s.V.Interfaces), func(list []schema.ScaleSetInterface) derive.Val[bool] {
			var every []derive.Val[bool]
			for _, n := range list {
				every = append(every, derive.Not(filtering.none(n.NSGID, n.SubnetIDs)))
			}
			return derive.And(every...)
		}))
	}
}

// filtering looks at the security groups of interfaces and of the subnets they are in.
type filtering struct {
	subnets   derive.Index[schema.Subnet]
	groups    derive.Index[schema.NetworkSecurityGroup]
	addresses derive.Index[schema.PublicIP]
}

func newFiltering(inv *derive.Inventory) filtering {
	return filtering{
		derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType)), derive.ByID(derive.Of[schema.NetworkSecurityGroup](inv, schema.NetworkSecurityGroupType)),
		derive.ByID(derive.Of[schema.PublicIP](inv, schema.PublicIPType)),
	}
}

// ofSubnet is the id of a subnet's security group.
func (f filtering) ofSubnet(id string) derive.Val[string] {
	return derive.Named(f.subnets.All(id), listNetworks, func(s derive.Item[schema.Subnet]) derive.Val[string] { return derive.Read(s, "nsg_id", s.V.NSGID) })
}

// none: neither the interface itself has a security group nor each of its subnets.
func (f filtering) none(group string, subnets []string) derive.Val[bool] {
	if group != "" {
		return derive.Known(false)
	}
	return anyOf(subnets, func(id string) derive.Val[bool] { return is(f.ofSubnet(id), "") })
}

// bare is none of a single interface.
func (f filtering) bare(n derive.Item[schema.NetworkInterface]) derive.Val[bool] {
	return derive.Then(derive.Read(n, "nsg_id", n.V.NSGID), func(group string) derive.Val[bool] {
		return derive.Then(derive.Read(n, "subnet_ids", n.V.SubnetIDs), func(subnets []string) derive.Val[bool] { return f.none(group, subnets) })
	})
}

// reaches: the internet gets to a TCP port through every security group on its way. Without any on its way it gets through to an
// address of the Basic kind only: the Standard kind is closed until a group opens it.
func (f filtering) reaches(n derive.Item[schema.NetworkInterface], port int64) derive.Val[bool] {
	lets := func(id string) derive.Val[bool] {
		if id == "" {
			return derive.Known(true)
		}
		return derive.Named(f.groups.All(id), listGroups, func(g derive.Item[schema.NetworkSecurityGroup]) derive.Val[bool] {
			return derive.Map(derive.Read(g, "open_tcp_ports", g.V.OpenTCPPorts), func(open []schema.PortRange) bool {
				return slices.ContainsFunc(open, func(p schema.PortRange) bool { return p.From <= port && port <= p.To })
			})
		})
	}
	open := derive.Then(derive.Read(n, "public_ip_ids", n.V.PublicIPIDs), func(ids []string) derive.Val[bool] {
		return anyOf(ids, func(id string) derive.Val[bool] {
			return derive.Named(f.addresses.All(id), listAddresses, func(a derive.Item[schema.PublicIP]) derive.Val[bool] {
				return is(derive.Read(a, "sku", a.V.SKU), "Basic")
			})
		})
	})
	own := derive.Read(n, "nsg_id", n.V.NSGID)
	return derive.Then(derive.Read(n, "subnet_ids", n.V.SubnetIDs), func(subnets []string) derive.Val[bool] {
		return anyOf(subnets, func(id string) derive.Val[bool] {
			outer := f.ofSubnet(id)
			unfiltered := derive.And(is(own, ""), is(outer, ""))
			return derive.And(derive.Then(own, lets), derive.Then(outer, lets), derive.Or(derive.Not(unfiltered), open))
		})
	})
}

// administered: a security group on the way of an interface has a rule that lets somebody in on an administrative port.
func (f filtering) administered(n derive.Item[schema.NetworkInterface]) derive.Val[bool] {
	has := func(id string) derive.Val[bool] {
		if id == "" {
			return derive.Known(false)
		}
		return derive.Named(f.groups.All(id), listGroups, func(g derive.Item[schema.NetworkSecurityGroup]) derive.Val[bool] {
			return derive.Map(derive.Read(g, "rules", g.V.Rules), func(rules []schema.SecurityRule) bool { return slices.ContainsFunc(rules, allowsAdmin) })
		})
	}
	return derive.Or(derive.Then(derive.Read(n, "nsg_id", n.V.NSGID), has), derive.Then(derive.Read(n, "subnet_ids", n.V.SubnetIDs), func(subnets []string) derive.Val[bool] {
		return anyOf(subnets, func(id string) derive.Val[bool] { return derive.Then(f.ofSubnet(id), has) })
	}))
}

func allowsAdmin(r schema.SecurityRule) bool {
	if r.Direction != "Inbound" || r.Access != "Allow" || r.Protocol != "*" && r.Protocol != "Tcp" {
		return false
	}
	return slices.ContainsFunc(r.DestinationPorts, func(text string) bool {
		ports, _ := portsOf(text)
		return slices.ContainsFunc(adminPorts, func(p int64) bool { return ports.From <= p && p <= ports.To })
	})
}
