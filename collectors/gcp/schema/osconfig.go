package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// OSInventory is what VM Manager's agent last reported of an instance; its id is its full name,
// "projects/4711/locations/europe-west1-b/instances/42/inventory".
// Source: osconfig projects.locations.instances.inventories.list, in the zones that compute instances.aggregatedList names.
//
//posture:type gcp.osconfig.inventory
type OSInventory struct {
	posture.Meta
	Instance    string                 `json:"instance"`      // the instance's number
	OSShortName string                 `json:"os_short_name"` // "debian", "windows"
	OSVersion   string                 `json:"os_version"`
	UpdateTime  posture.Opt[time.Time] `json:"update_time" volatile:"true"`
}

// VulnerabilityReport is what is known to be vulnerable in an instance; its id is its full name,
// "projects/4711/locations/europe-west1-b/instances/42/vulnerabilityReport". There is none without an inventory.
// Source: osconfig projects.locations.instances.vulnerabilityReports.list, in the same zones.
//
//posture:type gcp.osconfig.vulnerability_report
type VulnerabilityReport struct {
	posture.Meta
	Instance                     string                 `json:"instance"`
	HighestUpgradableCVESeverity string                 `json:"highest_upgradable_cve_severity"` // CRITICAL, HIGH, MEDIUM, LOW, MINIMAL, NONE
	VulnerabilityCount           int                    `json:"vulnerability_count" volatile:"true"`
	UpdateTime                   posture.Opt[time.Time] `json:"update_time" volatile:"true"`
}
