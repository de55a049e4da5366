package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// VirtualMachine is one virtual machine.
// Source: armcompute VirtualMachinesClient.NewListAllPager, VirtualMachineExtensionsClient.List.
//
//posture:type azure.compute.virtual_machine
type VirtualMachine struct {
	Resource
	OSType               string            `json:"os_type"`                     // Linux, Windows
	PowerState           string            `json:"power_state" volatile:"true"` // running, deallocated, stopped, …
	ManagedOSDisk        bool              `json:"managed_os_disk"`
	ManagedDataDisks     bool              `json:"managed_data_disks"` // all of them
	EncryptionAtHost     bool              `json:"encryption_at_host"`
	SecurityType         string            `json:"security_type"` // Standard when nothing is set, TrustedLaunch, ConfidentialVM
	SecureBoot           bool              `json:"secure_boot"`
	VTPM                 bool              `json:"vtpm"`
	SSHPasswordDisabled  posture.Opt[bool] `json:"ssh_password_disabled"` // absent: Windows
	PatchMode            string            `json:"patch_mode"`            // AutomaticByPlatform, AutomaticByOS, ImageDefault, Manual
	PatchAssessmentMode  string            `json:"patch_assessment_mode"` // AutomaticByPlatform, ImageDefault
	Extensions           []string          `json:"extensions"`            // "Microsoft.Azure.Monitor/AzureMonitorLinuxAgent"
	IdentityType         string            `json:"identity_type"`         // "SystemAssigned, UserAssigned"; "": none
	IdentityPrincipalIDs []string          `json:"identity_principal_ids"`
	Zones                []string          `json:"zones"`
	AvailabilitySetID    string            `json:"availability_set_id"`
	NICIDs               []string          `json:"nic_ids"`
	ImagePublisher       string            `json:"image_publisher"` // "": an image of one's own

	PublicIPIDs           []string               `json:"public_ip_ids" derived:"true"`
	SubnetIDs             []string               `json:"subnet_ids" derived:"true"`
	NSGProtected          bool                   `json:"nsg_protected" derived:"true"`         // every interface has a security group, or its subnet has
	OpenAdminPorts        []string               `json:"open_admin_ports" derived:"true"`      // of 22, 3389, 5985 and 5986: those open to the internet
	ManagementPortRules   bool                   `json:"management_port_rules" derived:"true"` // a security group allows somebody in on one of them
	JITProtected          bool                   `json:"jit_protected" derived:"true"`
	BackupProtected       bool                   `json:"backup_protected" derived:"true"`
	LastBackupStatus      string                 `json:"last_backup_status" derived:"true"` // "": not backed up
	LastBackupAt          posture.Opt[time.Time] `json:"last_backup_at" derived:"true"`     // absent: never yet
	ReplicationProtected  bool                   `json:"replication_protected" derived:"true"`
	HasUserDataWithSecret bool                   `json:"has_user_data_secret" derived:"true"` // nobody reads user data
}

// ScaleSet is one scale set of virtual machines.
// Source: armcompute VirtualMachineScaleSetsClient.NewListAllPager.
//
//posture:type azure.compute.scale_set
type ScaleSet struct {
	Resource
	OrchestrationMode   string              `json:"orchestration_mode"` // Uniform when nothing is set, Flexible
	EncryptionAtHost    bool                `json:"encryption_at_host"`
	UpgradeMode         string              `json:"upgrade_mode"` // Manual, Automatic, Rolling; "": none
	AutomaticOSUpgrade  bool                `json:"automatic_os_upgrade"`
	Zones               []string            `json:"zones"`
	Extensions          []string            `json:"extensions"` // "Microsoft.Azure.Monitor/AzureMonitorLinuxAgent"
	PublicIPPerInstance bool                `json:"public_ip_per_instance"`
	SecurityType        string              `json:"security_type"`
	SSHPasswordDisabled posture.Opt[bool]   `json:"ssh_password_disabled"` // absent: Windows
	Capacity            int                 `json:"capacity" volatile:"true"`
	Interfaces          []ScaleSetInterface `json:"interfaces"`

	NSGProtected bool `json:"nsg_protected" derived:"true"` // every interface has a security group, or its subnet has
}

// ScaleSetInterface is an interface that every instance gets.
type ScaleSetInterface struct {
	Name            string   `json:"name" key:"true"`
	NSGID           string   `json:"nsg_id"`
	SubnetIDs       []string `json:"subnet_ids"`
	LoadBalancerIDs []string `json:"load_balancer_ids"`
}

// Disk is one managed disk.
// Source: armcompute DisksClient.NewListPager.
//
//posture:type azure.compute.disk
type Disk struct {
	Resource
	State               string `json:"state" volatile:"true"` // Attached, Unattached, Reserved, …
	ManagedBy           string `json:"managed_by"`            // the machine it is attached to; "": none
	OSType              string `json:"os_type"`               // "": a data disk
	EncryptionType      string `json:"encryption_type"`       // EncryptionAtRestWithPlatformKey, …WithCustomerKey, …WithPlatformAndCustomerKeys
	DiskEncryptionSetID string `json:"disk_encryption_set_id"`
	PublicNetworkAccess string `json:"public_network_access"` // Enabled when nothing is set
	NetworkAccessPolicy string `json:"network_access_policy"` // AllowAll when nothing is set, AllowPrivate, DenyAll
	SizeGB              int    `json:"size_gb"`
}

// DiskSnapshot is one snapshot of a managed disk.
// Source: armcompute SnapshotsClient.NewListPager.
//
//posture:type azure.compute.snapshot
type DiskSnapshot struct {
	Resource
	EncryptionType      string `json:"encryption_type"`
	PublicNetworkAccess string `json:"public_network_access"` // Enabled when nothing is set
	NetworkAccessPolicy string `json:"network_access_policy"` // AllowAll when nothing is set, AllowPrivate, DenyAll
}
