package gcp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"

	"google.golang.org/api/googleapi"

	"github.com/plumbline-dev/plumbline/collectors/gcp/rest"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// wire tells the transport what Google's REST looks like.
type wire struct{}

// Identify names the method by the request's address.
func (wire) Identify(req *http.Request) transport.Target {
	m, params, ok := rest.Match(req.URL.Host, req.Method, req.URL)
	if !ok {
		return transport.Target{Operation: req.Method + " " + req.URL.Host + req.URL.Path, Region: posture.Global}
	}
	return transport.Target{
		Operation: m.ID,
		Region:    cmp.Or(params["region"], params["zone"], params["locationsId"], params["regionsId"], posture.Global),
	}
}

// reasonsOfThrottling are the reasons with which a 403 says "too fast" rather than "not allowed".
var reasonsOfThrottling = map[string]bool{
	"rateLimitExceeded": true, "userRateLimitExceeded": true, "RATE_LIMIT_EXCEEDED": true, "quotaExceeded": true,
}

// Inspect classifies an answer; see transport.Protocol.
func (wire) Inspect(_ transport.Target, resp *http.Response, body []byte) (transport.Outcome, string, string) {
	requestID := cmp.Or(resp.Header.Get("X-Guploader-Uploadid"), resp.Header.Get("X-Cloud-Trace-Context"), resp.Header.Get("X-Goog-Request-Id"))
	if resp.StatusCode < 300 {
		if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(trimmed) {
			return transport.Malformed, "", requestID
		}
		return transport.Accepted, "", requestID
	}
	code := codeOf(body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusForbidden && reasonsOfThrottling[code]:
		return transport.Throttled, code, requestID
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout:
		return transport.Transient, code, requestID
	}
	return transport.Accepted, code, requestID
}

// Normalize keeps bodies as they are: Google writes nothing into them that differs from one identical answer to the next.
func (wire) Normalize(_ transport.Target, body []byte) []byte { return body }

// codeOf is the most exact code that an error's body gives: the reason of its details ("SERVICE_DISABLED"), of its old form
// ("rateLimitExceeded"), or its status ("PERMISSION_DENIED").
func codeOf(body []byte) string {
	var answer struct {
		Error struct {
			Status  string `json:"status"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	for _, d := range answer.Error.Details {
		if d.Reason != "" {
			return d.Reason
		}
	}
	for _, e := range answer.Error.Errors {
		if reasonsOfThrottling[e.Reason] || answer.Error.Status == "" && e.Reason != "" {
			return e.Reason
		}
	}
	return answer.Error.Status
}

// answers turns an answer that is an error into one that remembers its method: the SDK's own errors do not.
type answers struct{ transport *transport.Transport }

// answerError is a method's refusal.
type answerError struct {
	Operation string
	Code      string
	Answer    *googleapi.Error
}

func (e *answerError) Error() string { return e.Operation + ": " + e.Answer.Error() }
func (e *answerError) Unwrap() error { return e.Answer }

// RoundTrip implements http.RoundTripper.
func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.transport.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	refused := &answerError{Operation: wire{}.Identify(req).Operation, Answer: &googleapi.Error{Code: resp.StatusCode}}
	if known, ok := googleapi.CheckResponse(resp).(*googleapi.Error); ok {
		refused.Answer, refused.Code = known, codeOf([]byte(known.Body))
	}
	return nil, refused
}
