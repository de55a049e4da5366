package gcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"google.golang.org/api/googleapi"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// explain turns an error of a call into its cause; operations give the permission.
func explain(operations map[string]collectors.Operation) func(error) posture.Cause {
	return func(err error) posture.Cause {
		cause := posture.Cause{Reason: posture.ReasonAPIError}
		var sent *transport.Error
		var answered *answerError
		var partial *partialError
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.Is(err, collectors.ErrNotCollected):
			cause.Reason = posture.ReasonNotCollected
		case errors.As(err, &partial):
			cause.Reason, cause.Operation, cause.Code = posture.ReasonPartialPages, partial.operation, partial.code
		case errors.As(err, &sent):
			cause.Reason, cause.Operation = sent.Reason, sent.Operation
		case errors.As(err, &answered):
			cause.Operation, cause.Code = answered.Operation, cmp.Or(answered.Code, strconv.Itoa(answered.Answer.Code))
			switch {
			case answered.Code == "SERVICE_DISABLED" || answered.Code == "accessNotConfigured":
				// refused because of a switch that was not read: no lack of permission
			case answered.Answer.Code == http.StatusTooManyRequests || reasonsOfThrottling[answered.Code]:
				cause.Reason = posture.ReasonThrottled
			case answered.Answer.Code == http.StatusForbidden || answered.Answer.Code == http.StatusUnauthorized:
				cause.Reason = posture.ReasonDenied
			}
		case errors.As(err, &syntax), errors.As(err, &kind):
			cause.Reason = posture.ReasonParseError
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			cause.Reason = posture.ReasonTimeout
		}
		cause.Permission = operations[cause.Operation].Permission
		return cause
	}
}

// notFound reports whether err is an answer that the thing asked for does not exist.
func notFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// hasStatus reports whether err is an answer with that status.
func hasStatus(err error, status int) bool {
	var answered *answerError
	return errors.As(err, &answered) && answered.Answer.Code == status
}

// leftOut says that an answer leaves out a part that the caller may not see: Google shows less instead of refusing.
func leftOut(operation, part string) error {
	return &answerError{Operation: operation, Code: part + " left out", Answer: &googleapi.Error{Code: http.StatusForbidden, Message: part + " left out"}}
}

// partialError is an answer that says itself that it is not whole: a place it could not reach.
type partialError struct{ operation, code string }

func (e *partialError) Error() string {
	return e.operation + ": the answer leaves out what lies in " + e.code
}

// unreachable says that an answer leaves out a place.
func unreachable(operation, place string) error { return &partialError{operation, place} }
