package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// APIKey is one API key, never its string; its id is its UID, its name the display name.
// Source: apikeys projects.locations.keys.list.
//
//posture:type gcp.apikeys.key
type APIKey struct {
	posture.Meta
	APITargets              []string `json:"api_targets"`               // services that it is good for; empty: every one
	ClientRestriction       string   `json:"client_restriction"`        // browser, server, android, ios, none
	ClientRestrictionValues []string `json:"client_restriction_values"` // referrers, addresses or applications
}
