// Package schema declares the AWS resource types: plain structs, no SDK. What a field says in JSON is its name in rules.
package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Region is one AWS region as this account sees it.
// Source: EC2 DescribeRegions with all regions.
//
//posture:type aws.account.region
type Region struct {
	posture.Meta
	OptInStatus string `json:"opt_in_status"` // opt-in-not-required, opted-in or not-opted-in
	Enabled     bool   `json:"enabled"`

	// TrailLogging: some trail is logging and covers this region.
	TrailLogging bool `json:"trail_logging" derived:"true"`
}

// Contact says which contacts of the account are set; addresses and numbers are never stored.
// Source: GetAlternateContact, GetContactInformation. One per account.
//
//posture:type aws.account.contact
type Contact struct {
	posture.Meta
	SecurityContactSet     bool `json:"security_contact_set"`
	OperationsContactSet   bool `json:"operations_contact_set"`
	BillingContactSet      bool `json:"billing_contact_set"`
	PrimaryContactComplete bool `json:"primary_contact_complete"`
	// ContactsDistinct: the three alternate contacts are all set, and no two share an e-mail address.
	ContactsDistinct bool `json:"contacts_distinct"`
}
