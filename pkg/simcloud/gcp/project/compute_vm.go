package project

import (
	"strconv"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Planted is in settings that hold secrets in real projects. No reader may hand it on or leave it in the journal.
const Planted = "correct-horse-battery-staple"

// Machines and disks of the same index in a region belong together. Some machines are nodes of a cluster, of Dataproc or of a
// group; the last disk of each region is a regional one.
var computeVMService = service{
	api: "compute.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.compute-settings", Sort: inProject, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "no-os-login", Share: 0.3, Drift: 0.5}, {Name: "serial-port", Drift: 0.7},
				{Name: "no-os-config", Share: 0.3}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.resourcemanager.project", s.Account.ID), map[string]posture.Result{
					"gcp-project-os-login-enabled": failIf(it.Has("no-os-login") && !enforces(s, "compute.requireOsLogin")),
				}
			},
		},
		{
			Name: "gcp.instance", Sort: inProject, Count: vmCount,
			Defects: []world.Defect{
				{Name: "gke", Share: 0.1}, {Name: "dataproc", Share: 0.1}, {Name: "grouped", Share: 0.1}, {Name: "stopped", Share: 0.15},
				{Name: "public-ip", Share: 0.2, Drift: 0.2}, {Name: "forwards", Share: 0.15},
				{Name: "default-account", Share: 0.3}, {Name: "full-scope", Share: 0.4, Drift: 0.2}, {Name: "no-account", Share: 0.1},
				{Name: "project-keys", Share: 0.5}, {Name: "os-login-here", Share: 0.2}, {Name: "os-login-off", Share: 0.2, Drift: 0.1},
				{Name: "serial-here", Share: 0.1, Drift: 0.1}, {Name: "serial-closed", Share: 0.2}, {Name: "secret", Share: 0.15, Drift: 0.2},
				{Name: "plain-family", Share: 0.4}, {Name: "not-confidential", Share: 0.5},
				{Name: "unshielded", Share: 0.15}, {Name: "no-vtpm", Share: 0.2}, {Name: "unwatched", Share: 0.2, Drift: 0.1},
				{Name: "silent", Share: 0.15}, {Name: "silent-since", Share: 0.1, Drift: 0.1}, {Name: "vulnerable", Share: 0.15, Drift: 0.3},
			},
			Expect: expectInstance,
		},
		{
			Name: "gcp.disk", Sort: inProject, Count: vmCount,
			Defects: []world.Defect{{Name: "google-key", Share: 0.4, Drift: 0.1}, {Name: "no-schedule", Share: 0.5, Drift: 0.2},
				{Name: "no-snapshot", Share: 0.5}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				vm := s.Find("gcp.instance", it.Region, it.Index)
				replaced := vm == nil || vm.Has("gke") || vm.Has("dataproc") || vm.Has("grouped")
				return in(diskPlace(it), "gcp.compute.disk", diskPath(it)), map[string]posture.Result{
					"gcp-disk-customer-key-encryption": failIf(it.Has("google-key")),
					"gcp-disk-snapshot-scheduled":      unless(replaced, failIf(it.Has("no-schedule") && it.Has("no-snapshot"))),
				}
			},
		},
	},
	handle: handleComputeVM,
}

// vmCount is how many machines there are in a region, and disks.
const vmCount = 6

func expectInstance(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	node, project := it.Has("gke"), s.Items("gcp.compute-settings")[0]
	osLogin := !it.Has("os-login-off") && (it.Has("os-login-here") || !project.Has("no-os-login"))
	serialPort := it.Has("serial-here") || project.Has("serial-port") && !it.Has("serial-closed")
	return in(zoneOf(it), "gcp.compute.instance", instancePath(it)), map[string]posture.Result{
		"gcp-instance-no-public-ip":                  unless(node, failIf(it.Has("public-ip"))),
		"gcp-instance-no-default-service-account":    unless(node, failIf(it.Has("default-account"))),
		"gcp-instance-default-account-no-full-scope": unless(node, failIf(it.Has("default-account") && it.Has("full-scope"))),
		"gcp-instance-project-ssh-keys-blocked":      unless(node, failIf(it.Has("project-keys") && !osLogin)),
		"gcp-instance-os-login-not-overridden":       unless(node, failIf(!osLogin)),
		"gcp-instance-serial-port-disabled":          failIf(serialPort),
		"gcp-instance-no-ip-forwarding":              unless(node, failIf(it.Has("forwards"))),
		"gcp-instance-confidential-computing":        unless(node || it.Has("plain-family"), failIf(it.Has("not-confidential"))),
		"gcp-instance-shielded":                      unless(it.Has("unshielded"), failIf(it.Has("no-vtpm") || it.Has("unwatched"))),
		"gcp-instance-no-secrets-in-metadata":        failIf(it.Has("secret")),
		"gcp-instance-no-critical-vulnerabilities": unless(node || it.Has("dataproc") || it.Has("stopped"),
			failIf(it.Has("silent") || it.Has("silent-since") || it.Has("vulnerable"))),
	}
}

