package gcp

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
)

func TestWhatAggregatedListsLeaveOut(t *testing.T) {
	const machine = `{"id": "42", "name": "orders", "zone": "https://www.googleapis.com/compute/v1/projects/acme/zones/europe-west1-b",
		"selfLink": "https://www.googleapis.com/compute/v1/projects/acme/zones/europe-west1-b/instances/orders"}`
	for name, test := range map[string]struct {
		page string
		want []string
	}{
		"nothing": {``, nil},
		"a scope without machines says only that": {
			`, "zones/europe-west1-c": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}`, nil},
		"a scope that cannot be reached leaves its own zone open": {
			`, "zones/europe-west1-c": {"warning": {"code": "UNREACHABLE"}}`, []string{"gcp.compute.instance in europe-west1-c"}},
		"so does one that is not whole, beside what it has": {
			`, "zones/europe-west1-c": {"warning": {"code": "PARTIAL_SUCCESS"}, "instances": []}`,
			[]string{"gcp.compute.instance in europe-west1-c"}},
		"places that the page names": {
			`}, "unreachables": ["projects/acme/zones/us-central1-a"], "warning": {"code": "UNREACHABLE"`,
			[]string{"gcp.compute.instance in us-central1-a"}},
		"a warning that names no place is about all": {`}, "warning": {"code": "UNREACHABLE"`, []string{"gcp.compute.instance"}},
		"a page without results is none":             {`}, "warning": {"code": "NO_RESULTS_ON_PAGE"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer := `{"items": {"zones/europe-west1-b": {"instances": [` + machine + `]}` + test.page + `}}`
			found, err := readScripted(collectInstances, scripted{"compute.instances.aggregatedList": answer})
			if diff := cmp.Diff(test.want, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if _, ok := found["projects/acme/zones/europe-west1-b/instances/orders"]; !ok || len(found) != 1 {
				t.Errorf("found %v, want the machine that was listed", found)
			}
		})
	}
}

func TestZonesInUse(t *testing.T) {
	const machines = `{"items": {"zones/europe-west1-b": {"instances": [{"id": "42"}]}, "zones/europe-west1-c": {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
		"zones/us-central1-a": {"warning": {"code": "UNREACHABLE"}}}}`
	const inventory = "osconfig.projects.locations.instances.inventories.list"
	for name, test := range map[string]struct {
		on      bool // Compute Engine
		answers scripted
		found   int
		open    []string
	}{
		"zones with machines are read, those that were left out stay open": {
			true, scripted{"compute.instances.aggregatedList": machines,
				inventory: `{"inventories": [{"name": "projects/4711/locations/europe-west1-b/instances/42/inventory"}]}`},
			1, []string{"gcp.osconfig.inventory in us-central1-a"}},
		"a zone that was refused": {
			true, scripted{"compute.instances.aggregatedList": machines}, 0,
			[]string{"gcp.osconfig.inventory in us-central1-a", "gcp.osconfig.inventory in europe-west1-b"}},
		"without machines known nothing is":                    {true, scripted{}, 0, []string{"all"}},
		"without Compute Engine there is nothing to report on": {false, scripted{}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readScripted(func(ctx context.Context, c *client, emit collectors.Emit) error {
				c.services.on = map[string]bool{"compute.googleapis.com": test.on}
				return collectOSInventories(ctx, c, emit)
			}, test.answers)
			if diff := cmp.Diff(test.open, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if len(found) != test.found {
				t.Errorf("found %v, want %d", found, test.found)
			}
		})
	}
}

func TestSnapshotsThatAreNotRead(t *testing.T) {
	const (
		regions = `{"items": [{"name": "europe-west1"}, {"name": "us-central1"}]}`
		list    = `{"items": [{"selfLink": "https://www.googleapis.com/compute/v1/projects/acme/global/snapshots/orders"}]}`
	)
	for name, test := range map[string]struct {
		answers scripted
		found   int
		open    []string
	}{
		"none": {scripted{"compute.snapshots.list": list, "compute.regions.list": regions, "compute.regionSnapshots.list": `{}`}, 1, nil},
		"those of the whole project": {
			scripted{"compute.regions.list": regions, "compute.regionSnapshots.list": `{}`}, 0, []string{"gcp.compute.snapshot in global"}},
		"those of regions": {
			scripted{"compute.snapshots.list": list, "compute.regions.list": regions}, 1,
			[]string{"gcp.compute.snapshot in europe-west1", "gcp.compute.snapshot in us-central1"}},
		"those of regions nobody knows": {scripted{"compute.snapshots.list": list}, 1, []string{"all"}},
		"part of a list": {
			scripted{"compute.snapshots.list": `{"warning": {"code": "PARTIAL_SUCCESS"}}`, "compute.regions.list": regions,
				"compute.regionSnapshots.list": `{}`}, 0,
			[]string{"gcp.compute.snapshot in global"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readScripted(collectDiskSnapshots, test.answers)
			if diff := cmp.Diff(test.open, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if len(found) != test.found {
				t.Errorf("found %v, want %d", found, test.found)
			}
		})
	}
}
