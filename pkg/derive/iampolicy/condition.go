package iampolicy

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// condition is one key under one operator. All conditions of a statement must hold; one of the values is enough.
type condition struct {
	quantifier string // "", "forallvalues" or "foranyvalue"
	operator   string // lower-cased, without quantifier and IfExists
	ifExists   bool
	key        string // lower-cased
	values     []string
}

func (s Statement) conditions() []condition {
	var list []condition
	for operator, keys := range s.Conditions {
		name := strings.ToLower(operator)
		quantifier, base, found := strings.Cut(name, ":")
		if !found {
			quantifier, base = "", name
		}
		base, ifExists := strings.CutSuffix(base, "ifexists")
		for key, values := range keys {
			list = append(list, condition{quantifier, base, ifExists, strings.ToLower(key), values})
		}
	}
	slices.SortFunc(list, func(a, b condition) int {
		return cmp.Or(cmp.Compare(a.operator, b.operator), cmp.Compare(a.key, b.key))
	})
	return list
}

// unconditioned reports whether no condition narrows the statement. One that every value satisfies does not narrow an
// Allow; it does narrow a Deny, which requests without the key escape.
func (s Statement) unconditioned() bool {
	return !slices.ContainsFunc(s.conditions(), func(c condition) bool { return s.Effect == deny || !c.vacuous() })
}

// fixes reports whether the statement only applies when one of the keys has one of certain fixed values.
func (s Statement) fixes(keys ...string) bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool { return c.fixes(keys) })
}

// fixes: an operator with IfExists, or ForAllValues, also holds when the key is absent, and so fixes nothing.
func (c condition) fixes(keys []string) bool {
	if c.ifExists || c.quantifier == "forallvalues" || !c.about(keys) {
		return false
	}
	switch c.operator {
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress":
		return c.allFixed()
	case "bool":
		return c.all("true")
	}
	return false
}

// spares reports whether a Deny under this condition alone leaves only callers with one of certain fixed values of one
// of the keys. Negated operators also hold when the key is absent, except under ForAnyValue.
func (c condition) spares(keys []string) bool {
	switch c.operator {
	case "stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress":
		return c.about(keys) && c.quantifier != "foranyvalue" && c.allFixed()
	case "bool":
		if c.key == "aws:principalisawsservice" { // in every request
			return c.all("false")
		}
		return c.about(keys) && c.ifExists && c.all("false")
	}
	return false
}

// vacuous reports whether every value satisfies the condition.
func (c condition) vacuous() bool {
	switch c.operator {
	case "stringlike", "arnlike", "arnequals":
		return slices.ContainsFunc(c.values, wildcardOnly)
	case "ipaddress":
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.HasSuffix(v, "/0") })
	}
	return false
}

func (c condition) about(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, c.key) })
}

func (c condition) all(value string) bool {
	return !slices.ContainsFunc(c.values, func(v string) bool { return !strings.EqualFold(v, value) })
}

func (c condition) allFixed() bool {
	return !slices.ContainsFunc(c.values, func(v string) bool { return !c.fixed(v) })
}

func wildcardOnly(value string) bool { return value != "" && strings.Trim(value, "*") == "" }

// policyVariable finds ${…}, apart from the escapes ${*}, ${?} and ${$}.
var policyVariable = regexp.MustCompile(`\$\{[^*?$}][^}]*\}`)

// ownedVariables are filled from the resource, not by the caller.
var ownedVariables = regexp.MustCompile(`(?i)\$\{aws:Resource(Account|OrgID|OrgPaths)\}`)

// fixed reports whether the value pins the key to an owner: an id without wildcards, an ARN whose account (for a
// bucket: whose name) has none, an address range no broader than /8 or, for IPv6, /32. Those widths are where S3 too
// calls a policy public.
func (c condition) fixed(value string) bool {
	value = ownedVariables.ReplaceAllString(value, "owner")
	if value == "" || policyVariable.MatchString(value) {
		return false
	}
	if c.operator == "ipaddress" || c.operator == "notipaddress" {
		return narrowRange(value)
	}
	if !strings.ContainsAny(value, "*?") {
		return true
	}
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		owner := parts[4]
		if owner == "" && parts[2] == "s3" {
			owner, _, _ = strings.Cut(parts[5], "/")
		}
		return owner != "" && !strings.ContainsAny(owner, "*?")
	}
	head, _, path := strings.Cut(value, "/") // o-example/r-example/*
	return path && !strings.ContainsAny(head, "*?")
}

func narrowRange(value string) bool {
	if _, err := netip.ParseAddr(value); err == nil {
		return true
	}
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		return false
	}
	if prefix.Addr().Is4() {
		return prefix.Bits() >= 8
	}
	return prefix.Bits() >= 32
}
