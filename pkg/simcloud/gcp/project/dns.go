package project

import (
	"google.golang.org/api/dns/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Cloud DNS: zones, and a policy for the networks whose lookups are logged and one for the others.
var dnsService = service{
	api: "dns.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.zone", Sort: inProject, Global: true, Count: 6,
		Defects: []world.Defect{{Name: "private", Share: 0.25}, {Name: "unsigned", Share: 0.25, Drift: 0.15}, {Name: "moving", Share: 0.1, Drift: 0.05},
			{Name: "sha1-key-signing", Share: 0.2}, {Name: "sha1-zone-signing", Share: 0.15}, {Name: "unspecified", Share: 0.25}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			private, unsigned := it.Has("private"), it.Has("unsigned")
			sha1 := (it.Has("sha1-key-signing") || it.Has("sha1-zone-signing")) && !it.Has("unspecified")
			return keyOf("gcp.dns.managed_zone", "projects/"+it.Account.ID+"/managedZones/"+it.Name()), map[string]posture.Result{
				"gcp-dns-zone-dnssec-enabled": unless(private, failIf(unsigned || it.Has("moving"))),
				"gcp-dns-zone-no-rsasha1":     unless(private || unsigned, failIf(sha1)),
			}
		},
	}},
	handle: handleDNS,
}

func handleDNS(s *gcp.Server, w *states) {
	gcp.List(s, "dns.managedZones.list", "managedZones", func(c gcp.Call) (*dns.ManagedZonesListResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &dns.ManagedZonesListResponse{Kind: "dns#managedZonesListResponse"}
		for _, it := range state.Items("gcp.zone") {
			out.ManagedZones = append(out.ManagedZones, newZone(state, it))
		}
		return out, nil
	})
	gcp.List(s, "dns.policies.list", "policies", func(c gcp.Call) (*dns.PoliciesListResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		logged := &dns.Policy{Kind: "dns#policy", Id: 71, Name: "logged", EnableLogging: true}
		unlogged := &dns.Policy{Kind: "dns#policy", Id: 72, Name: "unlogged", EnableInboundForwarding: true}
		for i, it := range state.Items("gcp.network") {
			project := it.Account.ID
			if i%2 == 1 { // as good a name
				project = Number(project)
			}
			bound := &dns.PolicyNetwork{Kind: "dns#policyNetwork", NetworkUrl: computeURL + "projects/" + project + "/global/networks/" + networkName(it)}
			switch {
			case !it.Has("lookups-unlogged"):
				logged.Networks = append(logged.Networks, bound)
			case it.Pick(2, "policy") == 0:
				unlogged.Networks = append(unlogged.Networks, bound)
			}
		}
		return &dns.PoliciesListResponse{Kind: "dns#policiesListResponse", Policies: []*dns.Policy{logged, unlogged}}, nil
	})
}

func newZone(state *world.State, it *world.Item) *dns.ManagedZone {
	z := &dns.ManagedZone{
		Kind: "dns#managedZone", Id: numberOf(it), Name: it.Name(), DnsName: it.Name() + ".acme.example.", CreationTime: stamp(state.Long(it, 150)),
		Visibility: "public", Labels: map[string]string{"team": "web"}, NameServers: []string{"ns-cloud-a1.googledomains.com."},
		CloudLoggingConfig: &dns.ManagedZoneCloudLoggingConfig{Kind: "dns#managedZoneCloudLoggingConfig", EnableLogging: it.Pick(2, "log") == 0},
		DnssecConfig:       &dns.ManagedZoneDnsSecConfig{Kind: "dns#managedZoneDnsSecConfig", State: "on", NonExistence: "nsec3"},
	}
	key := func(kind, defect string) {
		spec := &dns.DnsKeySpec{Kind: "dns#dnsKeySpec", KeyType: kind, Algorithm: "ecdsap256sha256", KeyLength: 256}
		if it.Has(defect) {
			spec.Algorithm, spec.KeyLength = "rsasha1", 2048
		}
		z.DnssecConfig.DefaultKeySpecs = append(z.DnssecConfig.DefaultKeySpecs, spec)
	}
	if !it.Has("unspecified") {
		key("keySigning", "sha1-key-signing")
		key("zoneSigning", "sha1-zone-signing")
	}
	switch {
	case it.Has("unsigned") && it.Pick(2, "off") == 0:
		z.DnssecConfig = nil
	case it.Has("unsigned"):
		z.DnssecConfig.State = "off"
	case it.Has("moving"):
		z.DnssecConfig.State = "transfer"
	}
	if it.Has("private") {
		z.Visibility, z.DnssecConfig, z.CloudLoggingConfig, z.NameServers = "private", nil, nil, nil
		z.PrivateVisibilityConfig = &dns.ManagedZonePrivateVisibilityConfig{Kind: "dns#managedZonePrivateVisibilityConfig"}
	}
	return z
}
