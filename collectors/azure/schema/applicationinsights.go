package schema

// InsightsComponent is one Application Insights resource.
// Source: armapplicationinsights ComponentsClient.NewListPager.
//
//posture:type azure.applicationinsights.component
type InsightsComponent struct {
	Resource
	WorkspaceResourceID string `json:"workspace_resource_id"` // "": keeps its data itself, as those made before 2021 may
	IngestionMode       string `json:"ingestion_mode"`
	PublicIngestion     bool   `json:"public_ingestion"`
	PublicQuery         bool   `json:"public_query"`
	LocalAuthDisabled   bool   `json:"local_auth_disabled"`
	RetentionDays       int    `json:"retention_days"` // 90 when nothing is set
}
