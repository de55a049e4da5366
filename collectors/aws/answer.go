package aws

import (
	"fmt"

	"github.com/aws/smithy-go"

	"github.com/plumbline-dev/plumbline/collectors"
)

// answer is the call whose answer a reader is looking through. Members that the answer lacks, though the service documents
// them as always there, become gaps that name the call.
type answer struct {
	service, operation string // the SDK's ServiceID, and the operation
	gaps               []collectors.Gap
}

// lacks is the error of an answer without the member.
func (a *answer) lacks(member string) error {
	return &smithy.OperationError{ServiceID: a.service, OperationName: a.operation, Err: fmt.Errorf("the answer lacks %s", member)}
}

// required returns what p, the value of the attribute at path, points to; without it the path is unread.
func required[T any](a *answer, path string, p *T) T {
	if p == nil {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks(path), path))
		var none T
		return none
	}
	return *p
}

// told returns the value of the attribute at path; without one the path is unread.
func told[S ~string](a *answer, path string, value S) string {
	if value == "" {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks(path), path))
	}
	return string(value)
}
