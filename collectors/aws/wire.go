package aws

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/plumbline-dev/plumbline/collectors/transport"
)

// wire tells the transport what AWS's protocols look like.
type wire struct{}

// Identify names the operation from what the SDK's middleware left in the request's context.
func (wire) Identify(req *http.Request) transport.Target {
	ctx := req.Context()
	service := strings.ReplaceAll(awsmiddleware.GetServiceID(ctx), " ", "")
	return transport.Target{Operation: service + "." + awsmiddleware.GetOperationName(ctx), Region: awsmiddleware.GetRegion(ctx)}
}

var (
	xmlCode       = regexp.MustCompile(`<Code>\s*([^<\s]+)\s*</Code>`)
	xmlRequestID  = regexp.MustCompile(`(?i)<RequestID>\s*([^<]+?)\s*</RequestID>`)
	xmlHostID     = regexp.MustCompile(`<HostId>[^<]*</HostId>`)
	throttleCodes = map[string]bool{
		"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "RequestThrottled": true,
		"RequestThrottledException": true, "TooManyRequestsException": true, "ProvisionedThroughputExceededException": true,
		"TransactionInProgressException": true, "RequestLimitExceeded": true, "BandwidthLimitExceeded": true,
		"LimitExceededException": true, "SlowDown": true, "PriorRequestNotComplete": true, "EC2ThrottledException": true,
	}
	transientCodes = map[string]bool{
		"InternalError": true, "InternalFailure": true, "InternalServerError": true, "InternalServiceError": true,
		"InternalServerException": true, "ServiceUnavailable": true, "ServiceUnavailableException": true, "Unavailable": true,
		"RequestTimeout": true, "RequestTimeoutException": true,
	}
)

// Inspect classifies an answer; see transport.Protocol.
func (wire) Inspect(_ transport.Target, resp *http.Response, body []byte) (transport.Outcome, string, string) {
	requestID := resp.Header.Get("X-Amzn-Requestid")
	if requestID == "" {
		requestID = resp.Header.Get("X-Amz-Request-Id")
	}
	if requestID == "" {
		if m := xmlRequestID.FindSubmatch(body); m != nil {
			requestID = string(m[1])
		}
	}
	if resp.StatusCode < 300 {
		if !whole(resp, body) {
			return transport.Malformed, "", requestID
		}
		return transport.Accepted, "", requestID
	}
	code := errorCode(resp, body)
	switch {
	case throttleCodes[code], resp.StatusCode == http.StatusTooManyRequests:
		return transport.Throttled, code, requestID
	case transientCodes[code], resp.StatusCode >= 500:
		return transport.Transient, code, requestID
	default:
		return transport.Accepted, code, requestID
	}
}

// errorCode finds the error code in the header or the body, in whichever of the five forms the service speaks.
func errorCode(resp *http.Response, body []byte) string {
	if code := resp.Header.Get("X-Amzn-Errortype"); code != "" {
		code, _, _ = strings.Cut(code, ":")
		return code[strings.LastIndex(code, "#")+1:]
	}
	if m := xmlCode.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	var member struct {
		Type  string `json:"__type"`
		Code  string `json:"code"`
		Code2 string `json:"Code"`
	}
	if json.Unmarshal(body, &member) != nil {
		if value, err := cbor.Decode(body); err == nil {
			if m, ok := value.(cbor.Map); ok {
				if s, ok := m["__type"].(cbor.String); ok {
					member.Type = string(s)
				}
			}
		}
	}
	for _, code := range []string{member.Type, member.Code, member.Code2} {
		if code != "" {
			return code[strings.LastIndex(code, "#")+1:]
		}
	}
	return ""
}

// whole reports whether a successful answer is complete and of the service. The SDK's decoders take an empty body, or one
// that ends before its first element, for an answer in which nothing is set; and a proxy's page for the same.
func whole(resp *http.Response, body []byte) bool {
	if resp.Request != nil && resp.Request.Method == http.MethodHead {
		return true
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/cbor") || resp.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		value, err := cbor.Decode(body)
		_, object := value.(cbor.Map)
		return err == nil && object
	}
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return false
	}
	if trimmed[0] == '{' {
		return json.Valid(trimmed)
	}
	return trimmed[0] == '<' && wholeXML(trimmed)
}

func wholeXML(body []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	depth, roots := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return depth == 0 && roots == 1
		}
		if err != nil {
			return false
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
				if name := strings.ToLower(t.Name.Local); name == "html" || name == "error" {
					return false
				}
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return false
			}
		}
	}
}

// Normalize drops the request ids that query services write into their bodies: the journal holds them, and an unchanged
// answer is then stored once.
func (wire) Normalize(_ transport.Target, body []byte) []byte {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '<' {
		return body
	}
	return xmlHostID.ReplaceAll(xmlRequestID.ReplaceAll(body, nil), nil)
}
