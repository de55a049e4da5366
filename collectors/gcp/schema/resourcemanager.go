package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Project is one Google Cloud project; its id is the project's. Its name is the display name, its tags the labels.
// Source: cloudresourcemanager projects.get, projects.getAncestry, projects.getIamPolicy.
//
//posture:type gcp.resourcemanager.project
type Project struct {
	posture.Meta
	ProjectID     string   `json:"project_id"`
	ProjectNumber string   `json:"project_number"`
	Parent        string   `json:"parent"`    // "folders/7", "organizations/123", "" for a stand-alone project
	Ancestors     []string `json:"ancestors"` // nearest first, ends with the organization
	State         string   `json:"state"`     // ACTIVE, DELETE_REQUESTED
	IAM           IAM      `json:"iam"`

	Organization         string           `json:"organization" derived:"true"`         // "organizations/123", "" for a stand-alone project
	IAMExternalMembers   []string         `json:"iam_external_members" derived:"true"` // members of its own policy who belong to others
	Effective            EffectiveIAM     `json:"effective" derived:"true"`
	EnabledServices      []string         `json:"enabled_services" derived:"true"`
	Compute              ComputeSettings  `json:"compute" derived:"true"`
	AccessApproval       ApprovalSettings `json:"access_approval" derived:"true"`
	LogSinks             []RoutedSink     `json:"log_sinks" derived:"true"`            // the project's, and those above that take its entries too
	AlertingLogFilters   []string         `json:"alerting_log_filters" derived:"true"` // log filters that somebody is told about when they match
	LogAlerts            LogAlerts        `json:"log_alerts" derived:"true"`
	EffectiveOrgPolicies []OrgConstraint  `json:"effective_org_policies" derived:"true"`
}

// EffectiveIAM is what the policies of a project, its folders and its organization add up to.
type EffectiveIAM struct {
	Bindings             []EffectiveBinding `json:"bindings"`
	AuditLogTypes        []ServiceLogTypes  `json:"audit_log_types"`
	AuditExemptedMembers []string           `json:"audit_exempted_members"`
	// Impersonators, other than Google's own agents, may act as any service account of the project.
	Impersonators []string `json:"impersonators"`
	// ServiceAccountDuties and KMSDuties are members who both manage service accounts, or keys, and use them.
	ServiceAccountDuties []string `json:"service_account_duties"`
	KMSDuties            []string `json:"kms_duties"`
}

// EffectiveBinding is a binding and the node that it is set on.
type EffectiveBinding struct {
	Role      string   `json:"role"`
	Members   []string `json:"members"`
	Condition string   `json:"condition"`
	Origin    string   `json:"origin"` // "projects/acme", "folders/7", "organizations/123"
}

// ServiceLogTypes are the kinds of access that are logged for a service.
type ServiceLogTypes struct {
	Service  string   `json:"service" key:"true"` // "allServices" or "storage.googleapis.com"
	LogTypes []string `json:"log_types"`
}

// ComputeSettings are project-wide settings of Compute Engine; absent while the service is off.
type ComputeSettings struct {
	Enabled               bool   `json:"enabled"`
	OSLogin               string `json:"os_login"`       // "true", "false" or "" when not set
	OSLogin2FA            string `json:"os_login_2fa"`   // likewise
	SSHKeysCount          int    `json:"ssh_keys_count"` // lines of project-wide keys
	DefaultServiceAccount string `json:"default_service_account"`
}

// ApprovalSettings say whether Google's staff need approval to reach the project's content.
type ApprovalSettings struct {
	EffectiveEnrolled bool `json:"effective_enrolled"` // by itself or by an ancestor
}

// RoutedSink is a log sink that takes a project's entries.
type RoutedSink struct {
	Name        string   `json:"name"`
	Parent      string   `json:"parent"`
	Destination string   `json:"destination"`
	Filter      string   `json:"filter"` // "": every entry
	Disabled    bool     `json:"disabled"`
	Exclusions  []string `json:"exclusions"` // filters of the exclusions in force
	Everything  bool     `json:"everything"` // the filter surely selects every entry
}