// zoneOf is the zone of a machine, and of its disk.
func zoneOf(it *world.Item) string { return it.Region + "-" + "bc"[it.Index%2:it.Index%2+1] }

func zonePath(it *world.Item) string { return "projects/" + it.Account.ID + "/zones/" + zoneOf(it) }

func instanceName(it *world.Item) string {
	if it.Has("gke") {
		return "gke-shop-default-pool-" + it.Hex(8, "node") + "-" + strconv.Itoa(it.Index)
	}
	return it.Name()
}

func instancePath(it *world.Item) string { return zonePath(it) + "/instances/" + instanceName(it) }

// numberOf is the number that Compute Engine gives to a machine or disk.
func numberOf(it *world.Item) uint64 {
	n, _ := strconv.ParseUint(it.Hex(15, "number"), 16, 64) // fifteen hexadecimal digits
	return n
}

// diskPlace is the zone of a disk, or the region of a regional one.
func diskPlace(it *world.Item) string {
	if it.Index == vmCount-1 {
		return it.Region
	}
	return zoneOf(it)
}

func diskPath(it *world.Item) string {
	if diskPlace(it) == it.Region {
		return "projects/" + it.Account.ID + "/regions/" + it.Region + "/disks/" + it.Name() + "-data"
	}
	return zonePath(it) + "/disks/" + it.Name() + "-data"
}

func policyPath(account, region, name string) string {
	return "projects/" + account + "/regions/" + region + "/resourcePolicies/" + name
}

func handleComputeVM(s *gcp.Server, w *states) {
	gcp.Handle(s, "compute.projects.get", func(c gcp.Call) (*compute.Project, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return computeSettings(state), nil
	})
	gcp.List(s, "compute.instances.aggregatedList", "items", func(c gcp.Call) (*compute.InstanceAggregatedList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.InstanceAggregatedList{Kind: "compute#instanceAggregatedList", Items: map[string]compute.InstancesScopedList{}}
		for _, region := range state.Account.Regions { // a zone without machines says so
			out.Items["zones/"+region+"-d"] = compute.InstancesScopedList{Warning: &compute.InstancesScopedListWarning{
				Code: "NO_RESULTS_ON_PAGE", Message: "There are no results for scope 'zones/" + region + "-d' on this page.",
				Data: []*compute.InstancesScopedListWarningData{{Key: "scope", Value: "zones/" + region + "-d"}},
			}}
		}
		for _, it := range state.Items("gcp.instance") {
			list := out.Items["zones/"+zoneOf(it)]
			list.Instances = append(list.Instances, newInstance(state, it))
			out.Items["zones/"+zoneOf(it)] = list
		}
		return out, nil
	})
	gcp.List(s, "compute.disks.aggregatedList", "items", func(c gcp.Call) (*compute.DiskAggregatedList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.DiskAggregatedList{Kind: "compute#diskAggregatedList", Items: map[string]compute.DisksScopedList{}}
		for _, it := range state.Items("gcp.disk") {
			scope := "zones/" + zoneOf(it)
			if diskPlace(it) == it.Region {
				scope = "regions/" + it.Region
			}
			list := out.Items[scope]
			list.Disks = append(list.Disks, newDisk(state, it))
			out.Items[scope] = list
		}
		return out, nil
	})
	gcp.List(s, "compute.resourcePolicies.aggregatedList", "items", func(c gcp.Call) (*compute.ResourcePolicyAggregatedList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.ResourcePolicyAggregatedList{Kind: "compute#resourcePolicyAggregatedList",
			Items: map[string]compute.ResourcePoliciesScopedList{}}
		for _, region := range state.Account.Regions {
			out.Items["regions/"+region] = compute.ResourcePoliciesScopedList{ResourcePolicies: newPolicies(state, region)}
		}
		return out, nil
	})
	gcp.List(s, "compute.regions.list", "items", func(c gcp.Call) (*compute.RegionList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.RegionList{Kind: "compute#regionList"}
		for _, region := range state.Account.Regions {
			out.Items = append(out.Items, &compute.Region{Kind: "compute#region", Name: region, Status: "UP",
				SelfLink: computeURL + "projects/" + c.Account + "/regions/" + region})
		}
		return out, nil
	})
	snapshots := func(c gcp.Call, place string) (*compute.SnapshotList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &compute.SnapshotList{Kind: "compute#snapshotList"}
		for _, it := range state.Items("gcp.disk") {
			if snapshot := newSnapshot(state, it); snapshot != nil && snapshotPlace(it) == place {
				out.Items = append(out.Items, snapshot)
			}
		}
		return out, nil
	}
	gcp.List(s, "compute.snapshots.list", "items", func(c gcp.Call) (*compute.SnapshotList, error) { return snapshots(c, posture.Global) })
	gcp.List(s, "compute.regionSnapshots.list", "items", func(c gcp.Call) (*compute.SnapshotList, error) { return snapshots(c, c.Params["region"]) })
}

