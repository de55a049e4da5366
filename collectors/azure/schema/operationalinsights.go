package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// LogWorkspace is one Log Analytics workspace.
// Source: armoperationalinsights WorkspacesClient.NewListPager, armsecurityinsights SentinelOnboardingStatesClient.List.
//
//posture:type azure.operationalinsights.workspace
type LogWorkspace struct {
	Resource
	RetentionDays     int                `json:"retention_days"` // 30 when nothing is set
	SKU               string             `json:"sku"`
	PublicIngestion   bool               `json:"public_ingestion"`
	PublicQuery       bool               `json:"public_query"`
	LocalAuthDisabled bool               `json:"local_auth_disabled"`
	ClusterResourceID string             `json:"cluster_resource_id"`
	ExportEnabled     bool               `json:"export_enabled"`
	DailyCapMB        posture.Opt[int64] `json:"daily_cap_mb"` // thousandths of a gigabyte; absent: no cap
	SentinelEnabled   bool               `json:"sentinel_enabled"`
}
