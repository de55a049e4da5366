package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Tenant is one Entra directory; its id is "tenants/GUID".
// Source: Microsoft Graph organization, domains, subscribedSkus, groupSettings and the tenant's policies.
//
//posture:type azure.entra.tenant
type Tenant struct {
	posture.Meta
	TenantID           string              `json:"tenant_id"`
	DisplayName        string              `json:"display_name"`
	License            TenantLicense       `json:"license"`
	SecurityDefaults   SecurityDefaults    `json:"security_defaults"`
	Authorization      TenantAuthorization `json:"authorization"`
	Groups             TenantGroups        `json:"groups"`
	Passwords          TenantPasswords     `json:"passwords"`
	AuthMethods        TenantAuthMethods   `json:"auth_methods"`
	DeviceRegistration DeviceRegistration  `json:"device_registration"`
	VerifiedDomains    []string            `json:"verified_domains"`

	GlobalAdminIDs []string `json:"global_admin_ids" derived:"true"` // enabled users who are Global Administrators now, through groups too
}

// TenantLicense are the plans that some subscription of the tenant's includes.
type TenantLicense struct {
	P1 bool `json:"p1"` // Entra ID P1, or P2 which contains it
	P2 bool `json:"p2"` // Entra ID P2
}

// SecurityDefaults are Microsoft's own baseline, which excludes Conditional Access.
type SecurityDefaults struct {
	Enabled bool `json:"enabled"`
}

// TenantAuthorization is what users and guests may do without any role.
type TenantAuthorization struct {
	// GuestInviteSetting is none, adminsAndGuestInviters, adminsGuestInvitersAndAllMembers or everyone, which it is when nothing
	// is set.
	GuestInviteSetting           string   `json:"guest_invite_setting"`
	GuestUserRoleID              string   `json:"guest_user_role_id"`
	UsersCanCreateApps           bool     `json:"users_can_create_apps"` // they can when nothing is set, here and below
	UsersCanCreateSecurityGroups bool     `json:"users_can_create_security_groups"`
	UsersCanCreateTenants        bool     `json:"users_can_create_tenants"`
	UserConsentPolicies          []string `json:"user_consent_policies"` // those by which a user may consent for himself
}

// TenantGroups says who may create Microsoft 365 groups.
type TenantGroups struct {
	M365CreationEnabled bool   `json:"m365_creation_enabled"`
	M365CreationGroupID string `json:"m365_creation_group_id"` // whose members may in any case; "" for no group
}

// TenantPasswords are the password rule settings; without any, lockout is 10 attempts and 60 seconds and nothing is banned.
type TenantPasswords struct {
	LockoutThreshold         int    `json:"lockout_threshold"`
	LockoutDurationSeconds   int    `json:"lockout_duration_seconds"`
	BannedListEnforced       bool   `json:"banned_list_enforced"`         // the tenant's own list, beside Microsoft's
	BannedListOnPremisesMode string `json:"banned_list_on_premises_mode"` // Audit, Enforce
}

// TenantAuthMethods is the authentication methods policy.
type TenantAuthMethods struct {
	MigrationState            string   `json:"migration_state"`
	RegistrationCampaignState string   `json:"registration_campaign_state"` // default, enabled, disabled
	Enabled                   []string `json:"enabled"`                     // Fido2, MicrosoftAuthenticator, Sms, …
}

// DeviceRegistration is what it takes to register or join a device.
type DeviceRegistration struct {
	MFARequired bool `json:"mfa_required"`
}

// User is one account of the directory; its id is the object's GUID, its name the user principal name.
// Source: Microsoft Graph users, userRegistrationDetails.
//
//posture:type azure.entra.user
type User struct {
	posture.Meta
	UserPrincipalName       string                 `json:"user_principal_name"`
	UserType                string                 `json:"user_type"` // Member, Guest; Member for accounts from before there were types
	AccountEnabled          bool                   `json:"account_enabled"`
	ExternalUserState       string                 `json:"external_user_state"` // of guests: PendingAcceptance, Accepted
	OnPremisesSynced        bool                   `json:"on_premises_synced"`
	LastSignIn              posture.Opt[time.Time] `json:"last_sign_in_at" volatile:"true"` // absent: never, or since before it was recorded
	SignInActivityAvailable bool                   `json:"sign_in_activity_available"`      // false: the tenant has no Entra ID P1
	MFA                     UserMFA                `json:"mfa"`

	DirectoryRoles           []string `json:"directory_roles" derived:"true"` // names; active and eligible ones, through groups too
	DirectoryRolesPrivileged bool     `json:"directory_roles_privileged" derived:"true"`
	AzureRolesPrivileged     bool     `json:"azure_roles_privileged" derived:"true"` // holds a privileged Azure role on a subscription or above
	VMLoginScopes            []string `json:"vm_login_scopes" derived:"true"`        // where the user may sign in to virtual machines
}

