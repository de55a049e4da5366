package iampolicy

import (
	"slices"
	"strings"
)

// FullAdmin reports whether an unconditioned Allow gives every action on every resource, or every action but some
// (NotAction) while IAM, STS and Organizations all stay open, and no unconditioned Deny takes everything back.
func (d Document) FullAdmin() bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return s.Effect == allow && s.unconditioned() && s.adminActions() && s.adminResources() &&
			!d.denied("*", "*")
	})
}

func (s Statement) adminActions() bool {
	if len(s.NotActions) == 0 {
		return slices.ContainsFunc(s.Actions, everyAction)
	}
	for _, service := range []string{"iam:*", "sts:*", "organizations:*"} {
		if anyCovers(s.NotActions, service) {
			return false
		}
	}
	return true
}

func (s Statement) adminResources() bool {
	return s.onEveryResource() && !anyCovers(s.NotResources, "arn:aws:iam::*:*")
}

// denied reports whether an unconditioned Deny covers the action pattern on the resource pattern.
func (d Document) denied(action, resource string) bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return s.Effect == deny && s.unconditioned() && s.coversAction(action) && s.coversResource(resource)
	})
}

// ServiceWildcards returns the service prefixes p for which an Allow, conditioned or not, has action p:* on every
// resource and no unconditioned Deny takes it back. The action "*" names no service and is FullAdmin's matter.
func (d Document) ServiceWildcards() []string {
	var services []string
	for _, action := range d.WildcardResourceActions() {
		service, rest, _ := strings.Cut(action, ":")
		if service != "" && !strings.ContainsAny(service, "*?") && wildcardOnly(rest) {
			services = append(services, service)
		}
	}
	return set(services)
}

// WildcardResourceActions returns the actions, wildcards kept, which an Allow, conditioned or not, grants on every
// resource and no unconditioned Deny takes back. An Allow by NotAction names no action and adds none.
func (d Document) WildcardResourceActions() []string {
	var actions []string
	for _, s := range d.Statements {
		if s.Effect != allow || !s.onEveryResource() {
			continue
		}
		for _, action := range s.Actions {
			if !d.denied(action, "*") {
				actions = append(actions, action)
			}
		}
	}
	return set(actions)
}
