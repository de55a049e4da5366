package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

// withoutMetadata keeps an answer without the values of metadata, which are startup scripts, keys and passwords.
var withoutMetadata = collectors.Redact("value")

var computeProject = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.ComputeProjectType},
	Operations: []collectors.Operation{{Name: "compute.projects.get", Permission: "compute.projects.get", Body: withoutMetadata}},
	Collect:    collectComputeProject,
}

func collectComputeProject(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	p, err := api.Projects.Get(c.project).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read project: %w", err)
	}
	set := settings(p.CommonInstanceMetadata)
	emit(c.project, &schema.ComputeProject{
		Meta:      posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
		ProjectID: c.project, OSLogin: flag(set["enable-oslogin"]), OSLogin2FA: flag(set["enable-oslogin-2fa"]),
		SerialPortEnable: flag(set["serial-port-enable"]), OSConfig: flag(set["enable-osconfig"]),
		SSHKeysCount: lines(set["ssh-keys"]) + lines(set["sshKeys"]), DefaultServiceAccount: p.DefaultServiceAccount,
		XPNStatus: cmp.Or(p.XpnProjectStatus, "UNSPECIFIED_XPN_PROJECT_STATUS"),
	})
	return nil
}

// settings are the metadata of an instance or a project. Their values must not leave the reader.
func settings(m *compute.Metadata) map[string]string {
	out := map[string]string{}
	if m == nil {
		return out
	}
	for _, item := range m.Items {
		out[item.Key] = ""
		if item.Value != nil {
			out[item.Key] = *item.Value
		}
	}
	return out
}

// flag reads a switch in metadata. What the guest's agent cannot read counts as not set, "".
func flag(value string) string {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "yes", "y", "1":
		return "true"
	case "false", "no", "n", "0":
		return "false"
	}
	return ""
}

// lines counts those that are not empty.
func lines(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

var instances = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.InstanceType},
	Scope:      collectors.Located,
	Operations: []collectors.Operation{listInstances},
	Collect:    collectInstances,
}

var listInstances = collectors.Operation{Name: "compute.instances.aggregatedList", Permission: "compute.instances.list", Body: withoutMetadata}

func collectInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: listInstances.Name, of: schema.InstanceType}
	list := api.Instances.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.InstanceAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, i := range in.Instances {
				out := newInstance(c.project, i)
				emit(resourcePath(i.SelfLink), collectors.In(out.Zone, &out))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		return fmt.Errorf("list instances: %w", err)
	}
	return missing.err()
}