// UserMFA is what the user has registered for multifactor authentication.
type UserMFA struct {
	Capable         bool     `json:"capable"`
	Registered      bool     `json:"registered"`
	Methods         []string `json:"methods"`
	ReportAvailable bool     `json:"report_available"` // false: the tenant has no Entra ID P1
}

// Group is one group that holds a privileged Azure role or one to sign in to virtual machines; its id is the object's GUID.
// Source: Microsoft Graph groups transitiveMembers.
//
//posture:type azure.entra.group
type Group struct {
	posture.Meta
	MemberIDs []string `json:"member_ids"` // users, those of nested groups too
}

// Principal is what the directory says of a holder of Azure roles; its id is the object's GUID. A holder that is missing here
// has been deleted.
// Source: Microsoft Graph directoryObjects getByIds.
//
//posture:type azure.entra.principal
type Principal struct {
	posture.Meta
	PrincipalType   string            `json:"principal_type"` // user, group, servicePrincipal
	Enabled         posture.Opt[bool] `json:"enabled"`        // of service principals; absent: said elsewhere, or nowhere
	ManagedIdentity bool              `json:"managed_identity"`
}

// DirectoryRoleAssignment is one assignment of an Entra role, active or eligible; its id is that of the assignment. Where a
// group holds the role each user in it has a further one, with "/" and the user's id behind.
// Source: Microsoft Graph roleAssignments, roleDefinitions, roleAssignmentScheduleInstances, roleEligibilityScheduleInstances.
//
//posture:type azure.entra.directory_role_assignment
type DirectoryRoleAssignment struct {
	posture.Meta
	RoleName         string                 `json:"role_name"`
	RoleTemplateID   string                 `json:"role_template_id"`
	RolePrivileged   bool                   `json:"role_privileged"`
	PrincipalID      string                 `json:"principal_id"`
	PrincipalType    string                 `json:"principal_type"`     // user, group, servicePrincipal
	DirectoryScopeID string                 `json:"directory_scope_id"` // "/" for the whole directory
	AssignmentKind   string                 `json:"assignment_kind"`    // permanent, time_bound, activated, eligible
	EndsAt           posture.Opt[time.Time] `json:"ends_at"`
	ViaGroupID       string                 `json:"via_group_id"` // "" for a direct one

	PrincipalUserType posture.Opt[string] `json:"principal_user_type" derived:"true"` // absent: no user, here and below
	PrincipalEnabled  posture.Opt[bool]   `json:"principal_enabled" derived:"true"`
	PrincipalSynced   posture.Opt[bool]   `json:"principal_synced" derived:"true"`
	BreakGlass        bool                `json:"break_glass" derived:"true"` // of one of the first two users, by id, who are Global Administrators for good
}

// ConditionalAccessPolicy is one Conditional Access policy; its id is the object's GUID.
// Source: Microsoft Graph identity conditionalAccess policies.
//
//posture:type azure.entra.conditional_access_policy
type ConditionalAccessPolicy struct {
	posture.Meta
	DisplayName         string    `json:"display_name"`
	State               string    `json:"state"` // enabled, disabled, enabledForReportingButNotEnforced
	IncludeUsers        []string  `json:"include_users"`
	ExcludeUsers        []string  `json:"exclude_users"`
	ExcludeGroups       []string  `json:"exclude_groups"`
	IncludeRoles        []string  `json:"include_roles"` // template ids
	ExcludeRoles        []string  `json:"exclude_roles"`
	IncludeGuests       bool      `json:"include_guests"`
	IncludeApplications []string  `json:"include_applications"`
	ExcludeApplications []string  `json:"exclude_applications"`
	IncludeUserActions  []string  `json:"include_user_actions"`
	ClientAppTypes      []string  `json:"client_app_types"`
	SignInRiskLevels    []string  `json:"sign_in_risk_levels"`
	UserRiskLevels      []string  `json:"user_risk_levels"`
	TransferMethods     []string  `json:"transfer_methods"`
	IncludeLocations    []string  `json:"include_locations"`
	ExcludeLocations    []string  `json:"exclude_locations"`
	IncludePlatforms    []string  `json:"include_platforms"`
	Grant               CAGrant   `json:"grant"`
	Session             CASession `json:"session"`
	RequiresMFA         bool      `json:"requires_mfa"` // nothing weaker will do instead
	Narrowed            bool      `json:"narrowed"`     // a condition beside user and application keeps it from some sign-ins; excluded locations do not count
}

