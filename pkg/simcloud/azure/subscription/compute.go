package subscription

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var computeService = service{
	providers: []string{"Microsoft.Compute"},
	kinds: []world.Kind{
		{
			Name: "azure.vm", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "windows", Share: 0.4}, {Name: "from-disk", Share: 0.1}, {Name: "stopped", Drift: 0.2}, {Name: "vhd", Share: 0.15}, {Name: "data-vhd", Share: 0.15},
				{Name: "no-host-encryption", Share: 0.5}, {Name: "disk-encryption", Share: 0.3}, {Name: "no-trusted-launch", Share: 0.3}, {Name: "no-secure-boot", Share: 0.2},
				{Name: "no-tpm", Share: 0.2}, {Name: "no-attestation", Share: 0.4}, {Name: "password", Share: 0.3, Drift: 0.1}, {Name: "public-ip", Share: 0.5, Drift: 0.1},
				{Name: "basic-ip", Share: 0.4}, {Name: "no-nic-group", Share: 0.4}, {Name: "forwards", Share: 0.2}, {Name: "unpatched", Share: 0.3}, {Name: "not-assessed", Share: 0.2},
				{Name: "no-agent", Share: 0.3}, {Name: "old-agent", Share: 0.3}, {Name: "no-guest-config", Share: 0.3}, {Name: "no-identity", Share: 0.3},
				{Name: "foreign-extension", Share: 0.3, Drift: 0.1}, {Name: "no-zone", Share: 0.5}, {Name: "availability-set", Share: 0.4}},
			Expect:     expectMachine,
			ExpectMore: expectMachineInterfaces,
		},
		{
			Name: "azure.vmss", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "flexible", Share: 0.3}, {Name: "manual", Share: 0.5, Drift: 0.1}, {Name: "image-by-hand", Share: 0.5}, {Name: "bare", Share: 0.3},
				{Name: "public", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.compute.scale_set", scaleSetID(it)), map[string]posture.Result{
					"azure-compute-scale-set-automatic-upgrade": unless(it.Has("flexible"), failIf(it.Has("manual") && it.Has("image-by-hand"))),
				}
			},
		},
		{
			Name: "azure.disk", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "platform-key", Share: 0.4}, {Name: "both-keys", Share: 0.3}, {Name: "exportable", Share: 0.4, Drift: 0.1}, {Name: "public-off", Share: 0.2},
				{Name: "unattached", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.compute.disk", diskID(it)), map[string]posture.Result{
					"azure-compute-disk-cmk":               failIf(it.Has("platform-key")),
					"azure-compute-disk-export-restricted": failIf(it.Has("exportable") && !it.Has("public-off")),
				}
			},
		},
		{
			Name: "azure.snapshot", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "exportable", Share: 0.4, Drift: 0.1}, {Name: "public-off", Share: 0.3}, {Name: "platform-key", Share: 0.5}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.compute.snapshot", snapshotID(it)), map[string]posture.Result{
					"azure-compute-snapshot-export-restricted": failIf(it.Has("exportable") && !it.Has("public-off")),
				}
			},
		},
	},
	handle: handleCompute,
}

func machineID(it *world.Item) string {
	return idOf(it, "Microsoft.Compute/virtualMachines", "vm-"+it.Name())
}

func interfaceID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/networkInterfaces", "nic-"+it.Name())
}

func scaleSetID(it *world.Item) string {
	return idOf(it, "Microsoft.Compute/virtualMachineScaleSets", "vmss-"+it.Name())
}

func diskID(it *world.Item) string { return idOf(it, "Microsoft.Compute/disks", "disk-"+it.Name()) }

func snapshotID(it *world.Item) string {
	return idOf(it, "Microsoft.Compute/snapshots", "snap-"+it.Name())
}

// groupOf is the security group of a machine's own interface, nil for none.
func groupOf(s *world.State, vm *world.Item) *world.Item {
	if vm.Has("no-nic-group") {
		return nil
	}
	return s.Find("azure.nsg", posture.Global, vm.Index+1)
}

