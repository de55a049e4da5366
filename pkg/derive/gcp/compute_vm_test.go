package gcp

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const (
	zone    = "europe-west1-b"
	machine = "projects/acme/zones/europe-west1-b/instances/orders"
	daily   = "projects/acme/regions/europe-west1/resourcePolicies/daily"
)

// computeOf are Compute Engine's settings for the project.
func computeOf(c schema.ComputeProject, refused ...string) *posture.Resource {
	return resource(schema.ComputeProjectType, "acme", &c, refused...)
}

// instance is number 42, in one zone.
func instance(i schema.Instance, refused ...string) *posture.Resource {
	i.Number = "42"
	return located(zone, schema.InstanceType, machine, &i, refused...)
}

func TestComputeSettings(t *testing.T) {
	project := func() *posture.Resource { return resource(schema.ProjectType, "acme", &schema.Project{}) }
	on := func() *posture.Resource {
		return resource(schema.ServiceType, "compute.googleapis.com", &schema.Service{})
	}
	check(t, map[string]derivation{
		"settings are taken over": {
			resources: []*posture.Resource{project(), on(), computeOf(schema.ComputeProject{OSLogin: "true", OSLogin2FA: "false",
				SSHKeysCount: 2, DefaultServiceAccount: "default@acme"})},
			want: map[string]any{"compute.enabled": true, "compute.os_login": "true", "compute.os_login_2fa": "false",
				"compute.ssh_keys_count":          int64(2),
				"compute.default_service_account": "default@acme"},
		},
		"a service that is off has none": {
			off:       []*posture.Type{schema.ComputeProjectType},
			resources: []*posture.Resource{project()}, want: map[string]any{"compute.enabled": false, "compute.os_login": ""},
		},
		"whether it is on rests on the list of services": {
			refused:   []*posture.Type{schema.ServiceType},
			resources: []*posture.Resource{project(), computeOf(schema.ComputeProject{OSLogin: "true"})},
			want:      map[string]any{"compute.enabled": "unread: list gcp.serviceusage.service", "compute.os_login": "true"},
		},
		"settings that were refused are unread": {
			refused:   []*posture.Type{schema.ComputeProjectType},
			resources: []*posture.Resource{project(), on()},
			want: map[string]any{"compute.enabled": true, "compute.os_login": "unread: list gcp.compute.project",
				"compute.ssh_keys_count": "unread: list gcp.compute.project"},
		},
	})
}

func TestInstanceFlags(t *testing.T) {
	flags := func(osLogin, serial string) schema.Instance {
		return schema.Instance{MetadataFlags: schema.MetadataFlags{EnableOSLogin: osLogin, SerialPortEnable: serial}}
	}
	project := computeOf(schema.ComputeProject{OSLogin: "true", SerialPortEnable: "false", OSConfig: "true"})
	check(t, map[string]derivation{
		"an instance without flags follows the project": {
			resources: []*posture.Resource{instance(flags("", "")), project},
			want:      map[string]any{"os_login_effective": true, "serial_port_effective": false, "os_config_enabled": true},
		},
		"one with flags does not": {
			resources: []*posture.Resource{instance(flags("false", "true")), project},
			want:      map[string]any{"os_login_effective": false, "serial_port_effective": true},
		},
		"a flag that is set nowhere is off": {
			resources: []*posture.Resource{instance(flags("", "")), computeOf(schema.ComputeProject{})},
			want:      map[string]any{"os_login_effective": false, "serial_port_effective": false, "os_config_enabled": false},
		},
		"unread settings of the project matter only to an instance without flags": {
			refused:   []*posture.Type{schema.ComputeProjectType},
			resources: []*posture.Resource{instance(flags("true", ""))},
			want:      map[string]any{"os_login_effective": true, "serial_port_effective": "unread: list gcp.compute.project"},
		},
		"unread flags leave it open": {
			resources: []*posture.Resource{instance(flags("", ""), "metadata_flags"), project},
			want:      map[string]any{"os_login_effective": "unread: read metadata_flags"},
		},
	})
}

