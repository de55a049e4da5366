package wire

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// The protocols. CloudWatch's model says query, its newer clients speak CBOR; the request decides.
const (
	query    = "query"
	ec2      = "ec2"
	restXML  = "rest-xml"
	restJSON = "rest-json"
	rpcJSON  = "json"
	rpcCBOR  = "rpc-v2-cbor"
)

// Call is one request, recognised.
type Call struct {
	Model     *Model
	Operation *Operation // nil: the tables have no such operation
	Name      string     // what the client asked for, as far as the request tells

	protocol string
	request  *http.Request
	body     []byte
	form     url.Values        // query, ec2
	path     map[string]string // labels of a rest path
}

// Recognise finds the operation a request asks for among the services that share its signing name.
// It returns false when there are none.
func Recognise(services []*Model, r *http.Request, body []byte) (*Call, bool) {
	if len(services) == 0 {
		return nil, false
	}
	var best *Call
	for _, m := range services {
		c := &Call{Model: m, request: r, body: body, protocol: m.protocolOf(r)}
		c.find()
		if best == nil || c.closer(best) {
			best = c
		}
	}
	return best, true
}

// protocolOf returns the model's protocol unless the request says it is CBOR.
func (m *Model) protocolOf(r *http.Request) string {
	if r.Header.Get("Smithy-Protocol") == rpcCBOR {
		return rpcCBOR
	}
	return m.Metadata.Protocol
}

// closer reports whether c fits the request better than another service's reading of it: services that share a
// signing name differ by API version (query) or by path (S3 and S3 Control).
func (c *Call) closer(other *Call) bool {
	if (c.Operation != nil) != (other.Operation != nil) {
		return c.Operation != nil
	}
	version := c.form.Get("Version")
	if version != "" && version != other.Model.Metadata.APIVersion {
		return version == c.Model.Metadata.APIVersion
	}
	return false
}

func (c *Call) find() {
	switch c.protocol {
	case query, ec2:
		c.form, _ = url.ParseQuery(string(c.body)) // what cannot be parsed lacks its action
		if version := c.form.Get("Version"); version != "" && version != c.Model.Metadata.APIVersion {
			return
		}
		c.Name = c.form.Get("Action")
	case rpcJSON:
		target := c.request.Header.Get("X-Amz-Target")
		c.Name = target[strings.LastIndex(target, ".")+1:]
	case rpcCBOR:
		if service, name, ok := strings.Cut(c.request.URL.Path, "/operation/"); ok && strings.HasPrefix(service, "/service/") {
			c.Name = name
		}
	default:
		c.findPath()
		return
	}
	c.Operation = c.Model.Operations[c.Name]
}

// findPath matches method, path and query against the templates; the template that demands most of the query wins,
// so that GET /{Bucket}?policy is not a list of objects.
func (c *Call) findPath() {
	path := c.request.URL.EscapedPath()
	if c.Model.Package == "s3" {
		path = bucketPath(c.request.Host, path)
	}
	values := c.request.URL.Query()
	c.Name = c.request.Method + " " + path
	demands := -1
	for _, op := range c.Model.Operations {
		if op.HTTP.Method != c.request.Method {
			continue
		}
		template, wanted, _ := strings.Cut(op.HTTP.RequestURI, "?")
		keys, _ := url.ParseQuery(wanted) // the tables are ours
		labels, ok := matchPath(template, path)
		for key := range keys {
			ok = ok && values.Has(key)
		}
		if ok && len(keys) > demands {
			c.Operation, c.Name, c.path, demands = op, op.Name, labels, len(keys)
		}
	}
}

func matchPath(template, path string) (map[string]string, bool) {
	want, have := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	greedy := strings.HasSuffix(template, "+}")
	if len(have) < len(want) || len(have) > len(want) && !greedy {
		return nil, false
	}
	labels := map[string]string{}
	for i, part := range want {
		value := have[i]
		if greedy && i == len(want)-1 {
			value = strings.Join(have[i:], "/")
		}
		if label, ok := strings.CutPrefix(part, "{"); ok && value != "" {
			text, err := url.PathUnescape(value)
			if err != nil {
				return nil, false
			}
			labels[strings.TrimRight(label, "+}")] = text
		} else if part != value {
			return nil, false
		}
	}
	return labels, true
}

