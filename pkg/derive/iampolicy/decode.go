package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxDepth bounds nesting; a policy document needs five levels.
const maxDepth = 16

// decodeJSON reads one JSON value, and refuses an object that names a key twice: readers disagree on which one counts.
func decodeJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, err := decodeValue(decoder, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("at byte %d: text after the end", decoder.InputOffset())
	}
	return value, nil
}

func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := decoder.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	var value any
	switch token {
	case json.Delim('{'):
		value, err = decodeObject(decoder, depth-1)
	case json.Delim('['):
		value, err = decodeList(decoder, depth-1)
	default:
		return token, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = decoder.Token() // the closing bracket
	return value, err
}

func decodeObject(decoder *json.Decoder, depth int) (map[string]any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("key %v is not a string", token)
		}
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("key %q appears twice", key)
		}
		if object[key], err = decodeValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func decodeList(decoder *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for decoder.More() {
		value, err := decodeValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func parseDocument(value any) (Document, error) {
	elements, err := elementsOf(value, "Version", "Id", "Statement")
	if err != nil {
		return Document{}, err
	}
	var document Document
	if document.Version, err = text(elements["Version"]); err != nil {
		return Document{}, fmt.Errorf("Version: %w", err)
	}
	if document.ID, err = text(elements["Id"]); err != nil {
		return Document{}, fmt.Errorf("Id: %w", err)
	}
	list, ok := elements["Statement"].([]any)
	if !ok {
		if elements["Statement"] == nil {
			return Document{}, errors.New("there is no Statement")
		}
		list = []any{elements["Statement"]}
	}
	for i, item := range list {
		statement, err := parseStatement(item)
		if err != nil {
			return Document{}, fmt.Errorf("statement %d: %w", i+1, err)
		}
		document.Statements = append(document.Statements, statement)
	}
	return document, nil
}

func parseStatement(value any) (Statement, error) {
	elements, err := elementsOf(value, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
		"Resource", "NotResource", "Condition")
	if err != nil {
		return Statement{}, err
	}
	var s Statement
	for _, field := range []struct {
		name string
		into *string
	}{{"Sid", &s.SID}, {"Effect", &s.Effect}} {
		if *field.into, err = text(elements[field.name]); err != nil {
			return Statement{}, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	for _, field := range []struct {
		name string
		into *[]string
		read func(any) ([]string, error)
	}{
		{"Principal", &s.Principals, parsePrincipals}, {"NotPrincipal", &s.NotPrincipals, parsePrincipals},
		{"Action", &s.Actions, texts}, {"NotAction", &s.NotActions, texts},
		{"Resource", &s.Resources, texts}, {"NotResource", &s.NotResources, texts},
	} {
		element, given := elements[field.name]
		if !given {
			continue
		}
		if *field.into, err = field.read(element); err != nil {
			return Statement{}, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	if condition, given := elements["Condition"]; given {
		conditions, err := parseConditions(condition)
		if err != nil {
			return Statement{}, err
		}
		s.ConditionsJSON = conditions.canonical()
	}
	return s.normal()
}

// elementsOf returns the object's members under the names given, whatever case they are written in.
func elementsOf(value any, names ...string) (map[string]any, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not an object", kindOf(value))
	}
	elements := map[string]any{}
	for key, member := range object {
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, key) })
		if i < 0 {
			return nil, fmt.Errorf("element %q is unknown", key)
		}
		if _, twice := elements[names[i]]; twice {
			return nil, fmt.Errorf("element %q appears twice", names[i])
		}
		elements[names[i]] = member
	}
	return elements, nil
}

func parsePrincipals(value any) ([]string, error) {
	if name, ok := value.(string); ok {
		if name == "*" {
			return []string{"*"}, nil
		}
		value = map[string]any{"AWS": name}
	}
	kinds, err := elementsOf(value, "AWS", "Service", "Federated", "CanonicalUser")
	if err != nil {
		return nil, err
	}
	var principals []string
	for kind, member := range kinds {
		names, err := texts(member)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		for _, name := range names {
			principals = append(principals, kind+":"+name)
		}
	}
	if len(principals) == 0 {
		return nil, errEmptyList
	}
	return principals, nil
}

func parseConditions(value any) (Conditions, error) {
	operators, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("Condition: %s is not an object", kindOf(value))
	}
	conditions := Conditions{}
	for operator, member := range operators {
		keys, ok := member.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("Condition %s: %s is not an object", operator, kindOf(member))
		}
		for key, values := range keys {
			list, err := texts(values)
			if err != nil {
				return nil, fmt.Errorf("Condition %s of %s: %w", operator, key, err)
			}
			if conditions[operator] == nil {
				conditions[operator] = map[string][]string{}
			}
			conditions[operator][key] = set(list)
		}
	}
	if len(conditions) == 0 {
		return nil, nil
	}
	return conditions, nil
}

// texts reads a single value or a list of values that is not empty.
func texts(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(list) == 0 {
		return nil, errEmptyList
	}
	var out []string
	for _, item := range list {
		if item == nil {
			return nil, errors.New("null is not a text")
		}
		t, err := text(item)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// text reads a string; a number or a boolean is taken as written, null as "".
func text(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	default:
		return "", fmt.Errorf("%s is not a text", kindOf(value))
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	default:
		return fmt.Sprintf("%v", value)
	}
}
