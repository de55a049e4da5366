package gcp

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestInstancePatching(t *testing.T) {
	reported := now.Add(-time.Hour)
	inventory := func(number string, refused ...string) *posture.Resource {
		return located(zone, schema.OSInventoryType, number, &schema.OSInventory{Instance: number, UpdateTime: posture.Some(reported)}, refused...)
	}
	report := located(zone, schema.VulnerabilityReportType, "42", &schema.VulnerabilityReport{Instance: "42", HighestUpgradableCVESeverity: "HIGH"})
	inventories := []*posture.Type{schema.OSInventoryType}
	check(t, map[string]derivation{
		"an instance that reports": {
			resources: []*posture.Resource{instance(schema.Instance{}), inventory("42"), report},
			want:      map[string]any{"os_inventory_time": reported.Format(time.RFC3339), "os_highest_cve_severity": "HIGH"},
		},
		"one that does not, beside one that does": {
			resources: []*posture.Resource{instance(schema.Instance{}), inventory("43")},
			want:      map[string]any{"os_inventory_time": nil, "os_highest_cve_severity": ""},
		},
		"nothing is found where the API is off": {
			off:       []*posture.Type{schema.OSInventoryType, schema.VulnerabilityReportType},
			resources: []*posture.Resource{instance(schema.Instance{})},
			want:      map[string]any{"os_inventory_time": nil, "os_highest_cve_severity": ""},
		},
		"inventories of its zone that were not listed may have it": {
			partly:    map[string][]*posture.Type{zone: inventories},
			resources: []*posture.Resource{instance(schema.Instance{}), report},
			want:      map[string]any{"os_inventory_time": "unread: list gcp.osconfig.inventory", "os_highest_cve_severity": "HIGH"},
		},
		"those of another zone cannot": {
			partly:    map[string][]*posture.Type{"us-central1-a": inventories},
			resources: []*posture.Resource{instance(schema.Instance{})}, want: map[string]any{"os_inventory_time": nil},
		},
		"an inventory of nobody knows which instance may be its own": {
			resources: []*posture.Resource{instance(schema.Instance{}), inventory("43", "instance")},
			want:      map[string]any{"os_inventory_time": "unread: read instance"},
		},
		"a refused time leaves it open": {
			resources: []*posture.Resource{instance(schema.Instance{}), inventory("42", "update_time")},
			want:      map[string]any{"os_inventory_time": "unread: read update_time"},
		},
	})
}
