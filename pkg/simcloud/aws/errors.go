package aws

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// Error is an API error. Status 0 takes the model's status for the code, or what the code suggests.
type Error struct {
	Code    string
	Message string
	Status  int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// common are the errors any operation of a service may meet, for services name them differently.
type common struct {
	denied, throttled, expired, internal, unavailable, unknownKey, unknownOperation, badToken, gone Error
}

// commonOf returns a service's common errors. Source: the services' pages of common errors.
func commonOf(call *wire.Call) common {
	switch call.Model.Package {
	case "ec2":
		return common{
			denied:           Error{"UnauthorizedOperation", "You are not authorized to perform this operation.", 403},
			throttled:        Error{"RequestLimitExceeded", "Request limit exceeded.", 503},
			expired:          Error{"RequestExpired", "Request has expired.", 400},
			internal:         Error{"InternalError", "An internal error has occurred.", 500},
			unavailable:      Error{"Unavailable", "The service is unavailable. Please try again shortly.", 503},
			unknownKey:       Error{"AuthFailure", "AWS was not able to validate the provided access credentials.", 401},
			unknownOperation: Error{"InvalidAction", "The action is not valid for this web service.", 400},
			badToken:         Error{Code: "InvalidNextToken", Status: 400},
			gone:             Error{goneInEC2(call.Name), "The ID does not exist.", 400},
		}
	case "s3", "s3control":
		return common{
			denied:           Error{"AccessDenied", "Access Denied", 403},
			throttled:        Error{"SlowDown", "Please reduce your request rate.", 503},
			expired:          Error{"ExpiredToken", "The provided token has expired.", 400},
			internal:         Error{"InternalError", "We encountered an internal error. Please try again.", 500},
			unavailable:      Error{"ServiceUnavailable", "Please reduce your request rate.", 503},
			unknownKey:       Error{"InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403},
			unknownOperation: Error{"MethodNotAllowed", "The specified method is not allowed against this resource.", 405},
			badToken:         Error{Code: "InvalidArgument", Status: 400},
			gone:             Error{"NoSuchBucket", "The specified bucket does not exist.", 404},
		}
	}
	if call.Model.Metadata.Protocol == "query" {
		return common{
			denied:           Error{"AccessDenied", "User is not authorized to perform this operation.", 403},
			throttled:        Error{"Throttling", "Rate exceeded", 400},
			expired:          Error{"ExpiredToken", "The security token included in the request is expired", 403},
			internal:         Error{"InternalFailure", "The request processing has failed.", 500},
			unavailable:      Error{"ServiceUnavailable", "The service is temporarily unavailable.", 503},
			unknownKey:       Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403},
			unknownOperation: Error{"InvalidAction", "Could not find the operation.", 400},
			badToken:         Error{Code: "ValidationError", Status: 400},
			gone:             Error{"ResourceNotFound", "The resource does not exist.", 404},
		}
	}
	errs := common{ // json
		denied:           Error{"AccessDeniedException", "User is not authorized to perform this operation.", 400},
		throttled:        Error{"ThrottlingException", "Rate exceeded", 400},
		expired:          Error{"ExpiredTokenException", "The security token included in the request is expired", 400},
		internal:         Error{"InternalFailure", "The request processing has failed.", 500},
		unavailable:      Error{"ServiceUnavailable", "The service is temporarily unavailable.", 503},
		unknownKey:       Error{"UnrecognizedClientException", "The security token included in the request is invalid.", 400},
		unknownOperation: Error{"UnknownOperationException", "Could not find the operation.", 400},
		badToken:         Error{Code: "ValidationException", Status: 400},
		gone:             Error{"ResourceNotFoundException", "The resource does not exist.", 400},
	}
	if call.Model.Metadata.Protocol == "rest-json" {
		errs.throttled = Error{"TooManyRequestsException", "Too Many Requests", 429}
		errs.denied.Status, errs.expired.Status, errs.unknownKey.Status = 403, 403, 403
		errs.unknownOperation.Status, errs.gone.Status = 404, 404
	}
	return errs
}

// goneInEC2 returns the code of an ID that no longer exists; EC2 has one per kind of resource and no model of them.
func goneInEC2(operation string) string {
	switch operation {
	case "DescribeLaunchTemplateVersions", "DescribeLaunchTemplates":
		return "InvalidLaunchTemplateId.NotFound"
	case "DescribeClientVpnAuthorizationRules", "DescribeClientVpnEndpoints":
		return "InvalidClientVpnEndpointId.NotFound"
	case "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSubnets", "DescribeVpcs", "DescribeInternetGateways",
		"DescribeRouteTables", "DescribeTransitGateways", "DescribeVpnConnections", "DescribeNetworkAcls", "DescribeImages":
		return "Invalid" + strings.TrimSuffix(strings.TrimPrefix(operation, "Describe"), "s") + "ID.NotFound"
	case "DescribeSecurityGroups":
		return "InvalidGroup.NotFound"
	}
	return "Invalid" + strings.TrimSuffix(strings.TrimPrefix(operation, "Describe"), "s") + ".NotFound"
}

func unknownOperation(call *wire.Call) error { return new(commonOf(call).unknownOperation) }

func unknownKey(call *wire.Call) error { return new(commonOf(call).unknownKey) }

// refuse shapes a handler's or the server's own error.
func (s *Server) refuse(call *wire.Call, err error, requestID string) *wire.Answer {
	e := Error{Code: commonOf(call).internal.Code, Message: err.Error(), Status: http.StatusInternalServerError}
	var own *Error
	var token *badTokenError
	var modelled smithy.APIError
	switch {
	case errors.As(err, &own):
		e = *own
	case errors.As(err, &token):
		e = token.in(call)
	case errors.As(err, &modelled):
		e = Error{Code: modelled.ErrorCode(), Message: modelled.ErrorMessage()}
	}
	if e.Status == 0 {
		e.Status = statusOf(call, e.Code)
	}
	return call.Refuse(e.Code, e.Message, e.Status, requestID)
}

func statusOf(call *wire.Call, code string) int {
	if call.Operation != nil {
		if status, ok := call.Operation.ErrorStatus(code); ok {
			return status
		}
	}
	rest := strings.HasPrefix(call.Model.Metadata.Protocol, "rest-")
	switch {
	case rest && (strings.Contains(code, "NotFound") || strings.HasPrefix(code, "NoSuch")):
		return http.StatusNotFound
	case rest && strings.HasPrefix(code, "AccessDenied"):
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// Refuse answers with the error this service would send for an injected fault.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, rule fault.Rule) {
	at, call, err := s.recognise(r)
	if call == nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	e := injected(call, rule)
	s.refuse(call, &e, s.requestID(at.service)).WriteTo(w)
}

// injected picks the error of a fault: one the operation's model names where there is one, else a common one.
func injected(call *wire.Call, rule fault.Rule) Error {
	errs := commonOf(call)
	modelled := func(e Error, words ...string) Error {
		if call.Operation == nil {
			return e
		}
		if code, status, ok := call.Operation.ErrorLike(words...); ok {
			e.Code = code
			if status != 0 {
				e.Status = status
			}
		}
		return e
	}
	switch rule.Kind {
	case fault.Denied:
		return errs.denied
	case fault.Throttled:
		return modelled(errs.throttled, "TooManyRequests", "Throttling")
	case fault.ExpiredToken:
		return errs.expired
	case fault.Gone:
		return modelled(errs.gone, "NotFound", "NoSuch")
	}
	if rule.Status == http.StatusServiceUnavailable {
		return errs.unavailable
	}
	e := modelled(errs.internal, "ServiceFailure", "Internal")
	e.Status = http.StatusInternalServerError
	if rule.Status != 0 {
		e.Status = rule.Status
	}
	return e
}
