package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// DataprocCluster is one Dataproc cluster, never its properties or metadata; its id is "projects/acme/regions/europe-west1/clusters/"
// and the name.
// Source: dataproc projects.regions.clusters.list, in the regions of compute regions.list.
//
//posture:type gcp.dataproc.cluster
type DataprocCluster struct {
	posture.Meta
	Virtual        bool   `json:"virtual"`      // runs on GKE and has no disks of its own
	DiskKMSKey     string `json:"disk_kms_key"` // "": a key of Google's
	KMSKey         string `json:"kms_key"`      // of the arguments of jobs; likewise
	InternalIPOnly bool   `json:"internal_ip_only"`
	ServiceAccount string `json:"service_account"` // "": Compute Engine's default account
	Kerberos       bool   `json:"kerberos"`
}
