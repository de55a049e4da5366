package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Contact is an address that Google writes to about the organization; its id is the number in its name.
// Source: essentialcontacts organizations.contacts.list.
//
//posture:type gcp.essentialcontacts.contact
type Contact struct {
	posture.Meta
	Email           string   `json:"email"`
	Categories      []string `json:"categories"`       // ALL, SUSPENSION, SECURITY, TECHNICAL, BILLING, LEGAL, PRODUCT_UPDATES, TECHNICAL_INCIDENTS
	ValidationState string   `json:"validation_state"` // VALID, INVALID, VALIDATION_STATE_UNSPECIFIED
}
