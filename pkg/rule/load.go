package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Rule is one check as its file writes it.
type Rule struct {
	ID       string
	Title    string
	Resource string   // a resource type, or the kind of account the rule judges as a whole ("aws.account")
	Also     []string // further types, with the same attributes as far as the conditions read them, that the rule judges too
	Severity Severity
	Control  string   // a control of soc2.yaml
	Inputs   []string // resource types whose full lists the conditions see as inputs.<type>
	Params   map[string]any
	// AppliesWhen is CEL, "" when the rule concerns every resource; PassesWhen is true when the resource is as it should be.
	AppliesWhen, PassesWhen string
	Message, Why, Fix       string
	Retired                 string // why the rule is no longer run; "" while it is
	Examples                []Example
	File                    string

	lines map[string]place // where each key's value begins
}

// Severity says how bad a failing rule is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Example is a resource and the result a rule must give for it. Attributes not given are unread.
type Example struct {
	Want       posture.Result              `yaml:"want"`
	Resource   map[string]any              `yaml:"resource"`
	Unread     []string                    `yaml:"unread"`       // paths that could not be read
	Params     map[string]any              `yaml:"params"`       // replace the rule's own
	Inputs     map[string][]map[string]any `yaml:"inputs"`       // for rules with inputs; a type not given has no resources
	Incomplete []string                    `yaml:"incomplete"`   // input types with a region that could not be listed
	Collected  string                      `yaml:"collected_at"` // RFC 3339; 2026-01-15T12:00:00Z when not given

	line int
}

// place is where a value stands in its file. column is 0 for a value folded over several lines.
type place struct{ line, column int }

type document struct {
	ID          string         `yaml:"id"`
	Title       string         `yaml:"title"`
	Resource    string         `yaml:"resource"`
	Also        []string       `yaml:"also"`
	Severity    Severity       `yaml:"severity"`
	Control     string         `yaml:"control"`
	Inputs      []string       `yaml:"inputs"`
	Params      map[string]any `yaml:"params"`
	AppliesWhen string         `yaml:"applies_when"`
	PassesWhen  string         `yaml:"passes_when"`
	Message     string         `yaml:"message"`
	Why         string         `yaml:"why"`
	Fix         string         `yaml:"fix"`
	Retired     string         `yaml:"retired"`
	Examples    []Example      `yaml:"examples"`
}

// maxFile bounds a rule file, in bytes.
const maxFile = 256 << 10

// Parse reads one rule file. Its errors are posture.ErrInvalid and name file and line. Compile checks the conditions.
func Parse(file string, data []byte) (*Rule, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes: %w", file, maxFile, posture.ErrInvalid)
	}
	var doc document
	if err := decodeStrict(data, &doc); err != nil {
		return nil, invalid(file, err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, invalid(file, err)
	}
	r := &Rule{
		ID: doc.ID, Title: doc.Title, Resource: doc.Resource, Also: doc.Also, Severity: doc.Severity, Control: doc.Control, Inputs: doc.Inputs,
		Params: doc.Params, AppliesWhen: doc.AppliesWhen, PassesWhen: doc.PassesWhen, Message: doc.Message, Why: doc.Why,
		Fix: doc.Fix, Retired: doc.Retired, Examples: doc.Examples, File: file, lines: map[string]place{},
	}
	if len(root.Content) == 1 {
		r.place(root.Content[0])
	}
	for _, required := range [][2]string{{"id", r.ID}, {"resource", r.Resource}, {"passes_when", r.PassesWhen}} {
		if strings.TrimSpace(required[1]) == "" {
			return nil, fmt.Errorf("%s: %s is missing: %w", file, required[0], posture.ErrInvalid)
		}
	}
	return r, nil
}

// place notes where the values of the document's keys stand.
func (r *Rule) place(mapping *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		at := place{value.Line, value.Column}
		switch value.Style {
		case yaml.FoldedStyle, yaml.LiteralStyle:
			at.column = 0
		case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
			at.column++
		}
		r.lines[key.Value] = at
		if key.Value == "examples" {
			for n, example := range value.Content {
				if n < len(r.Examples) {
					r.Examples[n].line = example.Line
				}
			}
		}
	}
}

// errorf is an error at the value of key.
func (r *Rule) errorf(key, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if at, ok := r.lines[key]; ok {
		return fmt.Errorf("%s:%d: %s: %s: %w", r.File, at.line, key, message, posture.ErrInvalid)
	}
	return fmt.Errorf("%s: %s: %s: %w", r.File, key, message, posture.ErrInvalid)
}

// decodeStrict reads exactly one YAML document and refuses keys that v does not have.
func decodeStrict(data []byte, v any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

// invalid rewrites the decoder's errors, "yaml: line 3: …", as "file:3: …".
func invalid(file string, err error) error {
	messages := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var many *yaml.TypeError
	if errors.As(err, &many) {
		messages = messages[:0]
		for _, e := range many.Errors {
			messages = append(messages, fmt.Sprint(e))
		}
	}
	var out []error
	for _, m := range messages {
		if line, rest, ok := strings.Cut(strings.TrimPrefix(m, "line "), ": "); ok && strings.HasPrefix(m, "line ") {
			rest = strings.NewReplacer(" not found in type rule.document", " is not a key of a rule",
				" not found in type rule.Example", " is not a key of an example").Replace(rest)
			out = append(out, fmt.Errorf("%s:%s: %s: %w", file, line, rest, posture.ErrInvalid))
		} else {
			out = append(out, fmt.Errorf("%s: %s: %w", file, m, posture.ErrInvalid))
		}
	}
	return errors.Join(out...)
}