func expectMachine(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	_, backedUp := backsUp(s, it)
	filtered := groupOf(s, it) != nil || !networkOf(s, it).Has("bare-subnet")
	unsafeBoot := it.Has("no-trusted-launch") || it.Has("no-secure-boot") || it.Has("no-tpm")
	out := map[string]posture.Result{
		"azure-compute-vm-managed-disks":           failIf(it.Has("vhd") || it.Has("data-vhd")),
		"azure-compute-vm-encryption-at-host":      failIf(it.Has("no-host-encryption") && !it.Has("disk-encryption")),
		"azure-compute-vm-trusted-launch":          failIf(unsafeBoot),
		"azure-compute-vm-guest-attestation":       unless(it.Has("no-trusted-launch"), failIf(it.Has("no-attestation"))),
		"azure-compute-vm-linux-ssh-keys-only":     unless(it.Has("windows"), failIf(it.Has("password"))),
		"azure-compute-vm-no-public-ip":            failIf(it.Has("public-ip")),
		"azure-compute-vm-network-security-group":  failIf(!filtered),
		"azure-compute-vm-management-ports-closed": failIf(adminReached(s, it)),
		"azure-compute-vm-patching-automatic":      failIf(it.Has("unpatched") || it.Has("not-assessed")),
		"azure-compute-vm-monitoring-agent":        failIf(it.Has("no-agent")),
		"azure-compute-vm-guest-configuration":     failIf(it.Has("no-guest-config") || it.Has("no-identity")),
		"azure-compute-vm-approved-extensions":     failIf(it.Has("foreign-extension")),
		"azure-compute-vm-just-in-time-access":     unless(!planOn(s, "VirtualMachines"), failIf(!jitProtected(s, it) && (it.Has("public-ip") || administered(s, it)))),
		"azure-compute-vm-backup":                  failIf(!backedUp),
		"azure-compute-vm-disaster-recovery":       posture.DoesNotApply, // no machine is tagged as critical
		"azure-compute-vm-zone-redundant":          failIf(it.Has("no-zone") && !it.Has("availability-set")),
	}
	if it.Has("from-disk") { // how it was set up, Azure does not know
		out["azure-compute-vm-patching-automatic"] = posture.Unknown
		if !it.Has("windows") {
			out["azure-compute-vm-linux-ssh-keys-only"] = posture.Unknown
		}
	}
	return keyOf("azure.compute.virtual_machine", machineID(it)), out
}

// adminReached: the internet gets to SSH, Remote Desktop or Windows remote management.
func adminReached(s *world.State, it *world.Item) bool {
	network := networkOf(s, it)
	outer := wideOpenings(network.Has("bare-subnet") || network.Has("wide-subnet"))
	group := groupOf(s, it)
	if group == nil {
		if network.Has("bare-subnet") {
			return it.Has("public-ip") && it.Has("basic-ip")
		}
		return outer["ssh"]
	}
	inner := letsIn(group)
	return outer["ssh"] && inner["ssh"] || outer["rdp"] && inner["rdp"] || outer["winrm"] && inner["winrm"]
}

// administered: a rule lets somebody in on a management port of the machine.
func administered(s *world.State, it *world.Item) bool {
	network := networkOf(s, it)
	g := groupOf(s, it)
	return network.Has("wide-subnet") && !network.Has("bare-subnet") ||
		g != nil && (g.Has("admins") || g.Has("open-ssh") || g.Has("open-rdp") || g.Has("open-winrm") || g.Has("open-all"))
}

func expectMachineInterfaces(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	for _, it := range s.Items("azure.vm") {
		out[world.Judged{Rule: "azure-network-interface-ip-forwarding-disabled", Resource: keyOf("azure.network.interface", interfaceID(it))}] = failIf(it.Has("forwards"))
	}
	return out
}

// namedOnly: the list of machines only names the extensions of this one.
func namedOnly(it *world.Item) bool { return it.Index%2 == 1 }

