package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ApprovalEnrollment says for which services Google's staff must ask before they reach content; its id is the node's,
// "projects/acme" or "organizations/123". A node that never set it up has none.
// Source: accessapproval projects.getAccessApprovalSettings, organizations.getAccessApprovalSettings.
//
//posture:type gcp.accessapproval.settings
type ApprovalEnrollment struct {
	posture.Meta
	EnrolledServices   []EnrolledService `json:"enrolled_services"`
	EnrolledAncestor   bool              `json:"enrolled_ancestor"` // a folder or the organization has enrolled some service
	NotificationEmails []string          `json:"notification_emails"`
}

// EnrolledService is a service, or all of them.
type EnrolledService struct {
	CloudProduct    string `json:"cloud_product" key:"true"` // "all", "storage.googleapis.com"
	EnrollmentLevel string `json:"enrollment_level"`         // BLOCK_ALL
}
