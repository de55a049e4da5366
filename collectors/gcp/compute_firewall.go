package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var firewallRules = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FirewallRuleType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.firewalls.list", Permission: "compute.firewalls.list", Body: collectors.Store},
		{Name: "compute.networkFirewallPolicies.aggregatedList", Permission: "compute.firewallPolicies.list", Body: collectors.Store},
		{Name: "compute.networkFirewallPolicies.get", Permission: "compute.firewallPolicies.get", Body: collectors.Store},
		{Name: "compute.regionNetworkFirewallPolicies.get", Permission: "compute.regionFirewallPolicies.get", Body: collectors.Store},
	},
	Collect: collectFirewallRules,
}

// collectFirewallRules reads the project's own rules: those set on networks one by one, and those of network policies.
func collectFirewallRules(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Firewalls.List(c.project).MaxResults(largestPage).Pages(ctx, func(page *compute.FirewallList) error {
		if code := warned(page.Warning); leavesOut(code) {
			return unreachable("compute.firewalls.list", code)
		}
		for _, f := range page.Items {
			emit(resourcePath(f.SelfLink), collectors.In(posture.Global, newVPCRule(c, f)))
		}
		return nil
	})
	if err != nil {
		err = collectors.IncompleteIn(posture.Global, schema.FirewallRuleType, fmt.Errorf("list VPC firewall rules: %w", err))
	}
	return errors.Join(err, collectNetworkPolicies(ctx, c, api, emit))
}

// collectNetworkPolicies reads each listed policy by itself: lists may show policies without all that is in them.
func collectNetworkPolicies(ctx context.Context, c *client, api *compute.Service, emit collectors.Emit) error {
	missing := omissions{operation: "compute.networkFirewallPolicies.aggregatedList", of: schema.FirewallRuleType}
	type policy struct{ location, name string }
	listed := map[policy]bool{}
	list := api.NetworkFirewallPolicies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err := eachPage(list.Do, func(page *compute.NetworkFirewallPolicyAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.FirewallPolicies {
				listed[policy{path.Base(scope), p.Name}] = true
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list network firewall policies: %w", err)
	}
	failed := []error{err, missing.err()}
	for at := range listed {
		var p *compute.FirewallPolicy
		var err error
		if at.location == posture.Global {
			p, err = api.NetworkFirewallPolicies.Get(c.project, at.name).Context(ctx).Do()
		} else {
			p, err = api.RegionNetworkFirewallPolicies.Get(c.project, at.location, at.name).Context(ctx).Do()
		}
		if err != nil {
			err = fmt.Errorf("read firewall policy %s: %w", at.name, err)
			failed = append(failed, collectors.IncompleteIn(at.location, schema.FirewallRuleType, err))
			continue
		}
		var networks []string
		for _, a := range p.Associations {
			networks = append(networks, networkPath(c, a.AttachmentTarget))
		}
		for _, r := range p.Rules {
			out := newPolicyRule(resourcePath(p.SelfLink), p, r)
			out.Source, out.Networks = "network_policy", ordered(networks)
			emit(ruleID(out), collectors.In(at.location, out))
		}
	}
	return errors.Join(failed...)
}

var hierarchicalFirewallRules = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FirewallRuleType},
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.folders.search", Permission: "resourcemanager.folders.get", Body: collectors.Store},
		{Name: "compute.firewallPolicies.list", Permission: "compute.firewallPolicies.list", Body: collectors.Store},
		{Name: "compute.firewallPolicies.get", Permission: "compute.firewallPolicies.get", Body: collectors.Store},
	},
	Collect: collectHierarchicalFirewallRules,
}

// collectHierarchicalFirewallRules reads the policies of the organization and of every folder, each by itself as above.
func collectHierarchicalFirewallRules(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	nodes := []string{c.organization}
	folders, err := ownFolders(ctx, c)
	if err != nil {
		return fmt.Errorf("list folders with firewall policies: %w", err)
	}
	for _, f := range folders {
		if f.State == "ACTIVE" { // others are on their way out
			nodes = append(nodes, f.Name)
		}
	}
	var failed []error
	listed := map[string]bool{} // numbers of policies
	for _, node := range nodes {
		err := api.FirewallPolicies.List().ParentId(node).MaxResults(largestPage).Pages(ctx, func(page *compute.FirewallPolicyList) error {
			if code := warned(page.Warning); leavesOut(code) {
				return unreachable("compute.firewallPolicies.list", code)
			}
			for _, p := range page.Items {
				listed[p.Name] = true
			}
			return nil
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("list firewall policies of %s: %w", node, err))
		}
	}
	for name := range listed {
		p, err := api.FirewallPolicies.Get(name).Context(ctx).Do()
		if err != nil {
			failed = append(failed, fmt.Errorf("read firewall policy %s: %w", name, err))
			continue
		}
		for _, r := range p.Rules {
			out := newPolicyRule("locations/global/firewallPolicies/"+p.Name, p, r)
			out.Source, out.Networks, out.Nodes = "hierarchical_policy", []string{}, associatedNodes(p)
			emit(ruleID(out), out)
		}
	}
	return errors.Join(failed...)
}