func handleCompute(s *azure.Server, w *states) {
	azure.List(s, "armcompute.VirtualMachinesClient.NewListAllPager", func(c azure.Call) (*armcompute.VirtualMachineListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcompute.VirtualMachineListResult{}
		for _, it := range state.Items("azure.vm") {
			if c.Query.Get("statusOnly") == "true" {
				out.Value = append(out.Value, machineStatus(it))
			} else {
				out.Value = append(out.Value, machine(state, it))
			}
		}
		return out, nil
	})
	azure.Handle(s, "armcompute.VirtualMachineExtensionsClient.List", func(c azure.Call) (*armcompute.VirtualMachineExtensionsListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("azure.vm") {
			if strings.EqualFold(c.Params["vmName"], "vm-"+it.Name()) {
				return &armcompute.VirtualMachineExtensionsListResult{Value: extensions(it)}, nil
			}
		}
		return nil, azure.NotFound("The virtual machine " + c.Params["vmName"])
	})
	azure.List(s, "armcompute.VirtualMachineScaleSetsClient.NewListAllPager", func(c azure.Call) (*armcompute.VirtualMachineScaleSetListWithLinkResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcompute.VirtualMachineScaleSetListWithLinkResult{}
		for _, it := range state.Items("azure.vmss") {
			out.Value = append(out.Value, scaleSet(state, it))
		}
		return out, nil
	})
	azure.List(s, "armcompute.DisksClient.NewListPager", func(c azure.Call) (*armcompute.DiskList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcompute.DiskList{}
		for _, it := range state.Items("azure.disk") {
			out.Value = append(out.Value, disk(state, it))
		}
		return out, nil
	})
	azure.List(s, "armcompute.SnapshotsClient.NewListPager", func(c azure.Call) (*armcompute.SnapshotList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcompute.SnapshotList{}
		for _, it := range state.Items("azure.snapshot") {
			out.Value = append(out.Value, snapshot(state, it))
		}
		return out, nil
	})
}

func machineStatus(it *world.Item) *armcompute.VirtualMachine {
	state := "PowerState/running"
	if it.Has("stopped") {
		state = "PowerState/deallocated"
	}
	return &armcompute.VirtualMachine{
		ID: to.Ptr(machineID(it)), Name: to.Ptr("vm-" + it.Name()), Location: to.Ptr(it.Account.Home()),
		Properties: &armcompute.VirtualMachineProperties{InstanceView: &armcompute.VirtualMachineInstanceView{Statuses: []*armcompute.InstanceViewStatus{
			{Code: to.Ptr("ProvisioningState/succeeded"), Level: to.Ptr(armcompute.StatusLevelTypesInfo)}, {Code: &state, Level: to.Ptr(armcompute.StatusLevelTypesInfo)},
		}}},
	}
}

