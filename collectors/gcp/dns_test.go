package gcp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/dns/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

func TestManagedZone(t *testing.T) {
	for name, test := range map[string]struct {
		zone dns.ManagedZone
		want schema.ManagedZone
	}{
		"what is not said is the default": {dns.ManagedZone{}, schema.ManagedZone{Visibility: "public", DNSSECState: "off"}},
		"signed with keys of the default": {
			dns.ManagedZone{DnssecConfig: &dns.ManagedZoneDnsSecConfig{State: "on"}},
			schema.ManagedZone{Visibility: "public", DNSSECState: "on"}},
		"signed with keys as asked for": {
			dns.ManagedZone{DnssecConfig: &dns.ManagedZoneDnsSecConfig{State: "transfer", DefaultKeySpecs: []*dns.DnsKeySpec{
				{KeyType: "zoneSigning", Algorithm: "rsasha256"}, {KeyType: "keySigning", Algorithm: "rsasha1"}}}},
			schema.ManagedZone{Visibility: "public", DNSSECState: "transfer", KSKAlgorithm: "rsasha1", ZSKAlgorithm: "rsasha256"}},
		"private": {dns.ManagedZone{Visibility: "private"}, schema.ManagedZone{Visibility: "private", DNSSECState: "off"}},
		"logged": {
			dns.ManagedZone{CloudLoggingConfig: &dns.ManagedZoneCloudLoggingConfig{EnableLogging: true}},
			schema.ManagedZone{Visibility: "public", DNSSECState: "off", QueryLogging: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(&test.want, newManagedZone(&test.zone)); diff != "" {
				t.Errorf("zone differs (-want +got):\n%s", diff)
			}
		})
	}
}
