package azure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// wire tells the transport what Azure's REST looks like.
type wire struct{}

// Identify names the operation by the request's address, and by the name that the SDK left in its context where addresses are
// alike.
func (wire) Identify(req *http.Request) transport.Target {
	name, _ := req.Context().Value(runtime.CtxAPINameKey{}).(string)
	m, _, ok := rest.Match(req.URL.Host, req.Method, req.URL, name)
	if !ok {
		return transport.Target{Operation: req.Method + " " + req.URL.Host + req.URL.Path, Region: posture.Global}
	}
	return transport.Target{Operation: m.ID, Region: posture.Global}
}

// Inspect classifies an answer; see transport.Protocol.
func (wire) Inspect(_ transport.Target, resp *http.Response, body []byte) (transport.Outcome, string, string) {
	requestID := cmp.Or(resp.Header.Get("X-Ms-Request-Id"), resp.Header.Get("Request-Id"), resp.Header.Get("X-Ms-Correlation-Request-Id"))
	if resp.StatusCode == http.StatusNoContent {
		return transport.Accepted, "", requestID
	}
	if resp.StatusCode < 300 {
		if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || (trimmed[0] != '{' && trimmed[0] != '[') || !json.Valid(trimmed) {
			return transport.Malformed, "", requestID
		}
		return transport.Accepted, "", requestID
	}
	code := codeOf(body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return transport.Throttled, code, requestID
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout:
		return transport.Transient, code, requestID
	}
	return transport.Accepted, code, requestID
}

// Normalize keeps bodies as they are: Azure writes nothing into them that differs from one identical answer to the next.
func (wire) Normalize(_ transport.Target, body []byte) []byte { return body }

// codeOf is the code in an error's body, "" when there is none.
func codeOf(body []byte) string {
	var answer struct {
		Code  string `json:"code"`
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return cmp.Or(answer.Error.Code, answer.Code)
}