func machine(s *world.State, it *world.Item) *armcompute.VirtualMachine {
	managed := &armcompute.ManagedDiskParameters{ID: to.Ptr(idOf(it, "Microsoft.Compute/disks", "os-"+it.Name())), StorageAccountType: to.Ptr(armcompute.StorageAccountTypesPremiumZRS)}
	system := &armcompute.OSDisk{Name: to.Ptr("os"), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesFromImage), OSType: to.Ptr(armcompute.OperatingSystemTypesLinux), ManagedDisk: managed}
	data := &armcompute.DataDisk{Lun: to.Ptr[int32](0), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesEmpty), ManagedDisk: managed}
	file := &armcompute.VirtualHardDisk{URI: to.Ptr("https://stold.blob.core.windows.net/vhds/" + it.Name() + ".vhd")}
	if it.Has("vhd") {
		system.ManagedDisk, system.Vhd = nil, file
	}
	if it.Has("data-vhd") {
		data.ManagedDisk, data.Vhd = nil, file
	}
	image := &armcompute.ImageReference{Publisher: to.Ptr("Canonical"), Offer: to.Ptr("ubuntu-24_04-lts"), SKU: to.Ptr("server"), Version: to.Ptr("latest")}
	os := &armcompute.OSProfile{ComputerName: to.Ptr(it.Name()), AdminUsername: to.Ptr("operator")}
	if it.Has("windows") {
		system.OSType = to.Ptr(armcompute.OperatingSystemTypesWindows)
		image = &armcompute.ImageReference{Publisher: to.Ptr("MicrosoftWindowsServer"), Offer: to.Ptr("WindowsServer"), SKU: to.Ptr("2022-datacenter"), Version: to.Ptr("latest")}
		os.WindowsConfiguration = windowsOf(it)
	} else {
		os.LinuxConfiguration = linuxOf(it)
	}
	p := &armcompute.VirtualMachineProperties{
		HardwareProfile: &armcompute.HardwareProfile{VMSize: to.Ptr(armcompute.VirtualMachineSizeTypesStandardD4SV3)}, OSProfile: os,
		StorageProfile:  &armcompute.StorageProfile{ImageReference: image, OSDisk: system, DataDisks: []*armcompute.DataDisk{data}},
		NetworkProfile:  &armcompute.NetworkProfile{NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{ID: to.Ptr(interfaceID(it))}}},
		SecurityProfile: &armcompute.SecurityProfile{EncryptionAtHost: to.Ptr(!it.Has("no-host-encryption"))},
		TimeCreated:     to.Ptr(s.Long(it, 30)), ProvisioningState: to.Ptr("Succeeded"),
	}
	if !it.Has("no-trusted-launch") {
		p.SecurityProfile.SecurityType = to.Ptr(armcompute.SecurityTypesTrustedLaunch)
		p.SecurityProfile.UefiSettings = &armcompute.UefiSettings{SecureBootEnabled: to.Ptr(!it.Has("no-secure-boot")), VTpmEnabled: to.Ptr(!it.Has("no-tpm"))}
	}
	if it.Has("from-disk") {
		p.OSProfile, p.StorageProfile.ImageReference = nil, nil
	}
	if it.Has("availability-set") {
		p.AvailabilitySet = &armcompute.SubResource{ID: to.Ptr(idOf(it, "Microsoft.Compute/availabilitySets", "avail"))}
	}
	out := &armcompute.VirtualMachine{
		ID: to.Ptr(machineID(it)), Name: to.Ptr("vm-" + it.Name()), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "app"), Properties: p, Resources: extensions(it),
	}
	if !it.Has("no-zone") {
		out.Zones = []*string{to.Ptr("1")}
	}
	user := map[string]*armcompute.UserAssignedIdentitiesValue{
		idOf(it, "Microsoft.ManagedIdentity/userAssignedIdentities", "id-app"): {ClientID: to.Ptr(it.Hex(32, "client")), PrincipalID: to.Ptr(it.Hex(32, "user"))},
	}
	out.Identity = &armcompute.VirtualMachineIdentity{Type: to.Ptr(armcompute.ResourceIdentityTypeUserAssigned), UserAssignedIdentities: user}
	if !it.Has("no-identity") {
		out.Identity.Type, out.Identity.PrincipalID = to.Ptr(armcompute.ResourceIdentityTypeSystemAssignedUserAssigned), to.Ptr(it.Hex(32, "system"))
	}
	if namedOnly(it) {
		for i, e := range out.Resources {
			out.Resources[i] = &armcompute.VirtualMachineExtension{ID: e.ID}
		}
	}
	return out
}

func windowsOf(it *world.Item) *armcompute.WindowsConfiguration {
	patches := &armcompute.PatchSettings{AssessmentMode: to.Ptr(armcompute.WindowsPatchAssessmentModeAutomaticByPlatform), PatchMode: to.Ptr(armcompute.WindowsVMGuestPatchModeAutomaticByOS)}
	if it.Has("not-assessed") {
		patches.AssessmentMode = nil
	}
	out := &armcompute.WindowsConfiguration{ProvisionVMAgent: to.Ptr(true), EnableAutomaticUpdates: to.Ptr(!it.Has("unpatched")), PatchSettings: patches}
	if it.Index%2 == 0 { // the older switch decides alone
		patches.PatchMode = nil
	} else if it.Has("unpatched") {
		patches.PatchMode = to.Ptr(armcompute.WindowsVMGuestPatchModeManual)
	}
	return out
}

