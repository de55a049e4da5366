// Package rest knows the addresses of Google's REST methods: which method a request calls, from the paths of the discovery
// documents. It needs no SDK, so that the transport and the simulated cloud share it.
package rest

import (
	"net/url"
	"strings"
)

// Method is one REST method, from its discovery document.
type Method struct {
	ID   string // as the document names it: "storage.buckets.list"
	Host string // "storage.googleapis.com"
	Verb string // "GET"
	Path string // "/storage/v1/b/{bucket}/iam"; the last segment may end in a custom verb, "{resource}:getIamPolicy"
}

// Match returns the method that a request calls and what its path says. Methods with more fixed segments are preferred.
func Match(host, verb string, u *url.URL) (m Method, params map[string]string, ok bool) {
	segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	fixed := -1
	for _, candidate := range methods {
		if candidate.Verb != verb || candidate.Host != host {
			continue
		}
		if found, n, fits := candidate.match(segments); fits && n > fixed {
			m, params, ok, fixed = candidate, found, true, n
		}
	}
	return m, params, ok
}

// match compares segment by segment and counts the fixed ones.
func (m Method) match(segments []string) (params map[string]string, fixed int, ok bool) {
	pattern := strings.Split(strings.TrimPrefix(m.Path, "/"), "/")
	if len(pattern) != len(segments) {
		return nil, 0, false
	}
	params = map[string]string{}
	for i, p := range pattern {
		name, rest, variable := cutVariable(p)
		if !variable {
			if p != segments[i] {
				return nil, 0, false
			}
			fixed++
			continue
		}
		value, has := strings.CutSuffix(segments[i], rest)
		if !has || value == "" {
			return nil, 0, false
		}
		if rest != "" {
			fixed++
		}
		text, err := url.PathUnescape(value)
		if err != nil {
			return nil, 0, false
		}
		params[name] = text
	}
	return params, fixed, true
}

// cutVariable splits "{resource}:getIamPolicy" into its name and the custom verb with its colon.
func cutVariable(segment string) (name, rest string, ok bool) {
	inner, rest, found := strings.Cut(strings.TrimPrefix(segment, "{"), "}")
	return strings.TrimPrefix(inner, "+"), rest, found && strings.HasPrefix(segment, "{")
}

// Methods lists every method that a reader may call.
func Methods() []Method { return methods }
