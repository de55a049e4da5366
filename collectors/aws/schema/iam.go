package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// IAMRoot is the account's root user.
// Source: credential report, GetAccountSummary, ListVirtualMFADevices. One per account.
//
//posture:type aws.iam.root
type IAMRoot struct {
	posture.Meta
	PasswordPresent           bool                   `json:"password_present"` // false: removed by central root access management
	MFAActive                 bool                   `json:"mfa_active"`
	MFAVirtual                bool                   `json:"mfa_virtual"` // some virtual device is assigned to the root user
	AccessKeysActive          int64                  `json:"access_keys_active"`
	SigningCertificatesActive int64                  `json:"signing_certificates_active"`
	LastUsedAt                posture.Opt[time.Time] `json:"last_used_at" volatile:"true"` // password or key; absent: never, as far as IAM remembers

	// MFAHardware: MFA is active and no device is virtual; security keys and passkeys count as hardware.
	MFAHardware bool `json:"mfa_hardware" derived:"true"`
}

// IAMPasswordPolicy is what the account asks of IAM users' passwords. Without a policy of its own the attributes are those
// of the default that AWS then applies.
// Source: GetAccountPasswordPolicy. One per account.
//
//posture:type aws.iam.password_policy
type IAMPasswordPolicy struct {
	posture.Meta
	Present          bool               `json:"present"`
	MinimumLength    int64              `json:"minimum_length"`
	RequireUppercase bool               `json:"require_uppercase"`
	RequireLowercase bool               `json:"require_lowercase"`
	RequireNumbers   bool               `json:"require_numbers"`
	RequireSymbols   bool               `json:"require_symbols"`
	MaxAgeDays       posture.Opt[int64] `json:"max_age_days"`     // absent: passwords do not expire
	ReusePrevention  posture.Opt[int64] `json:"reuse_prevention"` // passwords remembered; absent: none

	// IAMConsoleUsers counts the users who have a password.
	IAMConsoleUsers int64 `json:"iam_console_users" derived:"true"`
}

// IAMUser is one IAM user. What it says of credentials comes from the credential report, which is up to four hours old.
// Source: GetAccountAuthorizationDetails, credential report.
//
//posture:type aws.iam.user
type IAMUser struct {
	posture.Meta
	Path                   string                 `json:"path"`
	PasswordEnabled        bool                   `json:"password_enabled"`
	PasswordLastUsedAt     posture.Opt[time.Time] `json:"password_last_used_at" volatile:"true"` // absent: never
	PasswordChangedAt      posture.Opt[time.Time] `json:"password_changed_at"`
	MFAActive              bool                   `json:"mfa_active"`
	AccessKeys             []IAMAccessKey         `json:"access_keys"`
	GroupNames             []string               `json:"group_names"`
	AttachedPolicyARNs     []string               `json:"attached_policy_arns"`
	InlinePolicyNames      []string               `json:"inline_policy_names"`
	PermissionsBoundaryARN string                 `json:"permissions_boundary_arn"` // "": none

	ActiveKeyCount int64 `json:"active_key_count" derived:"true"`
	// ConsoleIdleDays: whole days since the password was used or, never used, since it was set; absent without a password.
	ConsoleIdleDays posture.Opt[int64] `json:"console_idle_days" derived:"true" volatile:"true"`
	// KeyIdleDaysMax: whole days since use, or since creation when never used, of the active key idle longest.
	KeyIdleDaysMax posture.Opt[int64] `json:"key_idle_days_max" derived:"true" volatile:"true"`
	// KeyAgeDaysMax: whole days since the oldest active key was made.
	KeyAgeDaysMax posture.Opt[int64] `json:"key_age_days_max" derived:"true" volatile:"true"`
	// ConsoleNeverUsed: there is a password, and nobody has signed in with it.
	ConsoleNeverUsed bool `json:"console_never_used" derived:"true"`
}

// IAMAccessKey is one of a user's two access keys. The report knows keys by slot, not by key id.
type IAMAccessKey struct {
	Slot       int64                  `json:"slot" key:"true"` // 1 or 2
	Active     bool                   `json:"active"`
	RotatedAt  posture.Opt[time.Time] `json:"rotated_at"`   // created or last changed
	LastUsedAt posture.Opt[time.Time] `json:"last_used_at"` // absent: never
}

// IAMGroup is one group of IAM users.
// Source: GetAccountAuthorizationDetails.
//
//posture:type aws.iam.group
type IAMGroup struct {
	posture.Meta
	MemberCount        int64    `json:"member_count"`
	AttachedPolicyARNs []string `json:"attached_policy_arns"`
	InlinePolicyNames  []string `json:"inline_policy_names"`
}