func linuxOf(it *world.Item) *armcompute.LinuxConfiguration {
	patches := &armcompute.LinuxPatchSettings{AssessmentMode: to.Ptr(armcompute.LinuxPatchAssessmentModeAutomaticByPlatform), PatchMode: to.Ptr(armcompute.LinuxVMGuestPatchModeAutomaticByPlatform)}
	if it.Has("not-assessed") {
		patches.AssessmentMode = to.Ptr(armcompute.LinuxPatchAssessmentModeImageDefault)
	}
	if it.Has("unpatched") {
		patches.PatchMode = nil
	}
	return &armcompute.LinuxConfiguration{ProvisionVMAgent: to.Ptr(true), DisablePasswordAuthentication: to.Ptr(!it.Has("password")), PatchSettings: patches}
}

func extensions(it *world.Item) []*armcompute.VirtualMachineExtension {
	system := "Linux"
	if it.Has("windows") {
		system = "Windows"
	}
	guest := map[string]string{"Linux": "ConfigurationforLinux", "Windows": "ConfigurationforWindows"}[system]
	ade := map[string]string{"Linux": "AzureDiskEncryptionForLinux", "Windows": "AzureDiskEncryption"}[system]
	old := map[string]string{"Linux": "OmsAgentForLinux", "Windows": "MicrosoftMonitoringAgent"}[system]
	var out []*armcompute.VirtualMachineExtension
	for _, e := range []struct {
		there           bool
		publisher, kind string
	}{
		{!it.Has("no-agent"), "Microsoft.Azure.Monitor", "AzureMonitor" + system + "Agent"},
		{it.Has("old-agent"), "Microsoft.EnterpriseCloud.Monitoring", old},
		{!it.Has("no-guest-config"), "Microsoft.GuestConfiguration", guest},
		{!it.Has("no-attestation"), "Microsoft.Azure.Security." + system + "Attestation", "GuestAttestation"},
		{it.Has("disk-encryption"), "Microsoft.Azure.Security", ade},
		{it.Has("foreign-extension"), "Contoso.Remote", "Shell"},
	} {
		if e.there {
			out = append(out, &armcompute.VirtualMachineExtension{
				ID: to.Ptr(machineID(it) + "/extensions/" + e.kind), Name: &e.kind, Type: to.Ptr("Microsoft.Compute/virtualMachines/extensions"), Location: to.Ptr(it.Account.Home()),
				Properties: &armcompute.VirtualMachineExtensionProperties{
					Publisher: &e.publisher, Type: &e.kind, TypeHandlerVersion: to.Ptr("1.0"), AutoUpgradeMinorVersion: to.Ptr(true),
					Settings: map[string]any{"token": it.Hex(32, "extension")}, ProvisioningState: to.Ptr("Succeeded"),
				},
			})
		}
	}
	return out
}

func machineInterface(s *world.State, it *world.Item) *armnetwork.Interface {
	network := networkOf(s, it)
	ip := &armnetwork.InterfaceIPConfigurationPropertiesFormat{
		Primary: to.Ptr(true), Subnet: &armnetwork.Subnet{ID: to.Ptr(networkID(network) + "/subnets/app")}, PrivateIPAddress: to.Ptr(fmt.Sprintf("10.%d.1.%d", network.Index, 10+it.Index)),
	}
	if it.Has("public-ip") {
		ip.PublicIPAddress = &armnetwork.PublicIPAddress{ID: to.Ptr(idOf(it, "Microsoft.Network/publicIPAddresses", "pip-"+it.Name()))}
	}
	if it.Index == 0 { // stands beside the scale set behind its load balancer
		ip.LoadBalancerBackendAddressPools = []*armnetwork.BackendAddressPool{{ID: to.Ptr(idOf(it, "Microsoft.Network/loadBalancers", "lb-app") + "/backendAddressPools/app")}}
	}
	p := &armnetwork.InterfacePropertiesFormat{
		VirtualMachine: &armnetwork.SubResource{ID: to.Ptr(machineID(it))}, EnableIPForwarding: to.Ptr(it.Has("forwards")), Primary: to.Ptr(true),
		IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{ID: to.Ptr(interfaceID(it) + "/ipConfigurations/main"), Name: to.Ptr("main"), Properties: ip}},
	}
	if g := groupOf(s, it); g != nil {
		p.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: to.Ptr(nsgID(g))}
	}
	return &armnetwork.Interface{ID: to.Ptr(interfaceID(it)), Name: to.Ptr("nic-" + it.Name()), Location: to.Ptr(it.Account.Home()), Properties: p}
}

