package azure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// machineSecrets are the members of machines in which people keep passwords. Few of them are ever answered.
var machineSecrets = collectors.Redact("adminPassword", "content", "customData", "protectedSettings", "settings", "userData")

var virtualMachines = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.VirtualMachineType},
	Operations: []collectors.Operation{
		{Name: "armcompute.VirtualMachinesClient.NewListAllPager", Permission: "Microsoft.Compute/virtualMachines/read", Body: machineSecrets},
		{Name: "armcompute.VirtualMachineExtensionsClient.List", Permission: "Microsoft.Compute/virtualMachines/extensions/read", Body: machineSecrets},
	},
	Collect: collectVirtualMachines,
}

// collectVirtualMachines lists machines twice, for what they are and for whether they run. A list that only names the
// extensions of a machine leaves them to a call of their own.
func collectVirtualMachines(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcompute.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	machines, err := listMachines(ctx, api, nil)
	power := map[string]string{} // by id
	running, unread := listMachines(ctx, api, &armcompute.VirtualMachinesClientListAllOptions{StatusOnly: to.Ptr("true")})
	for _, m := range running {
		power[idOf(m.ID)] = powerState(m)
	}
	if unread == nil {
		unread = collectors.ErrNotCollected // of a machine that the other list did not have
	}
	_ = parallel(machines, func(m *armcompute.VirtualMachine) string { return idOf(m.ID) }, func(m *armcompute.VirtualMachine) error {
		out, gaps := newVirtualMachine(m)
		if out.PowerState = power[idOf(m.ID)]; out.PowerState == "" {
			gaps = append(gaps, collectors.Unread(unread, "power_state"))
		}
		extensions := m.Resources
		if slices.ContainsFunc(extensions, func(e *armcompute.VirtualMachineExtension) bool { return e.Properties == nil }) {
			answer, err := api.NewVirtualMachineExtensionsClient().List(ctx, out.ResourceGroup, out.Name, nil)
			if extensions = answer.Value; err != nil {
				gaps = append(gaps, collectors.Unread(err, "extensions"))
			}
		}
		for _, e := range extensions {
			p := value(e.Properties)
			out.Extensions = append(out.Extensions, text(p.Publisher)+"/"+text(p.Type))
		}
		slices.Sort(out.Extensions)
		emit(idOf(m.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list virtual machines: %w", err)
	}
	return nil
}

func listMachines(ctx context.Context, api *armcompute.ClientFactory, options *armcompute.VirtualMachinesClientListAllOptions) ([]*armcompute.VirtualMachine, error) {
	var out []*armcompute.VirtualMachine
	err := pages(ctx, api.NewVirtualMachinesClient().NewListAllPager(options), func(page armcompute.VirtualMachinesClientListAllResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	return out, err
}

// powerState is "running" of the statuses "ProvisioningState/succeeded" and "PowerState/running".
func powerState(m *armcompute.VirtualMachine) string {
	for _, s := range value(value(m.Properties).InstanceView).Statuses {
		if state, ok := strings.CutPrefix(text(s.Code), "PowerState/"); ok {
			return state
		}
	}
	return "unknown"
}

func newVirtualMachine(m *armcompute.VirtualMachine) (schema.VirtualMachine, []collectors.Gap) {
	p := value(m.Properties)
	storage, security, identity, network := value(p.StorageProfile), value(p.SecurityProfile), value(m.Identity), value(p.NetworkProfile)
	disk := value(storage.OSDisk)
	out := schema.VirtualMachine{
		Resource: resource(m.ID, m.Name, m.Location, m.Tags), OSType: text(disk.OSType),
		ManagedOSDisk: disk.ManagedDisk != nil, ManagedDataDisks: true,
		EncryptionAtHost: is(security.EncryptionAtHost), SecurityType: cmp.Or(text(security.SecurityType), "Standard"),
		SecureBoot: is(value(security.UefiSettings).SecureBootEnabled), VTPM: is(value(security.UefiSettings).VTpmEnabled),
		Extensions: []string{}, IdentityType: text(identity.Type), IdentityPrincipalIDs: []string{}, Zones: list(m.Zones),
		AvailabilitySetID: idOf(value(p.AvailabilitySet).ID), NICIDs: []string{}, ImagePublisher: text(value(storage.ImageReference).Publisher),
	}
	out.CreatedAt = posture.FromPtr(p.TimeCreated)
	for _, d := range storage.DataDisks {
		out.ManagedDataDisks = out.ManagedDataDisks && d.ManagedDisk != nil
	}
	for _, n := range network.NetworkInterfaces {
		out.NICIDs = append(out.NICIDs, idOf(n.ID))
	}
	for _, u := range identity.UserAssignedIdentities {
		out.IdentityPrincipalIDs = append(out.IdentityPrincipalIDs, text(u.PrincipalID))
	}
	out.IdentityPrincipalIDs = named(append(out.IdentityPrincipalIDs, text(identity.PrincipalID)))

	os, unset := value(p.OSProfile), []string{"patch_mode", "patch_assessment_mode"}
	switch out.OSType {
	case string(armcompute.OperatingSystemTypesWindows):
		windows := value(os.WindowsConfiguration)
		patches := value(windows.PatchSettings)
		out.PatchMode, out.PatchAssessmentMode = text(patches.PatchMode), cmp.Or(text(patches.AssessmentMode), "ImageDefault")
		if out.PatchMode == "" {
			out.PatchMode = "Manual"
			if windows.EnableAutomaticUpdates == nil || *windows.EnableAutomaticUpdates {
				out.PatchMode = "AutomaticByOS"
			}
		}
	case string(armcompute.OperatingSystemTypesLinux):
		linux := value(os.LinuxConfiguration)
		patches := value(linux.PatchSettings)
		out.PatchMode, out.PatchAssessmentMode = cmp.Or(text(patches.PatchMode), "ImageDefault"), cmp.Or(text(patches.AssessmentMode), "ImageDefault")
		out.SSHPasswordDisabled = posture.Some(is(linux.DisablePasswordAuthentication))
		unset = append(unset, "ssh_password_disabled")
	}
	if p.OSProfile == nil { // made from a disk that was set up before: how, Azure does not know
		return out, []collectors.Gap{collectors.NotCollected(unset...)}
	}
	return out, nil
}

var scaleSets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ScaleSetType},
	Operations: []collectors.Operation{
		{Name: "armcompute.VirtualMachineScaleSetsClient.NewListAllPager", Permission: "Microsoft.Compute/virtualMachineScaleSets/read", Body: machineSecrets},
	},
	Collect: collectScaleSets,
}

func collectScaleSets(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcompute.NewVirtualMachineScaleSetsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListAllPager(nil), func(page armcompute.VirtualMachineScaleSetsClientListAllResponse) error {
		for _, s := range page.Value {
			out := newScaleSet(s)
			emit(idOf(s.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list scale sets: %w", err)
	}
	return nil
}

func newScaleSet(s *armcompute.VirtualMachineScaleSet) schema.ScaleSet {
	p := value(s.Properties)
	model, upgrades := value(p.VirtualMachineProfile), value(p.UpgradePolicy)
	security, os := value(model.SecurityProfile), value(model.OSProfile)
	out := schema.ScaleSet{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), OrchestrationMode: cmp.Or(text(p.OrchestrationMode), "Uniform"),
		EncryptionAtHost: is(security.EncryptionAtHost), SecurityType: cmp.Or(text(security.SecurityType), "Standard"),
		UpgradeMode: text(upgrades.Mode), AutomaticOSUpgrade: is(value(upgrades.AutomaticOSUpgradePolicy).EnableAutomaticOSUpgrade),
		Zones: list(s.Zones), Extensions: []string{}, Capacity: int(value(value(s.SKU).Capacity)), Interfaces: []schema.ScaleSetInterface{},
	}
	out.CreatedAt = posture.FromPtr(p.TimeCreated)
	if os.LinuxConfiguration != nil {
		out.SSHPasswordDisabled = posture.Some(is(os.LinuxConfiguration.DisablePasswordAuthentication))
	}
	for _, e := range value(model.ExtensionProfile).Extensions {
		x := value(e.Properties)
		out.Extensions = append(out.Extensions, text(x.Publisher)+"/"+text(x.Type))
	}
	slices.Sort(out.Extensions)
	for _, n := range value(model.NetworkProfile).NetworkInterfaceConfigurations {
		card := value(n.Properties)
		var subnets, balancers []string
		for _, i := range card.IPConfigurations {
			ip := value(i.Properties)
			subnets = append(subnets, idOf(value(ip.Subnet).ID))
			out.PublicIPPerInstance = out.PublicIPPerInstance || ip.PublicIPAddressConfiguration != nil
			for _, pool := range slices.Concat(ip.LoadBalancerBackendAddressPools, ip.LoadBalancerInboundNatPools) {
				balancers = append(balancers, ownerOf(pool.ID))
			}
		}
		out.Interfaces = append(out.Interfaces, schema.ScaleSetInterface{
			Name: text(n.Name), NSGID: idOf(value(card.NetworkSecurityGroup).ID), SubnetIDs: named(subnets), LoadBalancerIDs: named(balancers),
		})
	}
	return out
}

var disks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DiskType},
	Operations: []collectors.Operation{
		{Name: "armcompute.DisksClient.NewListPager", Permission: "Microsoft.Compute/disks/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectDisks,
}

func collectDisks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcompute.NewDisksClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.compute/disks", "", api.NewListPager(nil), func(page armcompute.DisksClientListResponse) error {
		for _, d := range page.Value {
			p := value(d.Properties)
			out := schema.Disk{
				Resource: resource(d.ID, d.Name, d.Location, d.Tags), State: text(p.DiskState), ManagedBy: idOf(d.ManagedBy), OSType: text(p.OSType),
				EncryptionType:      cmp.Or(text(value(p.Encryption).Type), string(armcompute.EncryptionTypeEncryptionAtRestWithPlatformKey)),
				DiskEncryptionSetID: idOf(value(p.Encryption).DiskEncryptionSetID),
				PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), NetworkAccessPolicy: cmp.Or(text(p.NetworkAccessPolicy), "AllowAll"),
				SizeGB: int(value(p.DiskSizeGB)),
			}
			out.CreatedAt = posture.FromPtr(p.TimeCreated)
			emit(idOf(d.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list disks: %w", err)
	}
	return nil
}

var diskSnapshots = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DiskSnapshotType},
	Operations: []collectors.Operation{
		{Name: "armcompute.SnapshotsClient.NewListPager", Permission: "Microsoft.Compute/snapshots/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectDiskSnapshots,
}

func collectDiskSnapshots(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcompute.NewSnapshotsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.compute/snapshots", "", api.NewListPager(nil), func(page armcompute.SnapshotsClientListResponse) error {
		for _, s := range page.Value {
			p := value(s.Properties)
			out := schema.DiskSnapshot{
				Resource:            resource(s.ID, s.Name, s.Location, s.Tags),
				EncryptionType:      cmp.Or(text(value(p.Encryption).Type), string(armcompute.EncryptionTypeEncryptionAtRestWithPlatformKey)),
				PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), NetworkAccessPolicy: cmp.Or(text(p.NetworkAccessPolicy), "AllowAll"),
			}
			out.CreatedAt = posture.FromPtr(p.TimeCreated)
			emit(idOf(s.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list disk snapshots: %w", err)
	}
	return nil
}
