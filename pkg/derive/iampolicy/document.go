// Package iampolicy reads IAM policy documents (identity, resource and trust policies) and answers what they allow.
//
// Source of the language: the IAM user guide, "JSON policy element reference" and "Policy evaluation logic".
// An analysis looks at one document alone: boundaries, session policies and organization policies are not known here.
package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Document is a policy document. The zero value is "no policy" and allows nothing.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one statement in plain, storable fields. Lists are sorted and hold no value twice.
type Statement struct {
	SID    string
	Effect string // "Allow" or "Deny"

	// Principals are "*" or carry their kind: "AWS:arn:…", "Service:ec2.amazonaws.com", "Federated:…",
	// "CanonicalUser:…". Both lists are empty in an identity policy.
	Principals    []string
	NotPrincipals []string

	Actions    []string // lower-cased, wildcards kept
	NotActions []string

	Resources    []string // both lists empty: whatever the policy is attached to
	NotResources []string

	ConditionsJSON string     // {operator: {key: [values]}} with sorted keys; "" when there is none
	Conditions     Conditions // the same, decoded
}

// Conditions maps an operator to condition keys to values, all spelled as in the document.
type Conditions map[string]map[string][]string

// Effects of a statement.
const (
	allow = "Allow"
	deny  = "Deny"
)

// Decode undoes the URL encoding (RFC 3986) in which IAM returns documents.
func Decode(encoded string) (string, error) {
	document, err := url.PathUnescape(encoded)
	if err != nil {
		return "", fmt.Errorf("decode policy document: %w", err)
	}
	return document, nil
}

// Parse reads a policy document. A blank text is "no policy". What IAM would refuse (an unknown element, a missing
// effect, an empty list) is an error, because a guess could turn a grant into nothing.
func Parse(text string) (Document, error) {
	if strings.TrimSpace(text) == "" {
		return Document{}, nil
	}
	value, err := decodeJSON(text)
	if err != nil {
		return Document{}, fmt.Errorf("parse policy document: %w", err)
	}
	document, err := parseDocument(value)
	if err != nil {
		return Document{}, fmt.Errorf("parse policy document: %w", err)
	}
	return document, nil
}

// New builds a document from stored statements. It brings lists and conditions into the form Parse gives and fills
// Conditions from ConditionsJSON. A statement without actions, or with unreadable conditions, is an error.
func New(statements []Statement) (Document, error) {
	var document Document
	for i, s := range statements {
		normal, err := s.normal()
		if err != nil {
			return Document{}, fmt.Errorf("statement %d: %w", i+1, err)
		}
		document.Statements = append(document.Statements, normal)
	}
	return document, nil
}

func (s Statement) normal() (Statement, error) {
	switch {
	case strings.EqualFold(s.Effect, allow):
		s.Effect = allow
	case strings.EqualFold(s.Effect, deny):
		s.Effect = deny
	default:
		return s, fmt.Errorf("effect %q is neither Allow nor Deny", s.Effect)
	}
	for _, pair := range []struct {
		name  string
		a, b  []string
		needs bool
	}{
		{"Principal", s.Principals, s.NotPrincipals, false},
		{"Action", s.Actions, s.NotActions, true},
		{"Resource", s.Resources, s.NotResources, false},
	} {
		if len(pair.a) > 0 && len(pair.b) > 0 {
			return s, fmt.Errorf("both %s and Not%s are given", pair.name, pair.name)
		}
		if pair.needs && len(pair.a)+len(pair.b) == 0 {
			return s, fmt.Errorf("neither %s nor Not%s is given", pair.name, pair.name)
		}
	}
	s.Principals, s.NotPrincipals = set(s.Principals), set(s.NotPrincipals)
	s.Actions, s.NotActions = set(lower(s.Actions)), set(lower(s.NotActions))
	s.Resources, s.NotResources = set(s.Resources), set(s.NotResources)
	s.Conditions = nil
	if strings.TrimSpace(s.ConditionsJSON) != "" {
		value, err := decodeJSON(s.ConditionsJSON)
		if err != nil {
			return s, fmt.Errorf("conditions: %w", err)
		}
		if s.Conditions, err = parseConditions(value); err != nil {
			return s, err
		}
	}
	s.ConditionsJSON = s.Conditions.canonical()
	return s, nil
}

// Canonical returns the document as JSON with every list spelled out and every key sorted; Parse reads it back.
func (d Document) Canonical() string {
	statements := []map[string]any{}
	for _, s := range d.Statements {
		statement := map[string]any{"Effect": s.Effect}
		if s.SID != "" {
			statement["Sid"] = s.SID
		}
		for name, list := range map[string][]string{
			"Action": s.Actions, "NotAction": s.NotActions, "Resource": s.Resources, "NotResource": s.NotResources,
		} {
			if len(list) > 0 {
				statement[name] = list
			}
		}
		for name, list := range map[string][]string{"Principal": s.Principals, "NotPrincipal": s.NotPrincipals} {
			if len(list) > 0 {
				statement[name] = principalElement(list)
			}
		}
		if len(s.Conditions) > 0 {
			statement["Condition"] = s.Conditions
		}
		statements = append(statements, statement)
	}
	document := map[string]any{"Statement": statements}
	if d.Version != "" {
		document["Version"] = d.Version
	}
	if d.ID != "" {
		document["Id"] = d.ID
	}
	return encodeJSON(document)
}

func principalElement(principals []string) any {
	if slices.Equal(principals, []string{"*"}) {
		return "*"
	}
	kinds := map[string][]string{}
	for _, p := range principals {
		kind, name, found := strings.Cut(p, ":")
		if !found {
			kind, name = "AWS", p
		}
		kinds[kind] = append(kinds[kind], name)
	}
	return kinds
}

func (c Conditions) canonical() string {
	if len(c) == 0 {
		return ""
	}
	return encodeJSON(c)
}

// encodeJSON writes maps with sorted keys, and <, > and & as themselves. Maps, lists and strings cannot fail.
func encodeJSON(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func lower(list []string) []string {
	var out []string
	for _, v := range list {
		out = append(out, strings.ToLower(v))
	}
	return out
}

// set sorts a copy of the list and drops repetitions; an empty list becomes nil.
func set(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

var errEmptyList = errors.New("the list is empty")
