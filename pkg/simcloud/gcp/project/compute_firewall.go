package project

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Packet filters of all kinds: rules on a network, policies that networks share, and policies above the projects. Each rule of the
// kinds with defects is an allowance of HTTPS that may be too wide.
var firewallService = service{
	api: "compute.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.firewall", Sort: inProject, Global: true, Count: 8, Defects: ruleDefects,
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.compute.firewall_rule", computePath(it, "firewalls", it.Name())), ruleVerdicts(it)
			},
		},
		{Name: "gcp.network-policy", Sort: inProject, Global: true, Count: 2, Defects: ruleDefects,
			Expect: expectPolicyRule, ExpectMore: expectLastRules("gcp.network-policy")},
		{Name: "gcp.regional-policy", Sort: inProject, Count: 1, Defects: ruleDefects,
			Expect: expectPolicyRule, ExpectMore: expectLastRules("gcp.regional-policy")},
		{Name: "gcp.hierarchical-policy", Sort: inOrganization, Global: true, Count: 3, Defects: ruleDefects,
			Expect: expectPolicyRule, ExpectMore: expectLastRules("gcp.hierarchical-policy")},
		{
			Name: "gcp.quarantine-policy", Sort: inOrganization, Global: true, Count: 1, Fixed: true, ExpectMore: expectLastRules("gcp.quarantine-policy"),
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return ruleKey(it, allowance), allPass
			},
		},
	},
	handle: handleFirewalls,
}

var ruleDefects = []world.Defect{
	{Name: "open-ssh", Share: 0.1, Drift: 0.2}, {Name: "open-rdp", Share: 0.1, Drift: 0.2}, {Name: "open-database", Share: 0.1, Drift: 0.2},
	{Name: "open-all", Share: 0.1, Drift: 0.2}, {Name: "in-halves", Share: 0.3}, {Name: "unsaid", Share: 0.1},
	{Name: "disabled", Share: 0.1}, {Name: "inside", Share: 0.15}, {Name: "tagged", Share: 0.15}, {Name: "loose", Share: 0.2},
}

// ruleVerdicts: a rule that is off, or lets in only what is inside, opens nothing.
func ruleVerdicts(it *world.Item) map[string]posture.Result {
	open := !it.Has("disabled") && !it.Has("inside") && !it.Has("tagged")
	all := it.Has("open-all")
	return map[string]posture.Result{
		"gcp-firewall-no-open-ssh":             failIf(open && (all || it.Has("open-ssh"))),
		"gcp-firewall-no-open-rdp":             failIf(open && (all || it.Has("open-rdp"))),
		"gcp-firewall-no-open-all-ports":       failIf(open && all),
		"gcp-firewall-no-open-sensitive-ports": failIf(open && (all || it.Has("open-database"))),
	}
}

// allPass is what the rules say of one that opens nothing.
var allPass = map[string]posture.Result{"gcp-firewall-no-open-ssh": posture.Pass, "gcp-firewall-no-open-rdp": posture.Pass,
	"gcp-firewall-no-open-all-ports": posture.Pass, "gcp-firewall-no-open-sensitive-ports": posture.Pass}

func expectClosed(out map[world.Judged]posture.Result, key posture.Key) {
	for rule, result := range allPass {
		out[world.Judged{Rule: rule, Resource: key}] = result
	}
}

// Every policy has an allowance, and at the end rules that hand on to the next filter.
const (
	allowance   = 1000
	lastEgress  = 2147483646
	lastIngress = 2147483647
)

func expectPolicyRule(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	return ruleKey(it, allowance), ruleVerdicts(it)
}

func expectLastRules(kind string) func(*world.State) map[world.Judged]posture.Result {
	return func(s *world.State) map[world.Judged]posture.Result {
		out := map[world.Judged]posture.Result{}
		for _, it := range s.Items(kind) {
			expectClosed(out, ruleKey(it, lastEgress))
			expectClosed(out, ruleKey(it, lastIngress))
		}
		return out
	}
}