func scaleSet(s *world.State, it *world.Item) *armcompute.VirtualMachineScaleSet {
	ip := &armcompute.VirtualMachineScaleSetIPConfigurationProperties{
		Subnet:                          &armcompute.APIEntityReference{ID: to.Ptr(networkID(s.Find("azure.network", posture.Global, 0)) + "/subnets/app")},
		LoadBalancerBackendAddressPools: []*armcompute.SubResource{{ID: to.Ptr(idOf(it, "Microsoft.Network/loadBalancers", "lb-app") + "/backendAddressPools/app")}},
	}
	if it.Has("public") {
		ip.PublicIPAddressConfiguration = &armcompute.VirtualMachineScaleSetPublicIPAddressConfiguration{Name: to.Ptr("each")}
	}
	card := &armcompute.VirtualMachineScaleSetNetworkConfigurationProperties{
		Primary: to.Ptr(true), IPConfigurations: []*armcompute.VirtualMachineScaleSetIPConfiguration{{Name: to.Ptr("main"), Properties: ip}},
	}
	if !it.Has("bare") {
		card.NetworkSecurityGroup = &armcompute.SubResource{ID: to.Ptr(subnetGroupID(s.Find("azure.network", posture.Global, 0)))}
	}
	mode, upgrades := armcompute.OrchestrationModeUniform, &armcompute.UpgradePolicy{
		Mode:                     to.Ptr(armcompute.UpgradeModeRolling),
		AutomaticOSUpgradePolicy: &armcompute.AutomaticOSUpgradePolicy{EnableAutomaticOSUpgrade: to.Ptr(!it.Has("image-by-hand"))},
	}
	if it.Has("manual") {
		upgrades.Mode = to.Ptr(armcompute.UpgradeModeManual)
	}
	if it.Has("flexible") {
		mode, upgrades = armcompute.OrchestrationModeFlexible, nil
	}
	return &armcompute.VirtualMachineScaleSet{
		ID: to.Ptr(scaleSetID(it)), Name: to.Ptr("vmss-" + it.Name()), Location: to.Ptr(it.Account.Home()), Zones: []*string{to.Ptr("1"), to.Ptr("2")},
		SKU: &armcompute.SKU{Name: to.Ptr("Standard_D4s_v3"), Capacity: to.Ptr(int64(2 + it.Index))}, Tags: labels("team", "app"),
		Properties: &armcompute.VirtualMachineScaleSetProperties{
			OrchestrationMode: &mode, UpgradePolicy: upgrades, TimeCreated: to.Ptr(s.Long(it, 60)),
			VirtualMachineProfile: &armcompute.VirtualMachineScaleSetVMProfile{
				NetworkProfile: &armcompute.VirtualMachineScaleSetNetworkProfile{NetworkInterfaceConfigurations: []*armcompute.VirtualMachineScaleSetNetworkConfiguration{
					{Name: to.Ptr("nic"), Properties: card},
				}},
				OSProfile: &armcompute.VirtualMachineScaleSetOSProfile{
					ComputerNamePrefix: to.Ptr("app"), LinuxConfiguration: &armcompute.LinuxConfiguration{DisablePasswordAuthentication: to.Ptr(true)},
				},
				SecurityProfile: &armcompute.SecurityProfile{EncryptionAtHost: to.Ptr(it.Index == 0), SecurityType: to.Ptr(armcompute.SecurityTypesTrustedLaunch)},
				ExtensionProfile: &armcompute.VirtualMachineScaleSetExtensionProfile{Extensions: []*armcompute.VirtualMachineScaleSetExtension{{
					Name:       to.Ptr("health"),
					Properties: &armcompute.VirtualMachineScaleSetExtensionProperties{Publisher: to.Ptr("Microsoft.ManagedServices"), Type: to.Ptr("ApplicationHealthLinux")},
				}}},
			},
		},
	}
}

