package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// DeployTarget is one target of Cloud Deploy; its id is its full name, its region the location. Its tags are the labels.
// Source: clouddeploy projects.locations.targets.list, projects.locations.deliveryPipelines.list.
//
//posture:type gcp.clouddeploy.target
type DeployTarget struct {
	posture.Meta
	Location        string `json:"location"`
	RequireApproval bool   `json:"require_approval"`
	FinalStage      bool   `json:"final_stage"` // the last stage of some delivery pipeline
}