func ruleKey(it *world.Item, priority int64) posture.Key {
	return in(it.Region, "gcp.compute.firewall_rule", filterPath(it)+"/rules/"+strconv.FormatInt(priority, 10))
}

// filterPath is the path of a policy. Those above projects have a number for a name.
func filterPath(it *world.Item) string {
	if it.Account.Sort == inOrganization {
		return "locations/global/firewallPolicies/" + hierarchicalName(it)
	}
	return computePath(it, "firewallPolicies", it.Name())
}

func hierarchicalName(it *world.Item) string {
	return strconv.FormatUint(100_000_000_000+numberOf(it)%900_000_000_000, 10)
}

// quarantined folders let nothing out: the policy for that is associated with them.
func quarantined(folder string) bool {
	return strings.HasPrefix(folder, "folders/") && strings.HasSuffix(folder, "2")
}

// sources are where an allowance lets traffic in from.
func sources(it *world.Item) (ranges, tags []string) {
	switch {
	case it.Has("tagged"):
		return nil, []string{"web"}
	case it.Has("inside"):
		return []string{"10.0.0.0/8", "192.168.0.0/16"}, nil
	case it.Has("in-halves"):
		return []string{"128.0.0.0/1", "0.0.0.0/2", "64.0.0.0/2"}, nil
	case it.Pick(3, "family") == 0:
		return []string{"::/0"}, nil
	}
	return []string{"0.0.0.0/0"}, []string{"web"}
}

// allowed are the protocols and ports of an allowance.
func allowed(it *world.Item) []*compute.FirewallAllowed {
	if it.Has("open-all") {
		switch it.Pick(3, "all") {
		case 0:
			return []*compute.FirewallAllowed{{IPProtocol: "all"}}
		case 1:
			return []*compute.FirewallAllowed{{IPProtocol: "tcp"}, {IPProtocol: "udp"}, {IPProtocol: "icmp"}}
		}
		return []*compute.FirewallAllowed{{IPProtocol: "6", Ports: []string{"1-65535"}}}
	}
	tcp := &compute.FirewallAllowed{IPProtocol: "tcp", Ports: []string{"443"}}
	out := []*compute.FirewallAllowed{tcp}
	if it.Has("open-ssh") {
		tcp.Ports = append(tcp.Ports, "22")
	}
	if it.Has("open-database") {
		tcp.Ports = append(tcp.Ports, "5000-5999")
	}
	if it.Has("open-rdp") {
		if it.Pick(2, "rdp") == 0 {
			out = append(out, &compute.FirewallAllowed{IPProtocol: "udp", Ports: []string{"3389"}})
		} else {
			tcp.Ports = append(tcp.Ports, "3380-3390")
		}
	}
	return out
}