func newInstance(project string, i *compute.Instance) schema.Instance {
	set := settings(i.Metadata)
	out := schema.Instance{
		Meta:     posture.Meta{Name: i.Name, Tags: i.Labels, CreatedAt: timestamp(i.CreationTimestamp)},
		SelfLink: i.SelfLink, Number: strconv.FormatUint(i.Id, 10), Zone: path.Base(i.Zone), ProjectID: project, Status: i.Status,
		MachineType: path.Base(i.MachineType), ExternalIPs: []string{}, CanIPForward: i.CanIpForward, DeletionProtection: i.DeletionProtection,
		Scopes: []string{}, MetadataKeys: slices.AppendSeq([]string{}, maps.Keys(set)), MetadataSuspectKeys: []string{},
		Disks: []schema.AttachedDisk{},
		MetadataFlags: schema.MetadataFlags{
			BlockProjectSSHKeys: flag(set["block-project-ssh-keys"]), EnableOSLogin: flag(set["enable-oslogin"]),
			SerialPortEnable: flag(set["serial-port-enable"]), EnableOSConfig: flag(set["enable-osconfig"]),
		},
		InstanceGroupMember: strings.Contains(set["created-by"], "/instanceGroupManagers/"),
	}
	slices.Sort(out.MetadataKeys)
	_, node := i.Labels["goog-gke-node"]
	out.ManagedByGKE = node || strings.HasPrefix(i.Name, "gke-")
	_, out.ManagedByDataproc = i.Labels["goog-dataproc-cluster-name"]
	for _, key := range out.MetadataKeys {
		if secretscan.Suspect(key, set[key]) && !(node && nodeMetadata[key]) {
			out.MetadataSuspectKeys = append(out.MetadataSuspectKeys, key)
		}
	}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.AccessConfigs {
			out.ExternalIPs = append(out.ExternalIPs, cmp.Or(a.NatIP, "ephemeral"))
		}
		for _, a := range n.Ipv6AccessConfigs {
			out.ExternalIPs = append(out.ExternalIPs, cmp.Or(a.ExternalIpv6, "ephemeral"))
		}
	}
	if len(i.ServiceAccounts) > 0 { // there is one at most
		out.ServiceAccountEmail = i.ServiceAccounts[0].Email
		out.ServiceAccountIsDefault = strings.HasSuffix(out.ServiceAccountEmail, "-compute@developer.gserviceaccount.com")
		out.Scopes = append(out.Scopes, i.ServiceAccounts[0].Scopes...)
		slices.Sort(out.Scopes)
	}
	if s := i.ShieldedInstanceConfig; s != nil {
		out.Shielded = schema.ShieldedVM{Supported: true, SecureBoot: s.EnableSecureBoot, VTPM: s.EnableVtpm,
			IntegrityMonitoring: s.EnableIntegrityMonitoring}
	}
	if confidential := i.ConfidentialInstanceConfig; confidential != nil {
		kind := confidential.ConfidentialInstanceType
		out.ConfidentialCompute = confidential.EnableConfidentialCompute || kind != "" && kind != "CONFIDENTIAL_INSTANCE_TYPE_UNSPECIFIED"
	}
	out.ConfidentialSupported = out.ConfidentialCompute || canBeConfidential(out.MachineType)
	for _, d := range i.Disks {
		out.Disks = append(out.Disks, schema.AttachedDisk{
			Device: d.DeviceName, Source: resourcePath(d.Source), Boot: d.Boot, AutoDelete: d.AutoDelete, Kind: d.Type,
			Encryption: encryption(d.DiskEncryptionKey),
		})
	}
	return out
}

// nodeMetadata are the keys that GKE keeps for itself on its nodes: scripts and bootstrap credentials of Google's own making.
var nodeMetadata = map[string]bool{
	"cluster-location": true, "cluster-name": true, "cluster-uid": true, "common-psm1": true, "configure-sh": true,
	"containerd-configure-sh": true, "disable-address-manager": true, "enable-os-login": true, "gci-ensure-gke-docker": true,
	"gci-metrics-enabled": true, "gci-update-strategy": true, "install-ssh-psm1": true, "instance-template": true, "k8s-node-setup-psm1": true,
	"kube-env": true, "startup-script": true, "user-data": true, "user-profile-psm1": true, "windows-startup-script-ps1": true,
}

// canBeConfidential reports whether a machine type has a confidential mode: SEV on C2D, C3D, C4D, N2D and a G4, TDX on C3 and
// an A3; none without a hypervisor. Source: supported configurations of Confidential VM, November 2026.
func canBeConfidential(machineType string) bool {
	family, _, _ := strings.Cut(machineType, "-")
	switch {
	case strings.HasSuffix(machineType, "-metal"):
		return false
	case slices.Contains([]string{"c2d", "c3d", "c4d", "n2d"}, family), strings.HasPrefix(machineType, "c3-standard-"):
		return true
	}
	return machineType == "a3-highgpu-1g" || machineType == "g4-standard-48"
}

// encryption says whose key something is encrypted with: Google's (platform), one in Cloud KMS (cmek) or one that is sent along
// with each request (csek).
func encryption(key *compute.CustomerEncryptionKey) string {
	switch {
	case key == nil:
		return "platform"
	case key.KmsKeyName != "":
		return "cmek"
	case key.Sha256 != "":
		return "csek"
	}
	return "platform"
}

var disks = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.DiskType},
	Scope:      collectors.Located,
	Operations: []collectors.Operation{{Name: "compute.disks.aggregatedList", Permission: "compute.disks.list", Body: collectors.Store}},
	Collect:    collectDisks,
}

