package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// AlloyDBCluster is one AlloyDB cluster, whose storage and backups its instances share; its id is
// "projects/acme/locations/europe-west1/clusters/orders". Its tags are the labels.
// Source: alloydb clusters.list.
//
//posture:type gcp.alloydb.cluster
type AlloyDBCluster struct {
	posture.Meta
	ClusterType             string `json:"cluster_type"`              // PRIMARY, or SECONDARY for a copy of one in another region
	State                   string `json:"state"`                     // READY, STOPPED, …
	KMSKeyName              string `json:"kms_key_name"`              // "": a key of Google's
	ContinuousBackupEnabled bool   `json:"continuous_backup_enabled"` // also when nothing is said of it: that is the service's default
	ContinuousBackupDays    int64  `json:"continuous_backup_days"`    // how far back one can restore; 0 while off
	AutomatedBackupEnabled  bool   `json:"automated_backup_enabled"`  // on a schedule; also when nothing is said of it
}

// AlloyDBInstance is one instance of a cluster; its id is "projects/acme/locations/europe-west1/clusters/orders/instances/main".
// Its tags are the labels.
// Source: alloydb clusters.instances.list.
//
//posture:type gcp.alloydb.instance
type AlloyDBInstance struct {
	posture.Meta
	Cluster                    string            `json:"cluster"`           // the cluster's id
	InstanceType               string            `json:"instance_type"`     // PRIMARY, READ_POOL, SECONDARY
	AvailabilityType           string            `json:"availability_type"` // REGIONAL, ZONAL; "" for read pools
	Flags                      map[string]string `json:"flags"`             // database flags that were set
	SSLMode                    string            `json:"ssl_mode"`          // "": the service's default, which refuses plain connections
	RequireConnectors          bool              `json:"require_connectors"`
	PublicIPEnabled            bool              `json:"public_ip_enabled"`
	AuthorizedExternalNetworks []string          `json:"authorized_external_networks"` // ranges that may connect to the public address
}