// IAMRole is one role, its trust policy included.
// Source: GetAccountAuthorizationDetails.
//
//posture:type aws.iam.role
type IAMRole struct {
	posture.Meta
	Path                   string                 `json:"path"`
	TrustStatements        []IAMTrustStatement    `json:"trust_statements"`
	AttachedPolicyARNs     []string               `json:"attached_policy_arns"`
	InlinePolicyNames      []string               `json:"inline_policy_names"`
	PermissionsBoundaryARN string                 `json:"permissions_boundary_arn"`     // "": none
	LastUsedAt             posture.Opt[time.Time] `json:"last_used_at" volatile:"true"` // absent: not within the last 400 days
	LastUsedRegion         string                 `json:"last_used_region" volatile:"true"`
	InstanceProfileARNs    []string               `json:"instance_profile_arns"`

	ServiceLinked bool `json:"service_linked" derived:"true"`
	// ServiceRole: every trusted principal is an AWS service.
	ServiceRole        bool `json:"service_role" derived:"true"`
	IdentityCenterRole bool `json:"identity_center_role" derived:"true"`
	// TrustPublic: anyone may assume the role.
	TrustPublic bool `json:"trust_public" derived:"true"`
	// TrustedExternalAccounts: trusted account ids that are neither this account nor known to the deployment as its own.
	TrustedExternalAccounts []string `json:"trusted_external_accounts" derived:"true"`
	// ExternalTrustConditioned: each statement that trusts such an account asks for an external id, an organization or MFA.
	ExternalTrustConditioned bool `json:"external_trust_conditioned" derived:"true"`
	// FederatedSubjectOpen: a CI provider's tokens are accepted whatever their subject.
	FederatedSubjectOpen bool `json:"federated_subject_open" derived:"true"`
	// ConfusedDeputyExposed: a service that acts for other customers too is trusted without a condition on whom it acts for.
	ConfusedDeputyExposed bool `json:"confused_deputy_exposed" derived:"true"`
}

// IAMTrustStatement is one statement of a trust policy. Principals carry their kind, as in "Service:ec2.amazonaws.com".
type IAMTrustStatement struct {
	Effect         string   `json:"effect"`
	Principals     []string `json:"principals"`
	NotPrincipals  []string `json:"not_principals"`
	Actions        []string `json:"actions"` // lower-cased
	NotActions     []string `json:"not_actions"`
	ConditionsJSON string   `json:"conditions_json"` // "": none
}

// IAMPolicy is one managed policy in its default version: the account's own, and those of AWS that are attached.
// Source: GetAccountAuthorizationDetails.
//
//posture:type aws.iam.policy
type IAMPolicy struct {
	posture.Meta
	AWSManaged       bool           `json:"aws_managed"`
	AttachmentCount  int64          `json:"attachment_count"`
	DefaultVersionID string         `json:"default_version_id"`
	Statements       []IAMStatement `json:"statements"`

	AttachedUserNames  []string `json:"attached_user_names" derived:"true"`
	AttachedGroupNames []string `json:"attached_group_names" derived:"true"`
	AttachedRoleNames  []string `json:"attached_role_names" derived:"true"`
	// InUse: attached to a user, a role or a group with members, or somebody's permissions boundary.
	InUse bool `json:"in_use" derived:"true"`
	IAMGrants
}

// IAMInlinePolicy is one policy written into a user, a group or a role.
// Source: GetAccountAuthorizationDetails.
//
//posture:type aws.iam.inline_policy
type IAMInlinePolicy struct {
	posture.Meta
	OwnerType  string         `json:"owner_type"` // user, group or role
	OwnerName  string         `json:"owner_name"`
	Statements []IAMStatement `json:"statements"`

	// OwnerServiceLinked: the owner is a service-linked role, or one that Identity Center made.
	OwnerServiceLinked bool `json:"owner_service_linked" derived:"true"`
	IAMGrants
}

// IAMStatement is one statement of an identity policy.
type IAMStatement struct {
	Effect         string   `json:"effect"`
	Actions        []string `json:"actions"` // lower-cased, wildcards kept
	NotActions     []string `json:"not_actions"`
	Resources      []string `json:"resources"`
	NotResources   []string `json:"not_resources"`
	ConditionsJSON string   `json:"conditions_json"` // "": none
}

// IAMGrants is what the statements of an identity policy add up to.
type IAMGrants struct {
	// FullAdmin: everything, or everything but some services that are not IAM, STS or Organizations, is allowed everywhere.
	FullAdmin bool `json:"full_admin" derived:"true"`
	// ServiceWildcards are the services whose every action is allowed on every resource.
	ServiceWildcards []string `json:"service_wildcards" derived:"true"`
	// WildcardResourceActions are the actions, wildcards kept, that are allowed on every resource.
	WildcardResourceActions []string `json:"wildcard_resource_actions" derived:"true"`
	// PrivilegeEscalationPaths names known ways to more permissions that the policy opens on its own.
	PrivilegeEscalationPaths []string `json:"privilege_escalation_paths" derived:"true"`
}

// IAMServerCertificate is one TLS certificate stored in IAM.
// Source: ListServerCertificates.
//
//posture:type aws.iam.server_certificate
type IAMServerCertificate struct {
	posture.Meta
	ExpiresAt time.Time `json:"expires_at"`
}

// IAMFederation says from where people and workloads sign in without IAM users.
// Source: ListSAMLProviders, ListOpenIDConnectProviders, GetOpenIDConnectProvider. One per account.
//
//posture:type aws.iam.federation
type IAMFederation struct {
	posture.Meta
	SAMLProviderCount         int64    `json:"saml_provider_count"`
	OIDCProviderURLs          []string `json:"oidc_provider_urls"`
	IdentityCenterInstanceARN string   `json:"identity_center_instance_arn"` // "": none in this account

	// WorkforceFederated: there is a SAML provider, an Identity Center instance, or a role that Identity Center made.
	WorkforceFederated bool `json:"workforce_federated" derived:"true"`
}