// associatedNodes are the folders and organizations that a hierarchical policy works on.
func associatedNodes(p *compute.FirewallPolicy) []string {
	var out []string
	for _, a := range p.Associations {
		for _, kind := range []string{"folders/", "organizations/"} {
			if _, number, ok := strings.Cut(a.AttachmentTarget, kind); ok {
				out = append(out, kind+number)
			}
		}
	}
	return ordered(out)
}

func newVPCRule(c *client, f *compute.Firewall) *schema.FirewallRule {
	out := &schema.FirewallRule{
		Meta:   posture.Meta{Name: f.Name, CreatedAt: timestamp(f.CreationTimestamp)},
		Source: "vpc", Networks: []string{networkPath(c, f.Network)}, Nodes: []string{},
		Direction: cmp.Or(f.Direction, "INGRESS"), Action: "allow", Priority: f.Priority, Disabled: f.Disabled,
		SourceRanges: ordered(f.SourceRanges), SourceTags: ordered(f.SourceTags), SourceServiceAccounts: ordered(f.SourceServiceAccounts),
		SourceObjects: []string{}, DestinationRanges: ordered(f.DestinationRanges), DestinationObjects: []string{},
		Targets: ordered(f.TargetTags, f.TargetServiceAccounts), Layer4: []schema.ProtocolPorts{},
		LogEnabled: f.LogConfig != nil && f.LogConfig.Enable,
	}
	for _, a := range f.Allowed {
		out.Layer4 = append(out.Layer4, protocolPorts(a.IPProtocol, a.Ports))
	}
	for _, d := range f.Denied { // a rule has one or the other
		out.Action = "deny"
		out.Layer4 = append(out.Layer4, protocolPorts(d.IPProtocol, d.Ports))
	}
	return out
}

func newPolicyRule(policy string, p *compute.FirewallPolicy, r *compute.FirewallPolicyRule) *schema.FirewallRule {
	priority := strconv.FormatInt(r.Priority, 10)
	out := &schema.FirewallRule{
		Meta:   posture.Meta{Name: cmp.Or(r.RuleName, cmp.Or(p.ShortName, p.Name)+"/"+priority)},
		Policy: policy, Nodes: []string{},
		Direction: r.Direction, Action: strings.ToLower(r.Action), Priority: r.Priority, Disabled: r.Disabled,
		SourceServiceAccounts: []string{}, Layer4: []schema.ProtocolPorts{}, LogEnabled: r.EnableLogging,
	}
	var targets []string
	for _, link := range append(slices.Clone(r.TargetResources), r.TargetForwardingRules...) {
		targets = append(targets, resourcePath(link))
	}
	out.Targets = ordered(targets, r.TargetServiceAccounts, tagValues(r.TargetSecureTags))
	m := cmp.Or(r.Match, &compute.FirewallPolicyRuleMatcher{})
	out.SourceRanges, out.SourceTags = ordered(m.SrcIpRanges), ordered(tagValues(m.SrcSecureTags))
	out.SourceObjects = ordered(m.SrcAddressGroups, m.SrcFqdns, m.SrcRegionCodes, m.SrcThreatIntelligences, m.SrcNetworks)
	out.SourceNetworkType = networkType(m.SrcNetworkType, m.SrcNetworkContext)
	out.DestinationRanges = ordered(m.DestIpRanges)
	out.DestinationObjects = ordered(m.DestAddressGroups, m.DestFqdns, m.DestRegionCodes, m.DestThreatIntelligences)
	out.DestinationNetworkType = networkType(m.DestNetworkType, m.DestNetworkContext)
	for _, l := range m.Layer4Configs {
		out.Layer4 = append(out.Layer4, protocolPorts(l.IpProtocol, l.Ports))
	}
	return out
}

// ruleID names a policy's rule by its priority: names need not be given.
func ruleID(r *schema.FirewallRule) string {
	return r.Policy + "/rules/" + strconv.FormatInt(r.Priority, 10)
}

func protocolPorts(protocol string, ports []string) schema.ProtocolPorts {
	return schema.ProtocolPorts{Protocol: strings.ToLower(protocol), Ports: append([]string{}, ports...)}
}

func tagValues(tags []*compute.FirewallPolicyRuleSecureTag) []string {
	var out []string
	for _, t := range tags {
		out = append(out, t.Name)
	}
	return out
}

// networkType is where traffic comes from or goes to as an older and a newer member say.
func networkType(values ...string) string {
	for _, v := range values {
		if v != "" && v != "UNSPECIFIED" {
			return v
		}
	}
	return ""
}

// ordered is the lists as one, sorted: their order is not the cloud's to promise.
func ordered(lists ...[]string) []string {
	out := append([]string{}, slices.Concat(lists...)...)
	slices.Sort(out)
	return out
}
