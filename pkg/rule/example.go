package rule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Failure is an example whose rule does not give the result it wants.
type Failure struct {
	Rule    *Rule
	Line    int // of the example
	Want    posture.Result
	Verdict posture.Verdict
	Err     error // why the example could not be run at all
}

func (f Failure) String() string {
	if f.Err != nil {
		return fmt.Sprintf("%s:%d: %v", f.Rule.File, f.Line, f.Err)
	}
	return fmt.Sprintf("%s:%d: want %s, got %s: %s", f.Rule.File, f.Line, f.Want, f.Verdict.Result, f.Verdict.Reason)
}

// RunExamples runs a rule's examples and returns those that fail.
func (c *Compiler) RunExamples(r *Rule) []Failure {
	var out []Failure
	for _, e := range r.Examples {
		verdict, err := c.runExample(r, e)
		if err != nil || verdict.Result != e.Want || slices.ContainsFunc(verdict.Unread, isRuleError) {
			out = append(out, Failure{r, e.line, e.Want, verdict, err})
		}
	}
	return out
}

// isRuleError: a condition that cannot be computed is no good example of unknown.
func isRuleError(u posture.Unread) bool { return u.Reason == posture.ReasonRuleError }

func (c *Compiler) runExample(r *Rule, e Example) (posture.Verdict, error) {
	program, err := c.Compile(r, e.Params)
	if err != nil {
		return posture.Verdict{}, err
	}
	collected := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	if e.Collected != "" {
		if collected, err = time.Parse(time.RFC3339, e.Collected); err != nil {
			return posture.Verdict{}, fmt.Errorf("collected_at: %w", err)
		}
	}
	subject := Subject{Key: posture.Key{Type: r.Resource, Region: posture.Global, ID: "example"}, Inputs: map[string]Input{}}
	if c.types.resources[r.Resource] != nil {
		if subject.Resource, err = c.exampleRecord(r.Resource, "example", e.Resource, e.Unread, collected); err != nil {
			return posture.Verdict{}, err
		}
	} else if e.Resource != nil || e.Unread != nil {
		return posture.Verdict{}, fmt.Errorf("a rule on a whole account has no resource: give inputs")
	}
	for _, given := range append(slices.Sorted(maps.Keys(e.Inputs)), e.Incomplete...) {
		if !slices.Contains(r.Inputs, given) {
			return posture.Verdict{}, fmt.Errorf("%s is not an input of the rule", given)
		}
	}
	for _, input := range r.Inputs {
		var records []*Record
		for i, attributes := range e.Inputs[input] {
			record, err := c.exampleRecord(input, fmt.Sprintf("example-%d", i+1), attributes, nil, collected)
			if err != nil {
				return posture.Verdict{}, err
			}
			records = append(records, record)
		}
		var missing []posture.Cause
		if slices.Contains(e.Incomplete, input) {
			missing = []posture.Cause{{Reason: posture.ReasonDenied}}
		}
		subject.Inputs[input] = NewInput(input, records, missing)
	}
	return program.Evaluate(subject, collected), nil
}

// exampleRecord makes a record by way of the document that a scan would store. Given attributes must fit the schema. id, region
// and account_id may be given too; an unread list may be given as its attribute "unread" by an input.
func (c *Compiler) exampleRecord(name, id string, attributes map[string]any, unread []string, collected time.Time) (*Record, error) {
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	key, account := posture.Key{Type: name, Region: posture.Global, ID: id}, "111122223333"
	for own, to := range map[string]*string{"id": &key.ID, "region": &key.Region, "account_id": &account} {
		if given, ok := attributes[own]; ok {
			*to = fmt.Sprint(given)
			delete(attributes, own)
		}
	}
	if list, ok := attributes["unread"].([]any); ok {
		for _, path := range list {
			unread = append(unread, fmt.Sprint(path))
		}
		delete(attributes, "unread")
	}
	var paths []posture.Unread
	for _, path := range unread {
		paths = append(paths, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied}})
	}
	object := c.types.resources[name]
	if err := object.complete(attributes, collected); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	content, err := json.Marshal(map[string]any{"attributes": attributes, "unread": paths})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c.types.Decode(key, account, content)
}

// complete checks attributes against the schema, in place, and turns short times ("-40d", "+12h") into full ones.
func (o *object) complete(attributes map[string]any, collected time.Time) error {
	for name, value := range attributes {
		slot, ok := o.index[name]
		if !ok {
			return fmt.Errorf("there is no attribute %s", name)
		}
		f := o.fields[slot]
		if value == nil && !f.optional {
			return fmt.Errorf("%s is never absent", name)
		}
		fits := value == nil
		switch v := value.(type) {
		case bool:
			fits = f.kind == posture.Bool
		case int:
			fits = f.kind == posture.Int
		case time.Time:
			fits = f.kind == posture.Time
		case string:
			fits = f.kind == posture.String || f.kind == posture.Time
			if f.kind == posture.Time {
				at, err := exampleTime(v, collected)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				attributes[name] = at
			}
		case map[string]any:
			fits = f.kind == posture.Object || f.kind == posture.StringMap
			if f.kind == posture.Object {
				v = maps.Clone(v)
				attributes[name] = v
				if err := f.of.complete(v, collected); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		case []any:
			fits = f.kind == posture.Objects || f.kind == posture.Strings
			list := slices.Clone(v)
			attributes[name] = list
			for i, e := range list {
				element, isObject := e.(map[string]any)
				_, isString := e.(string)
				if isObject != (f.kind == posture.Objects) || isString != (f.kind == posture.Strings) {
					return fmt.Errorf("%s holds %v (%T), which does not fit the schema", name, e, e)
				}
				if isObject {
					element = maps.Clone(element)
					list[i] = element
					if err := f.of.complete(element, collected); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
				}
			}
		}
		if !fits {
			return fmt.Errorf("%s is %v (%T), which does not fit the schema", name, value, value)
		}
	}
	return nil
}

// exampleTime reads RFC 3339, or a distance from the time of collection: "-40d", "+12h".
func exampleTime(s string, collected time.Time) (time.Time, error) {
	if !strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "+") {
		return time.Parse(time.RFC3339, s)
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return collected.AddDate(0, 0, n), err
	}
	d, err := time.ParseDuration(s)
	return collected.Add(d), err
}