// LogAlerts are the alerting log filters that find the log entries of a kind of change, or may find them.
type LogAlerts struct {
	ProjectOwnership []LogAlert `json:"project_ownership"`
	AuditConfig      []LogAlert `json:"audit_config"`
	CustomRole       []LogAlert `json:"custom_role"`
	Firewall         []LogAlert `json:"firewall"`
	Network          []LogAlert `json:"network"`
	Route            []LogAlert `json:"route"`
	BucketIAM        []LogAlert `json:"bucket_iam"`
	SQLInstance      []LogAlert `json:"sql_instance"`
}

// LogAlert is one alerting log filter, seen from one kind of change.
type LogAlert struct {
	Filter string `json:"filter" key:"true"`
	// Finds: every: each entry of the kind, alone or with the others that say so. some: surely not each. unsure: it asks for
	// what such entries may or may not hold, or for what cannot be read; a person has to look at it.
	Finds string `json:"finds"`
}

// OrgConstraint is what an organization policy constraint comes to in a project, inheritance and defaults included.
type OrgConstraint struct {
	Constraint    string   `json:"constraint" key:"true"` // "iam.disableServiceAccountKeyCreation"
	Enforced      bool     `json:"enforced"`
	AllowAll      bool     `json:"allow_all"`
	DenyAll       bool     `json:"deny_all"`
	AllowedValues []string `json:"allowed_values"`
	DeniedValues  []string `json:"denied_values"`
}

// Organization is the root of the hierarchy; its id is "organizations/123". Its name is the directory's primary domain.
// Source: cloudresourcemanager organizations.get, organizations.getIamPolicy.
//
//posture:type gcp.resourcemanager.organization
type Organization struct {
	posture.Meta
	DirectoryCustomerID string `json:"directory_customer_id"` // "C0xxxxxxx"
	State               string `json:"state"`
	IAM                 IAM    `json:"iam"`

	Organization        string          `json:"organization" derived:"true"`         // its own id
	IAMExternalMembers  []string        `json:"iam_external_members" derived:"true"` // members of its policy who belong to others
	EssentialContacts   ContactCoverage `json:"essential_contacts" derived:"true"`
	SCC                 SCCSettings     `json:"scc" derived:"true"`
	DLPDiscoveryRunning bool            `json:"dlp_discovery_running" derived:"true"`
}

// ContactCoverage says for which kinds of notice somebody is named.
type ContactCoverage struct {
	CoveredCategories []string `json:"covered_categories"` // SECURITY, TECHNICAL, …
}

// SCCSettings are the parts of Security Command Center that are switched on.
type SCCSettings struct {
	ActiveSourceNames []string `json:"active_source_names"`
}

// Folder is one folder of an organization; its id is "folders/7".
// Source: cloudresourcemanager folders.search, folders.getIamPolicy.
//
//posture:type gcp.resourcemanager.folder
type Folder struct {
	posture.Meta
	Parent string `json:"parent"`
	State  string `json:"state"`
	IAM    IAM    `json:"iam"`

	Organization       string   `json:"organization" derived:"true"`         // "organizations/123"
	IAMExternalMembers []string `json:"iam_external_members" derived:"true"` // members of its policy who belong to others
}

// Member is one project as its organization lists it, with the grants set on it: what other projects' scans need to know of
// it. Its id is the project's number, "projects/4711".
// Source: cloudresourcemanager projects.search, cloudasset searchAllIamPolicies.
//
//posture:type gcp.resourcemanager.member
type Member struct {
	posture.Meta
	ProjectID string    `json:"project_id"`
	Parent    string    `json:"parent"`
	State     string    `json:"state"` // ACTIVE, DELETE_REQUESTED
	Bindings  []Binding `json:"bindings"`
}
