package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Function is one Lambda function. No reader fills it in this release.
//
//posture:type aws.lambda.function external
type Function struct {
	posture.Meta
}