// metadataOf makes metadata of pairs of key and value; a value "" leaves its key out.
func metadataOf(pairs ...string) *compute.Metadata {
	out := &compute.Metadata{Kind: "compute#metadata", Fingerprint: "cGx1bWI="}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Items = append(out.Items, &compute.MetadataItems{Key: pairs[i], Value: new(pairs[i+1])})
		}
	}
	return out
}

// when is text if the condition holds, else "".
func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

const sshKeys = "ada:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5v ada " + Planted + "\n\nbob:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7w bob\n"

func computeSettings(state *world.State) *compute.Project {
	id, it := state.Account.ID, state.Items("gcp.compute-settings")[0]
	osLogin := []string{"TRUE", "yes", "1"}[it.Pick(3, "on")]
	if it.Has("no-os-login") {
		osLogin = []string{"", "FALSE", "n"}[it.Pick(3, "off")]
	}
	return &compute.Project{
		Kind: "compute#project", Id: numberOf(it), Name: id, SelfLink: computeURL + "projects/" + id, CreationTimestamp: stamp(state.Long(it, 700)),
		DefaultServiceAccount: Number(id) + "-compute@developer.gserviceaccount.com", DefaultNetworkTier: "PREMIUM",
		XpnProjectStatus: []string{"HOST", "UNSPECIFIED_XPN_PROJECT_STATUS"}[it.Pick(2, "shared")],
		CommonInstanceMetadata: metadataOf("enable-oslogin", osLogin, "enable-oslogin-2fa", when(it.Pick(2, "2fa") == 0, "true"),
			"serial-port-enable", when(it.Has("serial-port"), "1"), "enable-osconfig", when(!it.Has("no-os-config"), "TRUE"), "ssh-keys", sshKeys),
	}
}

// startScript fetches its secret where secrets belong.
const startScript = "#!/bin/bash\nexport DB_PASSWORD=\"$(gcloud secrets versions access latest --secret=db)\"\n" +
	"systemctl start orders # " + Planted + "\n"

