package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// SecurityHubStatus says how Security Hub is set up in a region.
// Source: DescribeHub, GetEnabledStandards, ListEnabledProductsForImport. One per region.
//
//posture:type aws.securityhub.region_status
type SecurityHubStatus struct {
	posture.Meta
	Enabled            bool     `json:"enabled"`
	AutoEnableControls bool     `json:"auto_enable_controls"`
	EnabledStandards   []string `json:"enabled_standards"` // ARNs of standards that are ready, or incomplete
	EnabledProducts    []string `json:"enabled_products"`  // ARNs of products whose findings come in
}
