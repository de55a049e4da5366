package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Pricing is one plan of Defender for Cloud, by its name: "VirtualMachines". A plan that is not there is off.
// Source: armsecurity PricingsClient.List.
//
//posture:type azure.security.pricing
type Pricing struct {
	posture.Meta
	Tier               string   `json:"tier"` // Standard is on, Free is off
	SubPlan            string   `json:"sub_plan"`
	Deprecated         bool     `json:"deprecated"`
	ReplacedBy         []string `json:"replaced_by"`
	ExtensionsEnabled  []string `json:"extensions_enabled"`
	ExtensionsDisabled []string `json:"extensions_disabled"`
	InheritedFrom      string   `json:"inherited_from"`
	CoverageStatus     string   `json:"coverage_status"` // FullyCovered, PartiallyCovered, NotCovered
}

// SecurityContact is whom Defender for Cloud writes to. A subscription without any has one called default, all empty.
// Source: armsecurity ContactsClient.NewListPager.
//
//posture:type azure.security.contact
type SecurityContact struct {
	posture.Meta
	Emails                     []string `json:"emails"`
	Phone                      string   `json:"phone"`
	Enabled                    bool     `json:"enabled"`
	RolesState                 string   `json:"roles_state"` // On: holders of the roles are written to, too
	Roles                      []string `json:"roles"`
	AlertMinimalSeverity       string   `json:"alert_minimal_severity"`         // "": no mail about alerts
	AttackPathMinimalRiskLevel string   `json:"attack_path_minimal_risk_level"` // "": no mail about attack paths
}

// SecuritySetting is one integration of Defender for Cloud: MCAS (Defender for Cloud Apps), WDATP (Defender for Endpoint) and
// others. One that is not there is off.
// Source: armsecurity SettingsClient.NewListPager.
//
//posture:type azure.security.setting
type SecuritySetting struct {
	posture.Meta
	Kind    string `json:"kind"` // DataExportSettings, AlertSyncSettings
	Enabled bool   `json:"enabled"`
}

// Assessment is what Defender for Cloud says of one resource and one recommendation. Only those are kept that rules name, and
// those of high severity; where nothing was ever assessed, the type is unread.
// Source: armsecurity AssessmentsClient.NewListPager, AssessmentsMetadataClient.NewListBySubscriptionPager.
//
//posture:type azure.security.assessment
type Assessment struct {
	posture.Meta
	AssessmentKey   string                 `json:"assessment_key"` // the recommendation, a GUID
	DisplayName     string                 `json:"display_name"`
	StatusCode      string                 `json:"status_code"` // Healthy, Unhealthy, NotApplicable
	StatusChangedAt posture.Opt[time.Time] `json:"status_changed_at"`
	Severity        string                 `json:"severity"` // Low, Medium, High, Critical
	ResourceID      string                 `json:"resource_id"`
	Cause           string                 `json:"cause"`
}

// JITPolicy opens management ports of virtual machines on request, for some hours.
// Source: armsecurity JitNetworkAccessPoliciesClient.NewListPager.
//
//posture:type azure.security.jit_policy
type JITPolicy struct {
	Resource
	VMIDs           []string `json:"vm_ids"`
	Ports           []string `json:"ports"`             // numbers, of any of the machines
	MaxRequestHours int      `json:"max_request_hours"` // the longest of any port, rounded up
}

// IoTSolution watches IoT hubs.
// Source: armsecurity IotSecuritySolutionClient.NewListBySubscriptionPager.
//
//posture:type azure.security.iot_solution
type IoTSolution struct {
	Resource
	Status      string   `json:"status"` // Enabled, Disabled
	IoTHubIDs   []string `json:"iot_hub_ids"`
	WorkspaceID string   `json:"workspace_id"`
}

// ContinuousExport sends what Defender for Cloud finds somewhere else.
// Source: armsecurity AutomationsClient.NewListPager.
//
//posture:type azure.security.continuous_export
type ContinuousExport struct {
	Resource
	Enabled         bool     `json:"enabled"`
	EventSources    []string `json:"event_sources"` // Alerts, Assessments, SecureScores, …
	ActionTypes     []string `json:"action_types"`  // Workspace, EventHub, LogicApp
	ActionTargetIDs []string `json:"action_target_ids"`
}