func TestDiskBackups(t *testing.T) {
	disk := func(d schema.Disk, refused ...string) *posture.Resource {
		d.Number = "7"
		return located(zone, schema.DiskType, "projects/acme/zones/europe-west1-b/disks/orders", &d, refused...)
	}
	policy := func(schedule bool, refused ...string) *posture.Resource {
		return located("europe-west1", schema.ResourcePolicyType, daily, &schema.ResourcePolicy{IsSnapshotSchedule: schedule}, refused...)
	}
	snapshot := func(place, name, of, status string, days int, refused ...string) *posture.Resource {
		return located(place, schema.DiskSnapshotType, name, &schema.DiskSnapshot{
			Meta: posture.Meta{CreatedAt: posture.Some(now.AddDate(0, 0, -days))}, SourceDiskID: of, Status: status,
		}, refused...)
	}
	at := func(days int) string { return now.AddDate(0, 0, -days).Format(time.RFC3339) }
	scheduled, used := schema.Disk{ResourcePolicies: []string{daily}}, schema.Disk{Users: []string{machine}}
	check(t, map[string]derivation{
		"a disk on its own": {
			resources: []*posture.Resource{disk(schema.Disk{})},
			want:      map[string]any{"has_snapshot_schedule": false, "newest_snapshot_time": nil, "attached_to_standalone_instance": false},
		},
		"a schedule": {
			resources: []*posture.Resource{disk(scheduled), policy(true)}, want: map[string]any{"has_snapshot_schedule": true},
		},
		"another kind of policy is none": {
			resources: []*posture.Resource{disk(scheduled), policy(false)}, want: map[string]any{"has_snapshot_schedule": false},
		},
		"a policy that was not listed may be one": {
			partly:    map[string][]*posture.Type{"europe-west1": {schema.ResourcePolicyType}},
			resources: []*posture.Resource{disk(scheduled)}, want: map[string]any{"has_snapshot_schedule": "unread: list gcp.compute.resource_policy"},
		},
		"so may one made since": {
			resources: []*posture.Resource{disk(scheduled)}, want: map[string]any{"has_snapshot_schedule": "unread: compute.resourcePolicies.aggregatedList"},
		},
		"policies of other regions do not matter": {
			partly:    map[string][]*posture.Type{"us-central1": {schema.ResourcePolicyType}},
			resources: []*posture.Resource{disk(scheduled), policy(false)}, want: map[string]any{"has_snapshot_schedule": false},
		},
		"the newest snapshot that is ready counts, wherever it is kept": {
			resources: []*posture.Resource{disk(schema.Disk{}), snapshot(posture.Global, "a", "7", "READY", 9),
				snapshot("europe-west1", "b", "7", "READY", 3),
				snapshot(posture.Global, "c", "7", "FAILED", 1), snapshot(posture.Global, "d", "8", "READY", 0)},
			want: map[string]any{"newest_snapshot_time": at(3)},
		},
		"snapshots of a region that were not listed may be newer": {
			partly:    map[string][]*posture.Type{"europe-west1": {schema.DiskSnapshotType}},
			resources: []*posture.Resource{disk(schema.Disk{}), snapshot(posture.Global, "a", "7", "READY", 9)},
			want:      map[string]any{"newest_snapshot_time": "unread: list gcp.compute.snapshot"},
		},
		"one of unread state may count": {
			resources: []*posture.Resource{disk(schema.Disk{}), snapshot(posture.Global, "a", "7", "FAILED", 9, "status")},
			want:      map[string]any{"newest_snapshot_time": "unread: read status"},
		},
		"an instance that stands alone": {
			resources: []*posture.Resource{disk(used), instance(schema.Instance{})}, want: map[string]any{"attached_to_standalone_instance": true},
		},
		"a node of GKE does not": {
			resources: []*posture.Resource{disk(used), instance(schema.Instance{ManagedByGKE: true})},
			want:      map[string]any{"attached_to_standalone_instance": false},
		},
		"nor does a Dataproc node": {
			resources: []*posture.Resource{disk(used), instance(schema.Instance{ManagedByDataproc: true})},
			want:      map[string]any{"attached_to_standalone_instance": false},
		},
		"nor one of a group": {
			resources: []*posture.Resource{disk(used), instance(schema.Instance{InstanceGroupMember: true})},
			want:      map[string]any{"attached_to_standalone_instance": false},
		},
		"unread instances leave it open": {
			refused:   []*posture.Type{schema.InstanceType},
			resources: []*posture.Resource{disk(used)}, want: map[string]any{"attached_to_standalone_instance": "unread: list gcp.compute.instance"},
		},
		"one user that stands alone is enough": {
			resources: []*posture.Resource{disk(schema.Disk{Users: []string{machine + "-gone", machine}}), instance(schema.Instance{})},
			want:      map[string]any{"attached_to_standalone_instance": true},
		},
		"refused users leave it open": {
			resources: []*posture.Resource{disk(schema.Disk{}, "users")},
			want:      map[string]any{"attached_to_standalone_instance": "unread: read users"},
		},
	})
}
