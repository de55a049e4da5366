package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ServiceAccount is one service account of the project; its id is "projects/acme/serviceAccounts/" and the e-mail, which is
// its name too. Service agents live in Google's own projects and are not among them.
// Source: iam projects.serviceAccounts.list, projects.serviceAccounts.getIamPolicy, projects.serviceAccounts.keys.list.
//
//posture:type gcp.iam.service_account
type ServiceAccount struct {
	posture.Meta
	Email             string   `json:"email"`
	UniqueID          string   `json:"unique_id"` // never given again, unlike the e-mail
	DisplayName       string   `json:"display_name"`
	Disabled          bool     `json:"disabled"`
	Kind              string   `json:"kind"` // user_created, compute_default, appengine_default, other_default
	IAM               Grants   `json:"iam"`  // who may use or impersonate it
	UserManagedKeyIDs []string `json:"user_managed_key_ids"`

	ProjectRoles      []string               `json:"project_roles" derived:"true"`   // held on its own project
	EffectiveRoles    []HeldRole             `json:"effective_roles" derived:"true"` // held on its project, or any other node of the organization
	LastAuthenticated posture.Opt[time.Time] `json:"last_authenticated" derived:"true" volatile:"true"`
	// ActivityObservedSince: from when on use would have been seen; absent: nobody's use was ever seen in the project.
	ActivityObservedSince posture.Opt[time.Time] `json:"activity_observed_since" derived:"true" volatile:"true"`
	UserManagedKeyCount   int64                  `json:"user_managed_key_count" derived:"true"` // neither disabled nor expired
	// ExternalMembers of its policy belong neither to the organization nor to Google, or are a whole workload identity pool.
	ExternalMembers []string `json:"external_members" derived:"true"`
}

// HeldRole is a role and the node that it is granted on.
type HeldRole struct {
	Role string `json:"role"`
	Node string `json:"node"` // "projects/acme", "folders/7", "organizations/123"
}

// ServiceAccountKey is one key of a service account that its user made or uploaded; its id is that of the account, "/keys/"
// and the key's. Keys that Google makes and replaces for itself are not listed.
// Source: iam projects.serviceAccounts.keys.list.
//
//posture:type gcp.iam.service_account_key
type ServiceAccountKey struct {
	posture.Meta
	KeyID               string                 `json:"key_id"`
	ServiceAccountEmail string                 `json:"service_account_email"`
	KeyType             string                 `json:"key_type"`   // USER_MANAGED
	KeyOrigin           string                 `json:"key_origin"` // GOOGLE_PROVIDED: made there; USER_PROVIDED: uploaded
	Disabled            bool                   `json:"disabled"`
	ValidAfter          posture.Opt[time.Time] `json:"valid_after"`  // when it was made
	ValidBefore         posture.Opt[time.Time] `json:"valid_before"` // in the year 9999: it never expires

	LastAuthenticated posture.Opt[time.Time] `json:"last_authenticated" derived:"true" volatile:"true"` // absent: never, as far as was watched
}

// WorkloadIdentityProvider lets the identities of another cloud, cluster or CI system act in the project; its id is its full
// name, "projects/4711/locations/global/workloadIdentityPools/ci/providers/github".
// Source: iam projects.locations.workloadIdentityPools.list, projects.locations.workloadIdentityPools.providers.list.
//
//posture:type gcp.iam.workload_identity_provider
type WorkloadIdentityProvider struct {
	posture.Meta
	PoolID             string            `json:"pool_id"`
	PoolUsable         bool              `json:"pool_usable"` // active and not disabled
	State              string            `json:"state"`       // ACTIVE, DELETED
	Disabled           bool              `json:"disabled"`
	Kind               string            `json:"kind"`       // oidc, aws, saml, x509
	IssuerURI          string            `json:"issuer_uri"` // of oidc; else ""
	AllowedAudiences   []string          `json:"allowed_audiences"`
	AttributeCondition string            `json:"attribute_condition"` // CEL over the foreign token; "": every token of the issuer will do
	AttributeMapping   map[string]string `json:"attribute_mapping"`
}