func encryptionOf(it *world.Item) *armcompute.Encryption {
	switch {
	case it.Has("platform-key"):
		return nil // what disks have when nothing is set
	case it.Has("both-keys"):
		return &armcompute.Encryption{
			Type: to.Ptr(armcompute.EncryptionTypeEncryptionAtRestWithPlatformAndCustomerKeys), DiskEncryptionSetID: to.Ptr(idOf(it, "Microsoft.Compute/diskEncryptionSets", "des")),
		}
	}
	return &armcompute.Encryption{
		Type: to.Ptr(armcompute.EncryptionTypeEncryptionAtRestWithCustomerKey), DiskEncryptionSetID: to.Ptr(idOf(it, "Microsoft.Compute/diskEncryptionSets", "des")),
	}
}

// exportOf is who may download a disk or snapshot: whether from public networks at all, and over which.
func exportOf(it *world.Item) (*armcompute.PublicNetworkAccess, *armcompute.NetworkAccessPolicy) {
	var public *armcompute.PublicNetworkAccess
	policy := []*armcompute.NetworkAccessPolicy{to.Ptr(armcompute.NetworkAccessPolicyDenyAll), to.Ptr(armcompute.NetworkAccessPolicyAllowPrivate)}[it.Index%2]
	if it.Has("public-off") {
		public = to.Ptr(armcompute.PublicNetworkAccessDisabled)
	}
	if it.Has("exportable") {
		policy = nil
	}
	return public, policy
}

func disk(s *world.State, it *world.Item) *armcompute.Disk {
	state, owner := armcompute.DiskStateAttached, to.Ptr(machineID(it))
	if it.Has("unattached") {
		state, owner = armcompute.DiskStateUnattached, nil
	}
	p := &armcompute.DiskProperties{
		CreationData: &armcompute.CreationData{CreateOption: to.Ptr(armcompute.DiskCreateOptionEmpty)}, DiskState: &state, DiskSizeGB: to.Ptr(int32(64 << it.Pick(4, "size"))),
		Encryption: encryptionOf(it), TimeCreated: to.Ptr(s.Long(it, 90)),
	}
	p.PublicNetworkAccess, p.NetworkAccessPolicy = exportOf(it)
	if it.Index%2 == 0 {
		p.OSType = to.Ptr(armcompute.OperatingSystemTypesLinux)
	}
	return &armcompute.Disk{ID: to.Ptr(diskID(it)), Name: to.Ptr("disk-" + it.Name()), Location: to.Ptr(it.Account.Home()), ManagedBy: owner, Tags: labels("team", "app"), Properties: p}
}

func snapshot(s *world.State, it *world.Item) *armcompute.Snapshot {
	p := &armcompute.SnapshotProperties{
		CreationData: &armcompute.CreationData{CreateOption: to.Ptr(armcompute.DiskCreateOptionCopy)}, Encryption: encryptionOf(it), TimeCreated: to.Ptr(s.Since(it, 30, "taken")),
	}
	p.PublicNetworkAccess, p.NetworkAccessPolicy = exportOf(it)
	return &armcompute.Snapshot{ID: to.Ptr(snapshotID(it)), Name: to.Ptr("snap-" + it.Name()), Location: to.Ptr(it.Account.Home()), Properties: p}
}
