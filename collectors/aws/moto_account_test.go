package aws_test

import "github.com/plumbline-dev/plumbline/pkg/posture"

var accountVerdicts = map[string]verdicts{}

var lacking = map[string]posture.Reason{}
