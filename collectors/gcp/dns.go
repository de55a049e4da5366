package gcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/api/dns/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var managedZones = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.ManagedZoneType},
	Operations: []collectors.Operation{{Name: "dns.managedZones.list", Permission: "dns.managedZones.list", Body: collectors.Store}},
	Collect:    collectManagedZones,
}

func collectManagedZones(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := dns.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.ManagedZones.List(c.project).MaxResults(100).Pages(ctx, func(page *dns.ManagedZonesListResponse) error {
		for _, z := range page.ManagedZones {
			emit(c.node+"/managedZones/"+z.Name, newManagedZone(z))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	return nil
}

func newManagedZone(z *dns.ManagedZone) *schema.ManagedZone {
	out := &schema.ManagedZone{
		Meta:    posture.Meta{Name: z.Name, Tags: z.Labels, CreatedAt: timestamp(z.CreationTime)},
		DNSName: z.DnsName, Visibility: cmp.Or(z.Visibility, "public"), DNSSECState: "off",
		QueryLogging: z.CloudLoggingConfig != nil && z.CloudLoggingConfig.EnableLogging,
	}
	if sec := z.DnssecConfig; sec != nil {
		out.DNSSECState = cmp.Or(sec.State, "off")
		for _, key := range sec.DefaultKeySpecs {
			switch key.KeyType {
			case "keySigning":
				out.KSKAlgorithm = key.Algorithm
			case "zoneSigning":
				out.ZSKAlgorithm = key.Algorithm
			}
		}
	}
	return out
}

var dnsPolicies = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.DNSPolicyType},
	Operations: []collectors.Operation{{Name: "dns.policies.list", Permission: "dns.policies.list", Body: collectors.Store}},
	Collect:    collectDNSPolicies,
}

func collectDNSPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := dns.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Policies.List(c.project).MaxResults(100).Pages(ctx, func(page *dns.PoliciesListResponse) error {
		for _, p := range page.Policies {
			out := &schema.DNSPolicy{
				Meta:          posture.Meta{Name: p.Name},
				EnableLogging: p.EnableLogging, Networks: []string{}, InboundForwarding: p.EnableInboundForwarding,
			}
			for _, n := range p.Networks {
				out.Networks = append(out.Networks, networkPath(c, n.NetworkUrl))
			}
			slices.Sort(out.Networks)
			emit(c.node+"/policies/"+p.Name, out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list policies: %w", err)
	}
	return nil
}
