package iampolicy

import (
	"regexp"
	"slices"
	"strings"
)

// covers reports whether every text that matches the second pattern matches the first: * stands for any run of
// characters, ? for one. It never says so wrongly, but may miss a containment that takes several wildcards to see.
func covers(pattern, other string) bool {
	p, o := 0, 0
	star, resume := -1, 0
	for o < len(other) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, o
			p++
		case p < len(pattern) && (pattern[p] == other[o] || pattern[p] == '?' && other[o] != '*'):
			p++
			o++
		case star >= 0:
			resume++
			p, o = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// intersects reports whether some text matches both patterns.
func intersects(a, b string) bool {
	next := make([]bool, len(b)+1) // next[j]: the rests of a after i and of b after j have a text in common
	for i := len(a); i >= 0; i-- {
		row := make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a) && j == len(b):
				row[j] = true
			case i < len(a) && a[i] == '*':
				row[j] = next[j] || j < len(b) && row[j+1]
			case j < len(b) && b[j] == '*':
				row[j] = row[j+1] || i < len(a) && next[j]
			case i < len(a) && j < len(b):
				row[j] = (a[i] == b[j] || a[i] == '?' || b[j] == '?') && next[j+1]
			}
		}
		next = row
	}
	return next[0]
}

func anyCovers(patterns []string, other string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, other) })
}

func anyIntersects(patterns []string, other string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return intersects(p, other) })
}

// coversAction reports whether the statement applies to every action the pattern stands for.
func (s Statement) coversAction(action string) bool {
	if len(s.NotActions) > 0 {
		return !anyIntersects(s.NotActions, action)
	}
	return anyCovers(s.Actions, action)
}

// actionsWithin returns the patterns, each within the family, for the statement's actions that touch the family.
func (s Statement) actionsWithin(family string) []string {
	if len(s.NotActions) > 0 {
		if anyCovers(s.NotActions, family) {
			return nil
		}
		return []string{family}
	}
	var within []string
	for _, action := range s.Actions {
		switch {
		case covers(action, family):
			within = append(within, family)
		case intersects(action, family):
			within = append(within, action)
		}
	}
	return set(within)
}

// coversResource reports whether the statement applies to every resource the pattern stands for.
func (s Statement) coversResource(resource string) bool {
	if len(s.NotResources) > 0 {
		return !anyIntersects(s.NotResources, resource)
	}
	return len(s.Resources) == 0 || anyCovers(s.Resources, resource)
}

// onEveryResource reports whether the statement applies to all resources, or to all but some.
func (s Statement) onEveryResource() bool {
	if len(s.NotResources) > 0 {
		return !everyResource(s.NotResources)
	}
	return len(s.Resources) == 0 || everyResource(s.Resources)
}

// everyResource reports whether one of the patterns stands for all resources: "*", or an ARN of wildcards only.
func everyResource(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		rest := strings.TrimPrefix(strings.TrimPrefix(p, "arn:"), "aws:")
		return strings.HasSuffix(rest, "*") && strings.Trim(rest, "*:") == ""
	})
}

// everyAction reports whether the pattern stands for all actions: "*" or "*:*".
func everyAction(pattern string) bool { return covers(pattern, "*:*") }

// everyone reports whether the principal is any caller, signed in or not.
func everyone(principal string) bool {
	name, isAWS := strings.CutPrefix(principal, "AWS:")
	if principal == "*" || isAWS && name != "" && strings.Trim(name, "*") == "" {
		return true
	}
	return isAWS && strings.ContainsAny(arnAccount(name), "*?")
}

// public reports whether the statement names everyone as principal. An Allow for everyone but some is public too.
func (s Statement) public() bool {
	if len(s.NotPrincipals) > 0 {
		return !slices.ContainsFunc(s.NotPrincipals, everyone)
	}
	return slices.ContainsFunc(s.Principals, everyone)
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// principalAccount returns the account id of an AWS principal, "" where it names none.
func principalAccount(principal string) string {
	name, isAWS := strings.CutPrefix(principal, "AWS:")
	if !isAWS {
		return ""
	}
	if accountID.MatchString(name) {
		return name
	}
	if account := arnAccount(name); accountID.MatchString(account) {
		return account
	}
	return ""
}

// arnAccount returns the account part of an ARN, "" where there is none.
func arnAccount(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[4]
}

// accountRoot reports whether the principal is a whole account: its id, or its root.
func accountRoot(principal string) bool {
	account := principalAccount(principal)
	return account != "" && (principal == "AWS:"+account || strings.HasSuffix(principal, "::"+account+":root"))
}
