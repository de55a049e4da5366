package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ManagedInstance is one machine that an agent registered with Systems Manager.
// Source: DescribeInstanceInformation, ListResourceComplianceSummaries.
//
//posture:type aws.ssm.managed_instance
type ManagedInstance struct {
	posture.Meta
	InstanceID                string `json:"instance_id"` // i-… of EC2, mi-… elsewhere
	PingStatus                string `json:"ping_status"` // Online, ConnectionLost or Inactive
	PlatformType              string `json:"platform_type"`
	AgentIsLatest             bool   `json:"agent_is_latest"`
	PatchCompliance           string `json:"patch_compliance"` // COMPLIANT, NON_COMPLIANT; "": never scanned
	PatchNoncompliantCritical int64  `json:"patch_noncompliant_critical"`
	AssociationCompliance     string `json:"association_compliance"` // "": nothing is associated
}

// Document is one Systems Manager document of this account.
// Source: ListDocuments, DescribeDocumentPermission.
//
//posture:type aws.ssm.document
type Document struct {
	posture.Meta
	DocumentType string `json:"document_type"`
	Public       bool   `json:"public"` // shared with every account
}
