package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// PolicyHit is one resource, of any kind that Cloud Asset Inventory knows, whose own policy grants something to everybody;
// its id is its full name without "//". What it inherits, and access lists beside IAM, are not in it.
// Source: cloudasset searchAllIamPolicies, for members allUsers and allAuthenticatedUsers.
//
//posture:type gcp.asset.iam_policy_hit
type PolicyHit struct {
	posture.Meta
	Resource     string    `json:"resource"`     // "//pubsub.googleapis.com/projects/acme/topics/orders"
	AssetType    string    `json:"asset_type"`   // "pubsub.googleapis.com/Topic"
	Project      string    `json:"project"`      // "projects/4711", "" for what belongs to none
	Folders      []string  `json:"folders"`      // those it lies in
	Organization string    `json:"organization"` // "organizations/123"
	Bindings     []Binding `json:"bindings"`     // those with such a member
	PublicRoles  []string  `json:"public_roles"`
}
