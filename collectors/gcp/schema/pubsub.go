package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Topic is one Pub/Sub topic; its id is its full name.
// Source: pubsub projects.topics.list, projects.topics.getIamPolicy.
//
//posture:type gcp.pubsub.topic
type Topic struct {
	posture.Meta
	ProjectID                 string   `json:"project_id"`
	KMSKeyName                string   `json:"kms_key_name"`                // "": a key of Google's
	AllowedPersistenceRegions []string `json:"allowed_persistence_regions"` // where messages may be stored; empty: anywhere
	IAM                       Grants   `json:"iam"`
}