func handleFirewalls(s *gcp.Server, w *states) {
	gcp.List(s, "compute.firewalls.list", "items", func(c gcp.Call) (*compute.FirewallList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.FirewallList{Kind: "compute#firewallList"}
		for _, it := range state.Items("gcp.network") {
			out.Items = append(out.Items, egressRule(state, it))
		}
		for _, it := range state.Items("gcp.firewall") {
			out.Items = append(out.Items, newFirewall(state, it))
		}
		return out, nil
	})
	listAggregated(s, w, "compute.networkFirewallPolicies.aggregatedList", "compute#networkFirewallPoliciesAggregatedList", "firewallPolicies",
		func(state *world.State) map[string][]*compute.FirewallPolicy {
			out := map[string][]*compute.FirewallPolicy{}
			for _, it := range slices.Concat(state.Items("gcp.network-policy"), state.Items("gcp.regional-policy")) {
				out[it.Region] = append(out[it.Region], listed(networkPolicy(state, it)))
			}
			return out
		})
	get := func(kind string) func(gcp.Call) (*compute.FirewallPolicy, error) {
		return func(c gcp.Call) (*compute.FirewallPolicy, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			for _, it := range state.Items(kind) {
				if it.Name() == c.Params["firewallPolicy"] && (it.Region == posture.Global || it.Region == c.Params["region"]) {
					return networkPolicy(state, it), nil
				}
			}
			return nil, gcp.NotFound("The firewall policy")
		}
	}
	gcp.Handle(s, "compute.networkFirewallPolicies.get", get("gcp.network-policy"))
	gcp.Handle(s, "compute.regionNetworkFirewallPolicies.get", get("gcp.regional-policy"))
	gcp.List(s, "compute.firewallPolicies.list", "items", func(c gcp.Call) (*compute.FirewallPolicyList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.FirewallPolicyList{Kind: "compute#firewallPolicyList"}
		for _, p := range hierarchicalPolicies(state) {
			if p.Parent == c.Query.Get("parentId") {
				out.Items = append(out.Items, listed(p))
			}
		}
		return out, nil
	})
	gcp.Handle(s, "compute.firewallPolicies.get", func(c gcp.Call) (*compute.FirewallPolicy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, p := range hierarchicalPolicies(state) {
			if p.Name == c.Params["firewallPolicy"] {
				return p, nil
			}
		}
		return nil, gcp.NotFound("The firewall policy")
	})
}

// listed is a policy as lists show it: without its rules.
func listed(p *compute.FirewallPolicy) *compute.FirewallPolicy {
	short := *p
	short.Rules = nil
	return &short
}

func newFirewall(state *world.State, it *world.Item) *compute.Firewall {
	f := &compute.Firewall{
		Kind: "compute#firewall", Id: numberOf(it), Name: it.Name(), CreationTimestamp: stamp(state.Long(it, 60)), Direction: "INGRESS", Priority: 1000,
		SelfLink: computeURL + computePath(it, "firewalls", it.Name()), Network: computeURL + networkPath(networkOf(state, it.Index)),
		Allowed: allowed(it), Disabled: it.Has("disabled"), LogConfig: &compute.FirewallLogConfig{Enable: it.Pick(2, "log") == 0},
	}
	f.SourceRanges, f.SourceTags = sources(it)
	if it.Has("unsaid") && len(f.SourceTags) > 0 && len(f.SourceRanges) > 0 {
		f.SourceRanges, f.SourceTags = nil, nil // which is everything
	}
	switch it.Pick(3, "targets") {
	case 0:
		f.TargetTags = []string{"frontend"}
	case 1:
		if f.SourceTags == nil { // accounts and tags do not go together
			f.TargetServiceAccounts = []string{"frontend@" + it.Account.ID + ".iam.gserviceaccount.com"}
		}
	}
	return f
}

