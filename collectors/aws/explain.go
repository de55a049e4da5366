package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// deniedCodes are refusals: the caller lacks a permission, or the account is not let in.
var deniedCodes = map[string]bool{
	"AccessDenied": true, "AccessDeniedException": true, "UnauthorizedOperation": true, "AuthorizationError": true,
	"AuthorizationErrorException": true, "UnauthorizedAccess": true, "UnauthorizedException": true, "Forbidden": true,
	"AuthFailure": true, "InvalidClientTokenId": true, "UnrecognizedClientException": true, "SignatureDoesNotMatch": true,
	"OptInRequired": true, "NotAuthorized": true, "KMSAccessDeniedException": true, "AllAccessDisabled": true,
	"ExpiredToken": true, "ExpiredTokenException": true, "RequestExpired": true, "InvalidAccessKeyId": true,
}

// explain turns an error of an SDK call into its cause; operations give the permission.
func explain(operations map[string]collectors.Operation) func(error) posture.Cause {
	return func(err error) posture.Cause {
		cause := posture.Cause{Reason: posture.ReasonAPIError}
		var call *smithy.OperationError
		if errors.As(err, &call) {
			cause.Operation = strings.ReplaceAll(call.ServiceID, " ", "") + "." + call.OperationName
		}
		var sent *transport.Error
		var answered *smithyhttp.ResponseError
		var garbled *smithy.DeserializationError
		cause.Code = errorCodeOf(err)
		switch {
		case errors.Is(err, collectors.ErrNotCollected):
			cause.Reason = posture.ReasonNotCollected
		case errors.As(err, &sent):
			cause.Reason = sent.Reason
			if cause.Operation == "" {
				cause.Operation = sent.Operation
			}
		case deniedCodes[cause.Code]:
			cause.Reason = posture.ReasonDenied
		case throttleCodes[cause.Code]:
			cause.Reason = posture.ReasonThrottled
		case errors.As(err, &garbled):
			cause.Reason = posture.ReasonParseError
		case errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusForbidden:
			cause.Reason = posture.ReasonDenied
		case errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusTooManyRequests:
			cause.Reason = posture.ReasonThrottled
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			cause.Reason = posture.ReasonTimeout
		}
		cause.Permission = operations[cause.Operation].Permission
		return cause
	}
}

// errorCodeOf returns the provider's error code, "" when the error is not an answer of the service.
func errorCodeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// hasCode reports whether err is an answer with one of the codes: those a service uses to say that something is not set.
func hasCode(err error, codes ...string) bool {
	got := errorCodeOf(err)
	for _, code := range codes {
		if got == code {
			return true
		}
	}
	return false
}