// bucketPath brings a virtual-host request into path style: the bucket's name may stand before ".s3." or ".localhost".
func bucketPath(host, path string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	bucket, found := strings.CutSuffix(host, ".localhost")
	if !found {
		bucket, _, found = strings.Cut(host, ".s3.")
	}
	if !found {
		return path
	}
	return "/" + bucket + path
}

// Decode fills an operation's input struct from the request.
func (c *Call) Decode(input any) error {
	v := reflect.ValueOf(input).Elem()
	shape := c.Operation.Input.target()
	switch c.protocol {
	case query, ec2:
		return c.Model.assignForm(v, c.form, "", shape)
	case rpcCBOR:
		tree, err := decodeCBOR(c.body)
		if err != nil {
			return err
		}
		return c.Model.assign(v, tree, shape, cborName)
	case restJSON, rpcJSON:
		tree, err := decodeJSON(c.body)
		if err != nil {
			return err
		}
		if err := c.Model.assign(v, tree, shape, field.wireName); err != nil {
			return err
		}
	}
	return c.decodeLocations(v, shape)
}

// decodeLocations reads the members a rest request carries in its path, query and headers.
func (c *Call) decodeLocations(v reflect.Value, shape *Shape) error {
	values := c.request.URL.Query()
	for _, f := range c.Model.bind(v.Type(), shape) {
		var texts []string
		switch f.ref.Location {
		case "uri":
			if text, ok := c.path[f.wireName()]; ok {
				texts = []string{text}
			}
		case "querystring":
			texts = values[f.wireName()]
		case "header":
			texts = c.request.Header.Values(f.wireName())
		}
		if len(texts) == 0 {
			continue
		}
		target := v.Field(f.index)
		if target.Kind() == reflect.Slice && target.Type().Elem().Kind() != reflect.Uint8 {
			if f.ref.Location == "header" {
				texts = strings.Split(strings.ReplaceAll(texts[0], " ", ""), ",")
			}
			target.Set(reflect.MakeSlice(target.Type(), len(texts), len(texts)))
			for i, text := range texts {
				if err := setScalar(target.Index(i), text); err != nil {
					return fmt.Errorf("%s: %w", f.wireName(), err)
				}
			}
			continue
		}
		if err := setScalar(target, texts[0]); err != nil {
			return fmt.Errorf("%s: %w", f.wireName(), err)
		}
	}
	return nil
}

// assignForm reads a struct from form keys below a prefix ("Filter.1."). It is only called where such keys exist.
func (m *Model) assignForm(v reflect.Value, form url.Values, prefix string, shape *Shape) error {
	for _, f := range m.bind(v.Type(), shape) {
		if err := m.assignFormValue(v.Field(f.index), form, prefix+m.formName(f), f.ref); err != nil {
			return err
		}
	}
	return nil
}

// formName is a member's name in a request: EC2 writes the first letter large.
func (m *Model) formName(f field) string {
	if m.Metadata.Protocol != ec2 {
		return f.wireName()
	}
	return upperFirst(orElse(f.ref.QueryName, f.wireName()))
}

func (m *Model) assignFormValue(v reflect.Value, form url.Values, name string, ref *Ref) error {
	shape := ref.target()
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != timeType:
		if !hasPrefix(form, name+".") {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return m.assignForm(v.Elem(), form, name+".", shape)
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		return m.assignForm(v, form, name+".", shape)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		item := &Ref{}
		if shape != nil && shape.Member != nil {
			item = shape.Member
		}
		if m.Metadata.Protocol != ec2 && (shape == nil || !shape.Flattened) {
			name += "." + orElse(item.LocationName, "member")
		}
		for i := 1; ; i++ {
			key := name + "." + strconv.Itoa(i)
			if !form.Has(key) && !hasPrefix(form, key+".") {
				return nil
			}
			element := reflect.New(v.Type().Elem()).Elem()
			if err := m.assignFormValue(element, form, key, item); err != nil {
				return err
			}
			v.Set(reflect.Append(v, element))
		}
	case !form.Has(name):
		return nil
	}
	if err := setScalar(v, form.Get(name)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func hasPrefix(form url.Values, prefix string) bool {
	for key := range form {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
