package azure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// explain turns an error of a call into its cause; operations give the permission.
func explain(operations map[string]collectors.Operation) func(error) posture.Cause {
	return func(err error) posture.Cause {
		cause := posture.Cause{Reason: posture.ReasonAPIError}
		var sent *transport.Error
		var answered *azcore.ResponseError
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.Is(err, collectors.ErrNotCollected):
			cause.Reason = posture.ReasonNotCollected
		case errors.As(err, &sent):
			cause.Reason, cause.Operation = sent.Reason, sent.Operation
		case errors.As(err, &answered):
			if answered.RawResponse != nil && answered.RawResponse.Request != nil {
				cause.Operation = wire{}.Identify(answered.RawResponse.Request).Operation
			}
			cause.Code = cmp.Or(answered.ErrorCode, strconv.Itoa(answered.StatusCode))
			switch answered.StatusCode {
			case http.StatusTooManyRequests:
				cause.Reason = posture.ReasonThrottled
			case http.StatusForbidden, http.StatusUnauthorized:
				cause.Reason = posture.ReasonDenied
			}
		case errors.As(err, &syntax), errors.As(err, &kind), strings.Contains(err.Error(), "unmarshalling type"):
			cause.Reason = posture.ReasonParseError
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			cause.Reason = posture.ReasonTimeout
		}
		cause.Permission = operations[cause.Operation].Permission
		return cause
	}
}

// hasStatus reports whether err is an answer with that status.
func hasStatus(err error, status int) bool {
	var answered *azcore.ResponseError
	return errors.As(err, &answered) && answered.StatusCode == status
}

// notFound reports whether err is an answer that the thing asked for does not exist.
func notFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// hasCode reports whether err is an answer with one of the codes.
func hasCode(err error, codes ...string) bool {
	var answered *azcore.ResponseError
	if !errors.As(err, &answered) {
		return false
	}
	for _, code := range codes {
		if strings.EqualFold(answered.ErrorCode, code) {
			return true
		}
	}
	return false
}