func newInstance(state *world.State, it *world.Item) *compute.Instance {
	account, zone := it.Account.ID, computeURL+zonePath(it)
	out := &compute.Instance{
		Kind: "compute#instance", Id: numberOf(it), Name: instanceName(it), SelfLink: computeURL + instancePath(it), Zone: zone, Status: "RUNNING",
		CreationTimestamp: stamp(state.Long(it, 60)), MachineType: zone + "/machineTypes/n2d-standard-4", CanIpForward: it.Has("forwards"),
		DeletionProtection: it.Pick(2, "protected") == 0, Labels: map[string]string{"team": "shop"}, Metadata: instanceMetadata(it),
		NetworkInterfaces: []*compute.NetworkInterface{{
			Kind: "compute#networkInterface", Name: "nic0", NetworkIP: "10.132.0." + strconv.Itoa(10+it.Index),
			Network:    computeURL + "projects/" + account + "/global/networks/main",
			Subnetwork: computeURL + "projects/" + account + "/regions/" + it.Region + "/subnetworks/main",
		}},
	}
	if it.Has("stopped") {
		out.Status = "TERMINATED"
	}
	if it.Has("gke") {
		out.Labels["goog-gke-node"] = ""
	}
	if it.Has("dataproc") {
		out.Labels["goog-dataproc-cluster-name"] = "reports"
	}
	if it.Has("plain-family") {
		out.MachineType = zone + "/machineTypes/e2-medium"
	} else if !it.Has("not-confidential") {
		out.ConfidentialInstanceConfig = &compute.ConfidentialInstanceConfig{EnableConfidentialCompute: true, ConfidentialInstanceType: "SEV"}
	}
	if it.Has("public-ip") {
		nic := out.NetworkInterfaces[0]
		if it.Pick(3, "family") == 0 {
			nic.Ipv6AccessConfigs = []*compute.AccessConfig{{Kind: "compute#accessConfig", Name: "external-ipv6", Type: "DIRECT_IPV6",
				ExternalIpv6: "2600:1900:4010::" + strconv.Itoa(it.Index)}}
		} else {
			nic.AccessConfigs = []*compute.AccessConfig{{Kind: "compute#accessConfig", Name: "External NAT", Type: "ONE_TO_ONE_NAT",
				NetworkTier: "PREMIUM", NatIP: when(!it.Has("stopped"), "203.0.113."+strconv.Itoa(10+it.Index))}}
		}
	}
	scopes := []string{"https://www.googleapis.com/auth/logging.write", "https://www.googleapis.com/auth/devstorage.read_only"}
	if it.Has("full-scope") {
		scopes = []string{"https://www.googleapis.com/auth/cloud-platform"}
	}
	switch {
	case it.Has("default-account"):
		out.ServiceAccounts = []*compute.ServiceAccount{{Email: Number(account) + "-compute@developer.gserviceaccount.com", Scopes: scopes}}
	case !it.Has("no-account"):
		out.ServiceAccounts = []*compute.ServiceAccount{{Email: "orders@" + account + ".iam.gserviceaccount.com", Scopes: scopes}}
	}
	if !it.Has("unshielded") {
		out.ShieldedInstanceConfig = &compute.ShieldedInstanceConfig{EnableSecureBoot: it.Pick(2, "boot") == 0,
			EnableVtpm: !it.Has("no-vtpm"), EnableIntegrityMonitoring: !it.Has("unwatched")}
	}
	if disk := state.Find("gcp.disk", it.Region, it.Index); disk != nil {
		out.Disks = append(out.Disks, &compute.AttachedDisk{
			Kind: "compute#attachedDisk", Type: "PERSISTENT", Mode: "READ_WRITE", Boot: true, DeviceName: "persistent-disk-0", Interface: "NVME",
			Source: computeURL + diskPath(disk), AutoDelete: it.Pick(2, "autodelete") == 0, DiskEncryptionKey: diskKey(disk),
		})
	}
	if it.Pick(3, "scratch") == 0 {
		out.Disks = append(out.Disks, &compute.AttachedDisk{Kind: "compute#attachedDisk", Type: "SCRATCH", Mode: "READ_WRITE",
			DeviceName: "local-ssd-0", AutoDelete: true, Interface: "NVME"})
	}
	return out
}

func instanceMetadata(it *world.Item) *compute.Metadata {
	osLogin, serialPort := when(it.Has("os-login-here"), "TRUE"), when(it.Has("serial-closed"), "0")
	if it.Has("os-login-off") {
		osLogin = "FALSE"
	}
	if it.Has("serial-here") {
		serialPort = "true"
	}
	node := it.Has("gke") // it has a bootstrap key, which is Google's and none of the customer's secrets
	return metadataOf("block-project-ssh-keys", when(!it.Has("project-keys"), "TRUE"), "enable-oslogin", osLogin, "serial-port-enable", serialPort,
		"enable-osconfig", when(it.Pick(4, "osconfig") == 0, "false"), "ssh-keys", when(it.Pick(2, "keys") == 0, sshKeys),
		"app-env", when(it.Has("secret"), "LOG_LEVEL=info\nDB_PASSWORD="+Planted+"\n"),
		"kube-env", when(node, "KUBELET_KEY: -----BEGIN PRIVATE KEY----- "+Planted+"\n"), "startup-script", when(!node, startScript),
		"created-by", when(node || it.Has("grouped"), "projects/"+Number(it.Account.ID)+"/zones/"+zoneOf(it)+"/instanceGroupManagers/shop"))
}

func diskKey(it *world.Item) *compute.CustomerEncryptionKey {
	switch {
	case it.Has("google-key"):
		return nil
	case it.Pick(3, "key") == 0:
		return &compute.CustomerEncryptionKey{Sha256: "cGx1bWJsaW5lIHBsdW1ibGluZSBwbHVtYmxpbmUhISE="}
	}
	ring := "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data"
	return &compute.CustomerEncryptionKey{KmsKeyName: ring + "/cryptoKeys/disks/cryptoKeyVersions/1"}
}

