package aws

import (
	"net/http"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/plumbline-dev/plumbline/collectors/transport"
)

func TestInspect(t *testing.T) {
	type answer struct {
		method, contentType, errorType string
		status                         int
		body                           string
	}
	for name, test := range map[string]struct {
		answer
		want transport.Outcome
		code string
	}{
		"a JSON object is whole":                         {answer{status: 200, body: `{"trailList":[]}`}, transport.Accepted, ""},
		"whatever its content type says":                 {answer{status: 200, contentType: "text/html", body: `{"trailList":[]}`}, transport.Accepted, ""},
		"an XML document is whole":                       {answer{status: 200, body: `<?xml version="1.0"?><R><a/></R>`}, transport.Accepted, ""},
		"an answer to HEAD has no body":                  {answer{method: http.MethodHead, status: 200}, transport.Accepted, ""},
		"an empty body is not":                           {answer{status: 200}, transport.Malformed, ""},
		"nor is half a JSON object":                      {answer{status: 200, body: `{"trailList":[`}, transport.Malformed, ""},
		"nor half an XML document":                       {answer{status: 200, body: `<R><a>`}, transport.Malformed, ""},
		"nor two documents":                              {answer{status: 200, body: `<R/><R/>`}, transport.Malformed, ""},
		"nor text after the document":                    {answer{status: 200, body: `<R/>x`}, transport.Malformed, ""},
		"nor a JSON list":                                {answer{status: 200, body: `[]`}, transport.Malformed, ""},
		"nor null":                                       {answer{status: 200, body: `null`}, transport.Malformed, ""},
		"nor a proxy's page":                             {answer{status: 200, body: `<!DOCTYPE html><html><body>Sign in</body></html>`}, transport.Malformed, ""},
		"nor an error that comes with success":           {answer{status: 200, body: `<Error><Code>InternalError</Code></Error>`}, transport.Malformed, ""},
		"nor bytes that no decoder reads as an element":  {answer{status: 200, body: "\xff\x00garbled"}, transport.Malformed, ""},
		"a CBOR map is whole":                            {answer{status: 200, contentType: "application/cbor", body: string(cbor.Encode(cbor.Map{}))}, transport.Accepted, ""},
		"half a CBOR map is not":                         {answer{status: 200, contentType: "application/cbor", body: "\xa1"}, transport.Malformed, ""},
		"an error in JSON":                               {answer{status: 400, body: `{"__type":"com.amazonaws#AccessDeniedException"}`}, transport.Accepted, "AccessDeniedException"},
		"an error in a header":                           {answer{status: 404, errorType: "ResourceNotFoundException:http://x"}, transport.Accepted, "ResourceNotFoundException"},
		"an error in XML":                                {answer{status: 403, body: `<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>`}, transport.Accepted, "AccessDenied"},
		"throttling by code is tried again":              {answer{status: 400, body: `{"__type":"ThrottlingException"}`}, transport.Throttled, "ThrottlingException"},
		"throttling by status is tried again":            {answer{status: 429}, transport.Throttled, ""},
		"S3's own way to throttle":                       {answer{status: 503, body: `<Error><Code>SlowDown</Code></Error>`}, transport.Throttled, "SlowDown"},
		"the service's failure is tried again":           {answer{status: 500, body: `nothing`}, transport.Transient, ""},
		"so is a failure that comes as a client's error": {answer{status: 400, body: `{"__type":"InternalFailure"}`}, transport.Transient, "InternalFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := &http.Response{StatusCode: test.status, Header: http.Header{}, Request: &http.Request{Method: test.method}}
			if test.contentType != "" {
				resp.Header.Set("Content-Type", test.contentType)
			}
			if test.errorType != "" {
				resp.Header.Set("X-Amzn-Errortype", test.errorType)
			}
			got, code, _ := wire{}.Inspect(transport.Target{}, resp, []byte(test.body))
			if got != test.want || code != test.code {
				t.Errorf("outcome %d with code %q, want %d with %q", got, code, test.want, test.code)
			}
		})
	}
}
