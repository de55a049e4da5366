package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// Answer is a response in wire form.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// WriteTo sends the answer with its length declared.
func (a *Answer) WriteTo(w http.ResponseWriter) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that went away needs no answer
}

// Encode writes an operation's output, a pointer to the SDK's output struct.
func (c *Call) Encode(output any, requestID string) (*Answer, error) {
	v := reflect.ValueOf(output).Elem()
	ref := c.Operation.Output
	shape := ref.target()
	a := c.answer(orStatus(c.Operation.HTTP.ResponseCode, http.StatusOK), requestID)
	switch c.protocol {
	case query:
		c.encodeQuery(a, v, ref, requestID)
	case ec2:
		w := xmlWriter{model: c.Model}
		root := c.Operation.Name + "Response"
		w.open(root, namespace(c.Model.Metadata.XMLNamespace+"/"))
		w.text("requestId", requestID)
		w.members(v, shape)
		w.close(root)
		a.Body = w.Bytes()
	case rpcJSON:
		return a, a.encodeJSON(c.Model.tree(v, shape, field.wireName))
	case rpcCBOR:
		a.Body = encodeCBOR(c.Model.tree(v, shape, cborName))
	default:
		return a, c.encodeRest(a, v, shape)
	}
	return a, nil
}

func (c *Call) encodeQuery(a *Answer, v reflect.Value, ref *Ref, requestID string) {
	w := xmlWriter{model: c.Model}
	root := c.Operation.Name + "Response"
	w.open(root, namespace(c.Model.Metadata.XMLNamespace))
	if ref != nil {
		wrapper := orElse(ref.ResultWrapper, c.Operation.Name+"Result")
		w.open(wrapper, "")
		w.members(v, ref.shape)
		w.close(wrapper)
	}
	w.open("ResponseMetadata", "")
	w.text("RequestId", requestID)
	w.close("ResponseMetadata")
	w.close(root)
	a.Body = w.Bytes()
}

// encodeRest puts members into headers and the rest, or the payload member alone, into the body.
func (c *Call) encodeRest(a *Answer, v reflect.Value, shape *Shape) error {
	root := &Ref{Shape: c.Operation.Name + "Result", shape: shape}
	body := v
	for _, f := range c.Model.bind(v.Type(), shape) {
		value := v.Field(f.index)
		if f.ref.Location == "header" {
			if text, ok := headerText(value, f.ref.shape); ok {
				a.Header.Set(f.wireName(), text)
			}
		}
		if shape != nil && shape.Payload == f.member {
			root, body = f.ref, reflect.Indirect(value)
		}
	}
	switch {
	case c.request.Method == http.MethodHead || !body.IsValid():
		a.Header.Del("Content-Type")
	case body.Kind() == reflect.String:
		a.Body = []byte(body.String())
	case body.Kind() == reflect.Slice && body.Type().Elem().Kind() == reflect.Uint8:
		a.Body = body.Bytes()
	case c.protocol == restJSON:
		return a.encodeJSON(c.Model.tree(body, root.shape, field.wireName))
	default:
		name := orElse(root.LocationName, root.Shape)
		if root.shape != nil && root.LocationName == "" {
			name = orElse(root.shape.LocationName, name)
		}
		w := xmlWriter{model: c.Model}
		w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
		w.open(name, namespace(orElse(c.Model.Metadata.XMLNamespace, "http://s3.amazonaws.com/doc/2006-03-01/")))
		w.members(body, root.shape)
		w.close(name)
		a.Body = w.Bytes()
	}
	return nil
}

func headerText(v reflect.Value, shape *Shape) (string, bool) {
	v = reflect.Indirect(v)
	switch {
	case !v.IsValid() || v.Kind() == reflect.String && v.String() == "":
		return "", false
	case v.Type() == timeType:
		format := "rfc822"
		if shape != nil && shape.TimestampFormat != "" {
			format = shape.TimestampFormat
		}
		return formatTime(v.Interface().(time.Time), format), true
	}
	return fmt.Sprint(v.Interface()), true
}

// Refuse writes an error in the form of the call's protocol. An empty message stays empty.
func (c *Call) Refuse(code, message string, status int, requestID string) *Answer {
	a := c.answer(status, requestID)
	fault := "Sender"
	if status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w := xmlWriter{model: c.Model}
	detail := func() {
		w.text("Code", code)
		w.text("Message", message)
	}
	switch {
	case c.protocol == rpcJSON || c.protocol == restJSON:
		a.Header.Set("X-Amzn-Errortype", code)
		// Two strings always marshal.
		a.Body, _ = json.Marshal(map[string]string{"__type": code, "message": message})
	case c.protocol == rpcCBOR:
		a.Header.Set("X-Amzn-Query-Error", code+";"+fault)
		a.Body = encodeCBOR(map[string]any{"__type": code, "message": message})
	case c.protocol == query:
		w.open("ErrorResponse", namespace(c.Model.Metadata.XMLNamespace))
		w.open("Error", "")
		w.text("Type", fault)
		detail()
		w.close("Error")
		w.text("RequestId", requestID)
		w.close("ErrorResponse")
	case c.protocol == ec2:
		w.WriteString("<Response><Errors><Error>")
		detail()
		w.WriteString("</Error></Errors>")
		w.text("RequestID", requestID)
		w.close("Response")
	case c.request.Method == http.MethodHead: // an answer to HEAD has no body: the status is all there is
		a.Header.Del("Content-Type")
	case c.Model.Package == "s3":
		w.open("Error", "")
		detail()
		w.text("RequestId", requestID)
		w.text("HostId", hostID(requestID))
		w.close("Error")
	default: // S3 Control, and every other rest-xml service
		w.open("ErrorResponse", "")
		w.open("Error", "")
		w.text("Type", fault)
		detail()
		w.close("Error")
		w.text("RequestId", requestID)
		w.close("ErrorResponse")
	}
	if w.Len() > 0 {
		a.Body = w.Bytes()
	}
	return a
}

// answer starts a response with the headers the service sends: its content type and request id.
func (c *Call) answer(status int, requestID string) *Answer {
	h := http.Header{}
	if c.Model.SigningName() == "s3" {
		h.Set("X-Amz-Request-Id", requestID)
		h.Set("X-Amz-Id-2", hostID(requestID))
	} else {
		h.Set("X-Amzn-Requestid", requestID)
	}
	switch c.protocol {
	case rpcJSON:
		h.Set("Content-Type", "application/x-amz-json-"+c.Model.Metadata.JSONVersion)
	case restJSON:
		h.Set("Content-Type", "application/json")
	case rpcCBOR:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", rpcCBOR)
	default:
		h.Set("Content-Type", "text/xml;charset=UTF-8")
	}
	return &Answer{Status: status, Header: h}
}

func (a *Answer) encodeJSON(tree any) error {
	body, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("write JSON body: %w", err)
	}
	a.Body = body
	return nil
}

func hostID(requestID string) string { return "host-" + requestID }

func namespace(uri string) string { return ` xmlns="` + uri + `"` }

func orStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}