// newPolicy is a policy with the rules that all have.
func newPolicy(state *world.State, it *world.Item) *compute.FirewallPolicy {
	p := &compute.FirewallPolicy{
		Kind: "compute#firewallPolicy", Id: numberOf(it), Name: it.Name(), CreationTimestamp: stamp(state.Long(it, 90)), Fingerprint: "Zg3fVZ0=",
		SelfLink: computeURL + filterPath(it), RuleTupleCount: 12,
	}
	ranges, tags := sources(it)
	rule := &compute.FirewallPolicyRule{
		Kind: "compute#firewallPolicyRule", Priority: allowance, Direction: "INGRESS", Action: "allow", Disabled: it.Has("disabled"), EnableLogging: true,
		Match: &compute.FirewallPolicyRuleMatcher{SrcIpRanges: ranges},
	}
	if it.Pick(2, "named") == 0 {
		rule.RuleName = "allow-clients"
	}
	for range tags {
		rule.Match.SrcSecureTags = append(rule.Match.SrcSecureTags, &compute.FirewallPolicyRuleSecureTag{Name: "tagValues/281479", State: "EFFECTIVE"})
	}
	switch {
	case it.Has("inside"):
		rule.Match.SrcIpRanges = []string{"0.0.0.0/0"}
		rule.Match.SrcNetworkContext = "NON_INTERNET"
	case it.Has("tagged"):
		rule.Match.SrcFqdns, rule.Match.SrcRegionCodes = []string{"office.acme.example"}, []string{"CH"}
	}
	for _, a := range allowed(it) {
		rule.Match.Layer4Configs = append(rule.Match.Layer4Configs, &compute.FirewallPolicyRuleMatcherLayer4Config{IpProtocol: a.IPProtocol, Ports: a.Ports})
	}
	all := []*compute.FirewallPolicyRuleMatcherLayer4Config{{IpProtocol: "all"}}
	p.Rules = []*compute.FirewallPolicyRule{
		rule,
		{Kind: "compute#firewallPolicyRule", Priority: lastEgress, Direction: "EGRESS", Action: "goto_next",
			Match: &compute.FirewallPolicyRuleMatcher{DestIpRanges: []string{"0.0.0.0/0"}, Layer4Configs: all}},
		{Kind: "compute#firewallPolicyRule", Priority: lastIngress, Direction: "INGRESS", Action: "goto_next",
			Match: &compute.FirewallPolicyRuleMatcher{SrcIpRanges: []string{"0.0.0.0/0"}, Layer4Configs: all}},
	}
	return p
}

// networkPolicy is one of the project's own, associated with a network unless it is loose.
func networkPolicy(state *world.State, it *world.Item) *compute.FirewallPolicy {
	p := newPolicy(state, it)
	if it.Region != posture.Global {
		p.Region = computeURL + "projects/" + it.Account.ID + "/regions/" + it.Region
	}
	if it.Pick(2, "targets") == 0 {
		p.Rules[0].TargetServiceAccounts = []string{"frontend@" + it.Account.ID + ".iam.gserviceaccount.com"}
	}
	if !it.Has("loose") {
		p.Associations = []*compute.FirewallPolicyAssociation{{Name: it.Name(), FirewallPolicyId: strconv.FormatUint(p.Id, 10),
			AttachmentTarget: computeURL + networkPath(networkOf(state, it.Index))}}
	}
	return p
}

// hierarchicalPolicies are those of an organization and its folders.
func hierarchicalPolicies(state *world.State) []*compute.FirewallPolicy {
	organization, folders := state.Account.ID, foldersOf(state.World, state.Account.ID)
	var out []*compute.FirewallPolicy
	add := func(it *world.Item, p *compute.FirewallPolicy, parent string, nodes ...string) {
		p.Name, p.ShortName, p.Parent = hierarchicalName(it), it.Name(), parent
		for _, node := range nodes {
			p.Associations = append(p.Associations,
				&compute.FirewallPolicyAssociation{Name: node, FirewallPolicyId: p.Name, AttachmentTarget: node, ShortName: p.ShortName})
		}
		out = append(out, p)
	}
	for _, it := range state.Items("gcp.hierarchical-policy") {
		parent := organization
		if len(folders) > 0 && it.Index%2 == 1 {
			parent = folders[0]
		}
		p := newPolicy(state, it)
		if it.Has("loose") {
			add(it, p, parent)
		} else {
			add(it, p, parent, parent)
		}
	}
	for _, it := range state.Items("gcp.quarantine-policy") {
		p := newPolicy(state, it)
		p.Rules[0].Direction, p.Rules[0].Action = "EGRESS", "deny"
		p.Rules[0].Match = &compute.FirewallPolicyRuleMatcher{
			DestIpRanges: []string{"0.0.0.0/0"}, Layer4Configs: []*compute.FirewallPolicyRuleMatcherLayer4Config{{IpProtocol: "all"}},
		}
		add(it, p, organization, slices.DeleteFunc(folders, func(f string) bool { return !quarantined(f) })...)
	}
	return out
}
