package gcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/compute/v1"
	"google.golang.org/api/osconfig/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var osInventories = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.OSInventoryType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		listInstances,
		{Name: "osconfig.projects.locations.instances.inventories.list", Permission: "osconfig.inventories.list", Body: collectors.Store},
	},
	Collect: collectOSInventories,
}

func collectOSInventories(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := osconfig.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	return inZonesInUse(ctx, c, schema.OSInventoryType, func(zone string) error {
		list := api.Projects.Locations.Instances.Inventories.List(c.node + "/locations/" + zone + "/instances/-").View("BASIC").PageSize(100)
		err := list.Pages(ctx, func(page *osconfig.ListInventoriesResponse) error {
			for _, i := range page.Inventories {
				out := schema.OSInventory{Meta: posture.Meta{Name: i.Name}, Instance: instanceNumber(i.Name), UpdateTime: timestamp(i.UpdateTime)}
				if i.OsInfo != nil {
					out.OSShortName, out.OSVersion = i.OsInfo.ShortName, i.OsInfo.Version
				}
				emit(i.Name, collectors.In(zone, &out))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list inventories in %s: %w", zone, err)
		}
		return nil
	})
}

// inZonesInUse reads a type in every zone that has instances; what an error leaves out is that zone only. The API has no list
// over all zones, and most zones are empty.
func inZonesInUse(ctx context.Context, c *client, of *posture.Type, read func(zone string) error) error {
	if c.services.err == nil && !c.services.on["compute.googleapis.com"] {
		return nil
	}
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: listInstances.Name, of: of}
	zones := map[string]bool{}
	list := api.Instances.AggregatedList(c.project).MaxResults(largestPage).Context(ctx).
		Fields("items/*/instances/id", "items/*/warning", "nextPageToken", "unreachables", "warning")
	err = eachPage(list.Do, func(page *compute.InstanceAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			if len(in.Instances) > 0 {
				zones[path.Base(scope)] = true
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		return fmt.Errorf("list instances: %w", err)
	}
	errs := []error{missing.err()}
	for _, zone := range slices.Sorted(maps.Keys(zones)) {
		if err := read(zone); err != nil {
			errs = append(errs, collectors.IncompleteIn(zone, of, err))
		}
	}
	return errors.Join(errs...)
}

// instanceNumber finds the instance in "projects/4711/locations/europe-west1-b/instances/42/inventory".
func instanceNumber(name string) string {
	_, rest, _ := strings.Cut(name, "/instances/")
	number, _, _ := strings.Cut(rest, "/")
	return number
}

var vulnerabilityReports = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.VulnerabilityReportType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		listInstances,
		{Name: "osconfig.projects.locations.instances.vulnerabilityReports.list", Permission: "osconfig.vulnerabilityReports.list",
			Body: collectors.Store},
	},
	Collect: collectVulnerabilityReports,
}

// collectVulnerabilityReports asks for the names of vulnerabilities only: their descriptions come to megabytes per machine.
func collectVulnerabilityReports(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := osconfig.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	return inZonesInUse(ctx, c, schema.VulnerabilityReportType, func(zone string) error {
		list := api.Projects.Locations.Instances.VulnerabilityReports.List(c.node+"/locations/"+zone+"/instances/-").PageSize(100).
			Fields("vulnerabilityReports(name,highestUpgradableCveSeverity,updateTime,vulnerabilities/details/cve)", "nextPageToken")
		err := list.Pages(ctx, func(page *osconfig.ListVulnerabilityReportsResponse) error {
			for _, r := range page.VulnerabilityReports {
				emit(r.Name, collectors.In(zone, &schema.VulnerabilityReport{
					Meta: posture.Meta{Name: r.Name}, Instance: instanceNumber(r.Name), HighestUpgradableCVESeverity: r.HighestUpgradableCveSeverity,
					VulnerabilityCount: len(r.Vulnerabilities), UpdateTime: timestamp(r.UpdateTime),
				}))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list vulnerability reports in %s: %w", zone, err)
		}
		return nil
	})
}