func collectDisks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.disks.aggregatedList", of: schema.DiskType}
	list := api.Disks.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.DiskAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, d := range in.Disks {
				out := schema.Disk{
					Meta:     posture.Meta{Name: d.Name, Tags: d.Labels, CreatedAt: timestamp(d.CreationTimestamp)},
					SelfLink: d.SelfLink, Number: strconv.FormatUint(d.Id, 10), Location: path.Base(cmp.Or(d.Zone, d.Region)),
					Encryption: encryption(d.DiskEncryptionKey), Users: resourcePaths(d.Users), ResourcePolicies: resourcePaths(d.ResourcePolicies),
				}
				if d.DiskEncryptionKey != nil {
					out.KMSKeyName = d.DiskEncryptionKey.KmsKeyName
				}
				emit(resourcePath(d.SelfLink), collectors.In(out.Location, &out))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		return fmt.Errorf("list disks: %w", err)
	}
	return missing.err()
}

// resourcePaths are the paths of several resources, in order.
func resourcePaths(links []string) []string {
	out := []string{}
	for _, link := range links {
		out = append(out, resourcePath(link))
	}
	slices.Sort(out)
	return out
}

var resourcePolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ResourcePolicyType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{{Name: "compute.resourcePolicies.aggregatedList", Permission: "compute.resourcePolicies.list",
		Body: collectors.Store}},
	Collect: collectResourcePolicies,
}

func collectResourcePolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.resourcePolicies.aggregatedList", of: schema.ResourcePolicyType}
	list := api.ResourcePolicies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.ResourcePolicyAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.ResourcePolicies {
				out := schema.ResourcePolicy{Meta: posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
					IsSnapshotSchedule: p.SnapshotSchedulePolicy != nil}
				if s := p.SnapshotSchedulePolicy; s != nil && s.RetentionPolicy != nil {
					out.RetentionDays = int(s.RetentionPolicy.MaxRetentionDays)
				}
				emit(resourcePath(p.SelfLink), collectors.In(path.Base(p.Region), &out))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		return fmt.Errorf("list resource policies: %w", err)
	}
	return missing.err()
}

var diskSnapshots = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DiskSnapshotType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.snapshots.list", Permission: "compute.snapshots.list", Body: collectors.Store},
		{Name: "compute.regions.list", Permission: "compute.regions.list", Body: collectors.Store},
		{Name: "compute.regionSnapshots.list", Permission: "compute.snapshots.list", Body: collectors.Store},
	},
	Collect: collectDiskSnapshots,
}

// collectDiskSnapshots reads the snapshots of the project and those that are kept in one region, which no call lists together.
func collectDiskSnapshots(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	var errs []error
	take := func(operation, region string) func(*compute.SnapshotList) error {
		return func(page *compute.SnapshotList) error {
			for _, s := range page.Items {
				emit(resourcePath(s.SelfLink), collectors.In(region, newDiskSnapshot(s)))
			}
			if leavesOut(warned(page.Warning)) {
				return unreachable(operation, region)
			}
			return nil
		}
	}
	if err := api.Snapshots.List(c.project).MaxResults(largestPage).Pages(ctx, take("compute.snapshots.list", posture.Global)); err != nil {
		errs = append(errs, collectors.IncompleteIn(posture.Global, schema.DiskSnapshotType, fmt.Errorf("list snapshots: %w", err)))
	}
	err = api.Regions.List(c.project).MaxResults(largestPage).Pages(ctx, func(page *compute.RegionList) error {
		for _, r := range page.Items {
			if err := api.RegionSnapshots.List(c.project, r.Name).MaxResults(largestPage).Pages(ctx,
				take("compute.regionSnapshots.list", r.Name)); err != nil {
				errs = append(errs, collectors.IncompleteIn(r.Name, schema.DiskSnapshotType, fmt.Errorf("list snapshots in %s: %w", r.Name, err)))
			}
		}
		if code := warned(page.Warning); leavesOut(code) {
			return unreachable("compute.regions.list", code)
		}
		return nil
	})
	if err != nil {
		errs = append(errs, fmt.Errorf("list regions: %w", err))
	}
	return errors.Join(errs...)
}

func newDiskSnapshot(s *compute.Snapshot) *schema.DiskSnapshot {
	return &schema.DiskSnapshot{
		Meta:       posture.Meta{Name: s.Name, Tags: s.Labels, CreatedAt: timestamp(s.CreationTimestamp)},
		SourceDisk: resourcePath(s.SourceDisk), SourceDiskID: s.SourceDiskId, Status: s.Status, AutoCreated: s.AutoCreated,
		Encryption: encryption(s.SnapshotEncryptionKey),
	}
}
