package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Certificate is one certificate in Certificate Manager, of whatever key.
// Source: ListCertificates.
//
//posture:type aws.acm.certificate
type Certificate struct {
	posture.Meta
	DomainName      string                 `json:"domain_name"`
	Status          string                 `json:"status"`
	CertificateType string                 `json:"type"` // AMAZON_ISSUED, IMPORTED or PRIVATE
	KeyAlgorithm    string                 `json:"key_algorithm"`
	InUse           bool                   `json:"in_use"`
	RenewalEligible bool                   `json:"renewal_eligible"` // renews by itself
	NotAfter        posture.Opt[time.Time] `json:"not_after"`        // absent: not issued yet
}