// CAGrant is what a policy asks for before it lets anybody in.
type CAGrant struct {
	Operator                 string   `json:"operator"` // AND, OR
	BuiltInControls          []string `json:"built_in_controls"`
	AuthenticationStrengthID string   `json:"authentication_strength_id"`
}

// CASession is what holds for the session that a policy lets begin.
type CASession struct {
	SignInFrequencyHours posture.Opt[int] `json:"sign_in_frequency_hours"` // 0: every time; absent: as long as the session lasts
}

// NamedLocation is one location that Conditional Access policies may name; its id is the object's GUID.
// Source: Microsoft Graph identity conditionalAccess namedLocations.
//
//posture:type azure.entra.named_location
type NamedLocation struct {
	posture.Meta
	DisplayName string   `json:"display_name"`
	Kind        string   `json:"kind"` // ip, country
	Trusted     bool     `json:"trusted"`
	IPRanges    []string `json:"ip_ranges"`
	Countries   []string `json:"countries"`
}

// Application is one app registration; its id is the object's GUID.
// Source: Microsoft Graph applications.
//
//posture:type azure.entra.application
type Application struct {
	posture.Meta
	AppID          string         `json:"app_id"`
	DisplayName    string         `json:"display_name"`
	SignInAudience string         `json:"sign_in_audience"`
	Credentials    AppCredentials `json:"credentials"`
}

// AppCredentials are an application's secrets and certificates.
type AppCredentials struct {
	List                []AppCredential        `json:"list"`
	Kinds               []string               `json:"kinds"`                 // password, certificate
	EarliestEnd         posture.Opt[time.Time] `json:"earliest_end_at"`       // absent: there are none that end
	LongestLifetimeDays int                    `json:"longest_lifetime_days"` // rounded up
	PasswordCount       int                    `json:"password_count"`

	ExpiredCount int `json:"expired_count" derived:"true" volatile:"true"`
}

// AppCredential is one of them, without its value.
type AppCredential struct {
	KeyID    string                 `json:"key_id" key:"true"`
	Kind     string                 `json:"kind"`
	StartsAt posture.Opt[time.Time] `json:"starts_at"`
	EndsAt   posture.Opt[time.Time] `json:"ends_at"`
}

// AccessReview is one access review or series of them; its id is the definition's GUID. A tenant without a licence for reviews
// has none.
// Source: Microsoft Graph identityGovernance accessReviews definitions.
//
//posture:type azure.entra.access_review
type AccessReview struct {
	posture.Meta
	DisplayName    string           `json:"display_name"`
	Target         string           `json:"target"`          // guests, directory_role, azure_role, group, application; "" for another
	RecurrenceDays posture.Opt[int] `json:"recurrence_days"` // a month counts as the third of a long quarter; absent: only once
	Status         string           `json:"status"`
	AutoApply      bool             `json:"auto_apply"`
	ScopeQuery     string           `json:"scope_query"`
}

// EntraDiagnosticSetting is one export of the directory's logs; its id is the Resource Manager id, outside every subscription.
// Source: Resource Manager microsoft.aadiam diagnosticSettings.
//
//posture:type azure.entra.diagnostic_setting
type EntraDiagnosticSetting struct {
	posture.Meta
	LogCategories    []string `json:"log_categories"` // those switched on
	WorkspaceID      string   `json:"workspace_id"`
	StorageAccountID string   `json:"storage_account_id"`
	EventHubRuleID   string   `json:"event_hub_rule_id"`
}
