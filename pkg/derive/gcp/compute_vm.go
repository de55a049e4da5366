package gcp

import (
	"path"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// computeSettings: what Compute Engine keeps for the whole project. While it is off there is nothing set.
func computeSettings(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	derive.Set(p, "compute.enabled", &p.V.Compute.Enabled, derive.Exists(derive.Of[schema.Service](inv, schema.ServiceType),
		func(s derive.Item[schema.Service]) derive.Val[bool] {
			return derive.Known(s.ID == "compute.googleapis.com")
		}))
	derive.Set(p, "compute.os_login", &p.V.Compute.OSLogin, ofProject(inv, "os_login", func(c *schema.ComputeProject) string { return c.OSLogin }))
	derive.Set(p, "compute.os_login_2fa", &p.V.Compute.OSLogin2FA,
		ofProject(inv, "os_login_2fa", func(c *schema.ComputeProject) string { return c.OSLogin2FA }))
	derive.Set(p, "compute.ssh_keys_count", &p.V.Compute.SSHKeysCount,
		ofProject(inv, "ssh_keys_count", func(c *schema.ComputeProject) int { return c.SSHKeysCount }))
	derive.Set(p, "compute.default_service_account", &p.V.Compute.DefaultServiceAccount,
		ofProject(inv, "default_service_account", func(c *schema.ComputeProject) string { return c.DefaultServiceAccount }))
}

// ofProject is one of Compute Engine's settings for the project, the zero value where the service is off.
func ofProject[V any](inv *derive.Inventory, path string, of func(*schema.ComputeProject) V) derive.Val[V] {
	return orNone(derive.Of[schema.ComputeProject](inv, schema.ComputeProjectType), func(p derive.Item[schema.ComputeProject]) derive.Val[V] {
		return derive.Read(p, path, of(p.V))
	})
}

// instanceFlags: the switches of an instance, which go before those of its project.
func instanceFlags(inv *derive.Inventory) {
	osLogin := ofProject(inv, "os_login", func(c *schema.ComputeProject) string { return c.OSLogin })
	serialPort := ofProject(inv, "serial_port_enable", func(c *schema.ComputeProject) string { return c.SerialPortEnable })
	osConfig := ofProject(inv, "os_config", func(c *schema.ComputeProject) string { return c.OSConfig })
	for _, i := range derive.Of[schema.Instance](inv, schema.InstanceType).Items {
		flags := i.V.MetadataFlags
		derive.Set(i, "os_login_effective", &i.V.OSLoginEffective,
			switchedOn(derive.Read(i, "metadata_flags.enable_oslogin", flags.EnableOSLogin), osLogin))
		derive.Set(i, "serial_port_effective", &i.V.SerialPortEffective,
			switchedOn(derive.Read(i, "metadata_flags.serial_port_enable", flags.SerialPortEnable), serialPort))
		derive.Set(i, "os_config_enabled", &i.V.OSConfigEnabled,
			switchedOn(derive.Read(i, "metadata_flags.enable_osconfig", flags.EnableOSConfig), osConfig))
	}
}

// switchedOn reports whether an instance's own flag is on, or its project's where it has none.
func switchedOn(own, project derive.Val[string]) derive.Val[bool] {
	return derive.Then(own, func(own string) derive.Val[bool] {
		if own != "" {
			return derive.Known(own == "true")
		}
		return derive.Map(project, func(flag string) bool { return flag == "true" })
	})
}

// diskBackups: what makes copies of a disk, the newest one, and whether anything hangs on it.
func diskBackups(inv *derive.Inventory) {
	instances := derive.ByID(derive.Of[schema.Instance](inv, schema.InstanceType))
	policies := derive.ByID(derive.Of[schema.ResourcePolicy](inv, schema.ResourcePolicyType))
	snapshots := derive.ByRead(derive.Of[schema.DiskSnapshot](inv, schema.DiskSnapshotType), "source_disk_id",
		func(s derive.Item[schema.DiskSnapshot]) string { return s.V.SourceDiskID })
	for _, d := range derive.Of[schema.Disk](inv, schema.DiskType).Items {
		derive.Set(d, "has_snapshot_schedule", &d.V.HasSnapshotSchedule,
			derive.Then(derive.Read(d, "resource_policies", d.V.ResourcePolicies), func(ids []string) derive.Val[bool] {
				return anyOf(ids, func(id string) derive.Val[bool] {
					return derive.Named(policies.All(id).In(locationIn(id)), "compute.resourcePolicies.aggregatedList",
						func(p derive.Item[schema.ResourcePolicy]) derive.Val[bool] {
							return derive.Read(p, "is_snapshot_schedule", p.V.IsSnapshotSchedule)
						})
				})
			}))
		derive.Set(d, "newest_snapshot_time", &d.V.NewestSnapshotTime,
			derive.Then(derive.Read(d, "number", d.V.Number), func(number string) derive.Val[posture.Opt[time.Time]] {
				return derive.Map(derive.Collect(snapshots.All(number), readySnapshot), newest)
			}))
		derive.Set(d, "attached_to_standalone_instance", &d.V.AttachedToStandaloneInstance,
			derive.Then(derive.Read(d, "users", d.V.Users), func(ids []string) derive.Val[bool] {
				return anyOf(ids, func(id string) derive.Val[bool] {
					return derive.Named(instances.All(id).In(locationIn(id)), "compute.instances.aggregatedList", standsAlone)
				})
			}))
	}
}

func anyOf(ids []string, fits func(id string) derive.Val[bool]) derive.Val[bool] {
	var each []derive.Val[bool]
	for _, id := range ids {
		each = append(each, fits(id))
	}
	return derive.Or(each...)
}

// locationIn finds the location in "projects/acme/zones/europe-west1-b/instances/orders".
func locationIn(id string) string { return path.Base(path.Dir(path.Dir(id))) }

// readySnapshot picks when a snapshot that can be used was made.
func readySnapshot(s derive.Item[schema.DiskSnapshot]) (derive.Val[time.Time], derive.Val[bool]) {
	return derive.Known(s.V.CreatedAt.Or(time.Time{})), derive.Map(derive.Read(s, "status", s.V.Status),
		func(status string) bool { return status == "READY" })
}

func newest(times []time.Time) posture.Opt[time.Time] {
	if len(times) == 0 {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(slices.MaxFunc(times, time.Time.Compare))
}

// standsAlone: nothing would make the instance anew.
func standsAlone(i derive.Item[schema.Instance]) derive.Val[bool] {
	return derive.Not(derive.Or(
		derive.Read(i, "managed_by_gke", i.V.ManagedByGKE),
		derive.Read(i, "managed_by_dataproc", i.V.ManagedByDataproc),
		derive.Read(i, "instance_group_member", i.V.InstanceGroupMember)))
}
