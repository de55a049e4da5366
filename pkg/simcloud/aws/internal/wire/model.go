// Package wire translates between the Go SDK's input and output structs and the bytes AWS services exchange:
// the query, ec2, rest-xml, rest-json, json and rpc-v2-cbor protocols, driven by tables of wire names.
package wire

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
	"unicode"
)

// Model is one service's table. Its JSON form is that of the API models in the first Go SDK, cut down to what
// the protocols need; package gen writes it.
type Model struct {
	Package    string                `json:"package,omitempty"` // of the Go SDK: "cloudtrail"
	Metadata   Metadata              `json:"metadata"`
	Operations map[string]*Operation `json:"operations"`
	Shapes     map[string]*Shape     `json:"shapes"`

	bindings sync.Map // binding key → []field
}

// Metadata tells how a service is addressed.
type Metadata struct {
	APIVersion     string `json:"apiVersion,omitempty"`
	EndpointPrefix string `json:"endpointPrefix,omitempty"`
	JSONVersion    string `json:"jsonVersion,omitempty"`
	Protocol       string `json:"protocol,omitempty"`
	SigningName    string `json:"signingName,omitempty"` // empty: the endpoint prefix
	XMLNamespace   string `json:"xmlNamespace,omitempty"`
	Lower          bool   `json:"lower,omitempty"` // wire names start with a small letter where the model is silent
}

// Operation is one API call.
type Operation struct {
	HTTP   HTTP    `json:"http"`
	Input  *Ref    `json:"input,omitempty"`
	Output *Ref    `json:"output,omitempty"`
	Errors []*Ref  `json:"errors,omitempty"`
	Paging *Paging `json:"paging,omitempty"`

	Name string `json:"-"`
}

// HTTP is the request line of an operation; RequestURI is a template such as "/{Bucket}?policy".
type HTTP struct {
	Method       string `json:"method,omitempty"`
	RequestURI   string `json:"requestUri,omitempty"`
	ResponseCode int    `json:"responseCode,omitempty"` // 0: 200
}

// Paging names the members that carry an operation's pages.
type Paging struct {
	InputToken  string   `json:"inputToken"`
	OutputToken string   `json:"outputToken"`
	Limit       string   `json:"limit,omitempty"`
	More        string   `json:"more,omitempty"`
	Results     []string `json:"results"`
}

// Shape is a type of the model.
type Shape struct {
	Type            string          `json:"type"`
	Members         map[string]*Ref `json:"members,omitempty"`
	Member          *Ref            `json:"member,omitempty"`
	Key             *Ref            `json:"key,omitempty"`
	Value           *Ref            `json:"value,omitempty"`
	Flattened       bool            `json:"flattened,omitempty"`
	LocationName    string          `json:"locationName,omitempty"`
	Payload         string          `json:"payload,omitempty"`
	TimestampFormat string          `json:"timestampFormat,omitempty"`
	Error           *ErrorTrait     `json:"error,omitempty"`
}

// ErrorTrait is the wire form of a modelled error.
type ErrorTrait struct {
	Code           string `json:"code,omitempty"`
	HTTPStatusCode int    `json:"httpStatusCode,omitempty"`
}

// Ref is a use of a shape: a member, a list's element, an operation's input.
type Ref struct {
	Shape         string `json:"shape"`
	Location      string `json:"location,omitempty"`
	LocationName  string `json:"locationName,omitempty"`
	QueryName     string `json:"queryName,omitempty"`
	Flattened     bool   `json:"flattened,omitempty"`
	XMLAttribute  bool   `json:"xmlAttribute,omitempty"`
	ResultWrapper string `json:"resultWrapper,omitempty"`

	shape *Shape
}

//go:embed tables/*.json
var tables embed.FS

// Load reads every service's table, keyed by the Go SDK's package name.
func Load() (map[string]*Model, error) {
	files, err := tables.ReadDir("tables")
	if err != nil {
		return nil, fmt.Errorf("read wire tables: %w", err)
	}
	models := map[string]*Model{}
	for _, file := range files {
		text, err := tables.ReadFile(path.Join("tables", file.Name()))
		if err != nil {
			return nil, fmt.Errorf("read wire table %s: %w", file.Name(), err)
		}
		m := new(Model)
		if err := json.Unmarshal(text, m); err != nil {
			return nil, fmt.Errorf("parse wire table %s: %w", file.Name(), err)
		}
		m.link()
		models[m.Package] = m
	}
	return models, nil
}

// link joins refs to their shapes and operations to their names.
func (m *Model) link() {
	join := func(refs ...*Ref) {
		for _, ref := range refs {
			if ref != nil {
				ref.shape = m.Shapes[ref.Shape]
			}
		}
	}
	for _, shape := range m.Shapes {
		join(shape.Member, shape.Key, shape.Value)
		for _, ref := range shape.Members {
			join(ref)
		}
	}
	for name, op := range m.Operations {
		op.Name = name
		join(op.Input, op.Output)
		join(op.Errors...)
	}
}

// SigningName returns the service's name in a SigV4 credential scope.
func (m *Model) SigningName() string {
	if m.Metadata.SigningName != "" {
		return m.Metadata.SigningName
	}
	return m.Metadata.EndpointPrefix
}

// ErrorStatus returns the HTTP status the model gives an error code, and false where it gives none.
func (op *Operation) ErrorStatus(code string) (int, bool) {
	for _, ref := range op.Errors {
		if c, status := ref.errorCode(); c == code && status != 0 {
			return status, true
		}
	}
	return 0, false
}

// ErrorLike returns the code and status of the operation's first modelled error whose code contains one of the words.
func (op *Operation) ErrorLike(words ...string) (code string, status int, ok bool) {
	for _, word := range words {
		for _, ref := range op.Errors {
			if code, status := ref.errorCode(); strings.Contains(code, word) {
				return code, status, true
			}
		}
	}
	return "", 0, false
}

func (r *Ref) errorCode() (code string, status int) {
	if r.shape == nil || r.shape.Error == nil {
		return r.Shape, 0
	}
	if r.shape.Error.Code == "" {
		return r.Shape, r.shape.Error.HTTPStatusCode
	}
	return r.shape.Error.Code, r.shape.Error.HTTPStatusCode
}

func lowerFirst(s string) string { return changeFirst(s, unicode.ToLower) }
func upperFirst(s string) string { return changeFirst(s, unicode.ToUpper) }

func changeFirst(s string, change func(rune) rune) string {
	for _, first := range s {
		return string(change(first)) + s[len(string(first)):]
	}
	return s
}
