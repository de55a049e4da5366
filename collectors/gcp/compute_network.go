package gcp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"reflect"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var networks = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.NetworkType},
	Operations: []collectors.Operation{{Name: "compute.networks.list", Permission: "compute.networks.list", Body: collectors.Store}},
	Collect:    collectNetworks,
}

func collectNetworks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Networks.List(c.project).MaxResults(largestPage).Pages(ctx, func(page *compute.NetworkList) error {
		if code := warned(page.Warning); leavesOut(code) {
			return unreachable("compute.networks.list", code)
		}
		for _, n := range page.Items {
			emit(resourcePath(n.SelfLink), newNetwork(c, n))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list networks: %w", err)
	}
	return nil
}

func newNetwork(c *client, n *compute.Network) *schema.Network {
	out := &schema.Network{
		Meta:     posture.Meta{Name: n.Name, CreatedAt: timestamp(n.CreationTimestamp)},
		SelfLink: n.SelfLink, ProjectID: c.project, Legacy: n.IPv4Range != "", AutoCreateSubnetworks: n.AutoCreateSubnetworks,
		SubnetworkCount: int64(len(n.Subnetworks)), Peerings: []schema.NetworkPeering{},
	}
	for _, p := range n.Peerings {
		out.Peerings = append(out.Peerings, schema.NetworkPeering{Name: p.Name, Network: networkPath(c, p.Network), State: p.State})
	}
	return out
}

// networkPath is the id of the network that a URL names; a URL may name the scanned project by its number.
func networkPath(c *client, link string) string {
	name := resourcePath(link)
	if rest, ok := strings.CutPrefix(name, "projects/"+c.number+"/"); ok {
		return "projects/" + c.project + "/" + rest
	}
	return name
}

var subnetworks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SubnetworkType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.subnetworks.aggregatedList", Permission: "compute.subnetworks.list", Body: collectors.Store},
	},
	Collect: collectSubnetworks,
}

func collectSubnetworks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.subnetworks.aggregatedList", of: schema.SubnetworkType}
	list := api.Subnetworks.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.SubnetworkAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, s := range in.Subnetworks {
				emit(resourcePath(s.SelfLink), collectors.In(path.Base(scope), newSubnetwork(c, s)))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list subnetworks: %w", err)
	}
	return errors.Join(err, missing.err())
}

func newSubnetwork(c *client, s *compute.Subnetwork) *schema.Subnetwork {
	out := &schema.Subnetwork{
		Meta:     posture.Meta{Name: s.Name, CreatedAt: timestamp(s.CreationTimestamp)},
		SelfLink: s.SelfLink, Network: networkPath(c, s.Network), Purpose: s.Purpose,
		FlowLogsEnabled: s.EnableFlowLogs, PrivateGoogleAccess: s.PrivateIpGoogleAccess,
	}
	if logs := s.LogConfig; logs != nil { // newer than enableFlowLogs
		out.FlowLogsEnabled, out.FlowMetadata = logs.Enable, logs.Metadata
		if logs.Enable {
			out.FlowSamplingPermille = permille(logs.FlowSampling)
		}
	}
	return out
}

// permille is a share in thousandths, rounded up: only what is never taken is 0.
func permille(share float64) int64 { return int64(math.Ceil(share * 1000)) }

// warned is the code of the warning on a list, or on a part of it, or "". The SDK has a type of its own for the warning of each
// list, all of one shape.
func warned(warning any) string {
	w := reflect.ValueOf(warning)
	if w.IsNil() {
		return ""
	}
	return w.Elem().FieldByName("Code").String()
}
