package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ComputeProject is what Compute Engine keeps for a whole project; its id is the project's.
// Source: compute projects.get.
//
//posture:type gcp.compute.project
type ComputeProject struct {
	posture.Meta
	ProjectID             string `json:"project_id"`
	OSLogin               string `json:"os_login"`           // "true", "false" or "" when not set
	OSLogin2FA            string `json:"os_login_2fa"`       // likewise
	SerialPortEnable      string `json:"serial_port_enable"` // likewise
	OSConfig              string `json:"os_config"`          // likewise: whether VM Manager's agent works
	SSHKeysCount          int    `json:"ssh_keys_count"`     // lines of project-wide keys
	DefaultServiceAccount string `json:"default_service_account"`
	XPNStatus             string `json:"xpn_status"` // HOST of a Shared VPC, or UNSPECIFIED_XPN_PROJECT_STATUS
}

// Instance is one virtual machine; its id is its path, "projects/acme/zones/europe-west1-b/instances/orders". Its tags are the
// labels. Of its metadata only keys and switches are kept: values may be secrets.
// Source: compute instances.aggregatedList.
//
//posture:type gcp.compute.instance
type Instance struct {
	posture.Meta
	SelfLink                string         `json:"self_link"`
	Number                  string         `json:"number"` // what other services call it
	Zone                    string         `json:"zone"`
	ProjectID               string         `json:"project_id"`
	Status                  string         `json:"status"` // RUNNING, TERMINATED, SUSPENDED, …
	MachineType             string         `json:"machine_type"`
	ManagedByGKE            bool           `json:"managed_by_gke"`
	ManagedByDataproc       bool           `json:"managed_by_dataproc"`
	InstanceGroupMember     bool           `json:"instance_group_member"` // a managed instance group made it
	ExternalIPs             []string       `json:"external_ips"`          // "ephemeral" for one that has no address while the machine is off
	CanIPForward            bool           `json:"can_ip_forward"`
	DeletionProtection      bool           `json:"deletion_protection"`
	ServiceAccountEmail     string         `json:"service_account_email"` // "": none
	ServiceAccountIsDefault bool           `json:"service_account_is_default"`
	Scopes                  []string       `json:"scopes"` // OAuth scopes that limit what the account can do from here
	MetadataFlags           MetadataFlags  `json:"metadata_flags"`
	MetadataKeys            []string       `json:"metadata_keys"`
	MetadataSuspectKeys     []string       `json:"metadata_suspect_keys"` // those whose values look like a credential
	Shielded                ShieldedVM     `json:"shielded"`
	ConfidentialCompute     bool           `json:"confidential_compute"`
	ConfidentialSupported   bool           `json:"confidential_supported"` // by machines of this type
	Disks                   []AttachedDisk `json:"disks"`

	OSLoginEffective     bool                   `json:"os_login_effective" derived:"true"` // by its own flag or else the project's
	SerialPortEffective  bool                   `json:"serial_port_effective" derived:"true"`
	OSConfigEnabled      bool                   `json:"os_config_enabled" derived:"true"`
	OSInventoryTime      posture.Opt[time.Time] `json:"os_inventory_time" derived:"true" volatile:"true"` // absent: VM Manager never reported
	OSHighestCVESeverity string                 `json:"os_highest_cve_severity" derived:"true"`           // CRITICAL … NONE; "": no report
}

// MetadataFlags are switches in an instance's metadata: "true", "false", or "" when not set.
type MetadataFlags struct {
	BlockProjectSSHKeys string `json:"block_project_ssh_keys"`
	EnableOSLogin       string `json:"enable_oslogin"`
	SerialPortEnable    string `json:"serial_port_enable"`
	EnableOSConfig      string `json:"enable_osconfig"`
}

// ShieldedVM is how the start of a machine is guarded.
type ShieldedVM struct {
	Supported           bool `json:"supported"` // the boot disk's image allows it
	SecureBoot          bool `json:"secure_boot"`
	VTPM                bool `json:"vtpm"`
	IntegrityMonitoring bool `json:"integrity_monitoring"`
}

// AttachedDisk is a disk as its instance shows it.
type AttachedDisk struct {
	Device     string `json:"device" key:"true"`
	Source     string `json:"source"` // the disk's id; "" for local SSDs
	Boot       bool   `json:"boot"`
	AutoDelete bool   `json:"auto_delete"`
	Kind       string `json:"kind"`       // PERSISTENT or SCRATCH
	Encryption string `json:"encryption"` // platform, cmek or csek
}

// Disk is one persistent disk; its id is its path, "projects/acme/zones/europe-west1-b/disks/orders". Its tags are the labels.
// Source: compute disks.aggregatedList.
//
//posture:type gcp.compute.disk
type Disk struct {
	posture.Meta
	SelfLink         string   `json:"self_link"`
	Number           string   `json:"number"`
	Location         string   `json:"location"`     // a zone, or the region of a regional disk
	Encryption       string   `json:"encryption"`   // platform, cmek (a key in Cloud KMS) or csek (a key sent with each request)
	KMSKeyName       string   `json:"kms_key_name"` // the key's version; "" unless cmek
	Users            []string `json:"users"`        // ids of the instances it is attached to
	ResourcePolicies []string `json:"resource_policies"`

	HasSnapshotSchedule          bool                   `json:"has_snapshot_schedule" derived:"true"`
	NewestSnapshotTime           posture.Opt[time.Time] `json:"newest_snapshot_time" derived:"true" volatile:"true"` // absent: there is none
	AttachedToStandaloneInstance bool                   `json:"attached_to_standalone_instance" derived:"true"`      // not of a group, GKE or Dataproc
}

// ResourcePolicy is one policy that disks or instances are given, such as a snapshot schedule; its id is its path,
// "projects/acme/regions/europe-west1/resourcePolicies/daily".
// Source: compute resourcePolicies.aggregatedList.
//
//posture:type gcp.compute.resource_policy
type ResourcePolicy struct {
	posture.Meta
	IsSnapshotSchedule bool `json:"is_snapshot_schedule"`
	RetentionDays      int  `json:"retention_days"` // of the snapshots; 0 when not a schedule
}

// DiskSnapshot is one snapshot of a disk; its id is its path, "projects/acme/global/snapshots/orders-1". It was made at
// created_at.
// Source: compute snapshots.list, regions.list, regionSnapshots.list.
//
//posture:type gcp.compute.snapshot
type DiskSnapshot struct {
	posture.Meta
	SourceDisk   string `json:"source_disk"`    // the disk's id
	SourceDiskID string `json:"source_disk_id"` // its number: a later disk of the same name has another
	Status       string `json:"status"`         // READY once it can be used
	AutoCreated  bool   `json:"auto_created"`   // by a schedule
	Encryption   string `json:"encryption"`     // platform, cmek or csek
}