func newDisk(state *world.State, it *world.Item) *compute.Disk {
	out := &compute.Disk{
		Kind: "compute#disk", Id: numberOf(it), Name: it.Name() + "-data", SelfLink: computeURL + diskPath(it), Status: "READY", SizeGb: 50,
		CreationTimestamp: stamp(state.Long(it, 60)), Labels: map[string]string{"team": "shop"}, DiskEncryptionKey: diskKey(it),
	}
	if diskPlace(it) == it.Region {
		out.Region = computeURL + "projects/" + it.Account.ID + "/regions/" + it.Region
		out.ReplicaZones = []string{out.Region[:len(out.Region)-len("regions/"+it.Region)] + "zones/" + it.Region + "-b", computeURL + zonePath(it)}
	} else {
		out.Zone = computeURL + zonePath(it)
	}
	if vm := state.Find("gcp.instance", it.Region, it.Index); vm != nil {
		out.Users = []string{computeURL + instancePath(vm)}
	}
	if !it.Has("no-schedule") {
		out.ResourcePolicies = []string{computeURL + policyPath(it.Account.ID, it.Region, "daily")}
	} else if it.Pick(2, "group") == 0 {
		out.ResourcePolicies = []string{computeURL + policyPath(it.Account.ID, it.Region, "together")}
	}
	return out
}

func newPolicies(state *world.State, region string) []*compute.ResourcePolicy {
	account := state.Account.ID
	made := stamp(state.World.Start.AddDate(-1, 0, 0))
	at := computeURL + "projects/" + account + "/regions/" + region
	return []*compute.ResourcePolicy{
		{
			Kind: "compute#resourcePolicy", Name: "daily", SelfLink: computeURL + policyPath(account, region, "daily"), Region: at,
			Status: "READY", CreationTimestamp: made,
			SnapshotSchedulePolicy: &compute.ResourcePolicySnapshotSchedulePolicy{
				Schedule: &compute.ResourcePolicySnapshotSchedulePolicySchedule{
					DailySchedule: &compute.ResourcePolicyDailyCycle{DaysInCycle: 1, StartTime: "04:00"},
				},
				RetentionPolicy: &compute.ResourcePolicySnapshotSchedulePolicyRetentionPolicy{MaxRetentionDays: 14,
					OnSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS"},
			},
		},
		{
			Kind: "compute#resourcePolicy", Name: "together", SelfLink: computeURL + policyPath(account, region, "together"), Region: at,
			Status: "READY", CreationTimestamp: made,
			DiskConsistencyGroupPolicy: &compute.ResourcePolicyDiskConsistencyGroupPolicy{},
		},
	}
}

// snapshotPlace is where the snapshot of a disk is kept: in its region, or anywhere.
func snapshotPlace(it *world.Item) string {
	if diskPlace(it) == it.Region {
		return it.Region
	}
	return posture.Global
}

// newSnapshot is the newest snapshot of a disk, nil when it has none. Those of no use are old, or failed a day ago.
func newSnapshot(state *world.State, it *world.Item) *compute.Snapshot {
	out := &compute.Snapshot{
		Kind: "compute#snapshot", Id: numberOf(it) ^ 1, Name: it.Name() + "-" + it.Region, Status: "READY", SourceDisk: computeURL + diskPath(it),
		SourceDiskId: strconv.FormatUint(numberOf(it), 10), DiskSizeGb: 50, CreationTimestamp: stamp(state.Since(it, 5, "snapshot")),
		AutoCreated: it.Pick(2, "auto") == 0, SnapshotEncryptionKey: diskKey(it), StorageLocations: []string{it.Region},
	}
	out.SelfLink = computeURL + "projects/" + it.Account.ID + "/global/snapshots/" + out.Name
	if snapshotPlace(it) == it.Region {
		out.Region = computeURL + "projects/" + it.Account.ID + "/regions/" + it.Region
		out.SelfLink = out.Region + "/snapshots/" + out.Name
	}
	if it.Has("no-snapshot") {
		switch it.Pick(3, "useless") {
		case 0:
			return nil
		case 1:
			out.CreationTimestamp = stamp(state.Long(it, 30))
		default:
			out.Status, out.CreationTimestamp = "FAILED", stamp(state.Time().AddDate(0, 0, -1))
		}
	}
	return out
}
