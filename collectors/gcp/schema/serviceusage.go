package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Service is one API that is switched on in a project; those that are off are not listed.
// Source: serviceusage services.list.
//
//posture:type gcp.serviceusage.service
type Service struct {
	posture.Meta
	State string `json:"state"` // ENABLED
}
