package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// DiscoveryConfig is one scan configuration of sensitive data discovery in the organization; its id is
// "discoveryConfigs/" and its own. Configurations of locations that the deployment does not name are not read.
// Source: dlp organizations.locations.discoveryConfigs.list.
//
//posture:type gcp.dlp.discovery_config
type DiscoveryConfig struct {
	posture.Meta
	Status      string                 `json:"status"`                        // RUNNING, PAUSED
	LastRunTime posture.Opt[time.Time] `json:"last_run_time" volatile:"true"` // absent: it has not run
	Targets     []string               `json:"targets"`                       // bigquery, cloud_sql, cloud_storage, secrets, vertex_dataset, other_cloud
}
