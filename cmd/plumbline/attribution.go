package main

import (
	"context"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// drifted is a change of an account, and who made it as far as the cloud's log tells.
type drifted struct {
	Account string `json:"account"`
	posture.Change
	Attributions []store.Attributed `json:"attributions,omitempty"`
}

// attributed adds to the changes between two snapshots who made them: of several changes of one attribute, the last.
func attributed(ctx context.Context, db *store.Store, account string, from, to int64, changes []posture.Change) ([]drifted, error) {
	list, err := db.Attributions(ctx, account, from, to, db.Now())
	if err != nil {
		return nil, err
	}
	type name struct {
		posture.Key
		path string
	}
	last := map[name]store.Attributed{}
	for _, a := range list { // oldest first
		last[name{a.Resource, a.Path}] = a
	}
	out := []drifted{}
	for _, c := range changes {
		d := drifted{Account: account, Change: c}
		paths := []string{""}
		if c.Kind == posture.Changed {
			paths = nil
			for _, f := range c.Fields {
				paths = append(paths, f.Path)
			}
		}
		for _, path := range paths {
			if a, ok := last[name{c.Resource, path}]; ok && c.Cause == posture.CauseConfiguration && c.Kind != posture.Judgment {
				d.Attributions = append(d.Attributions, a)
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// by says for a table who made a change.
func (d drifted) by() string {
	var exact, candidates []string
	unread := false
	for _, a := range d.Attributions {
		for _, e := range a.Events {
			text := actorText(e.Actor) + " (" + e.Name + ", " + stamp(e.Time) + ")"
			if a.Confidence == attribution.Exact {
				exact = appendOnce(exact, text)
			} else {
				candidates = appendOnce(candidates, text)
			}
		}
		unread = unread || slices.Contains([]attribution.Reason{attribution.LogDenied, attribution.LogFailed, attribution.LogExpired, attribution.LogTooLong}, a.Reason)
	}
	switch {
	case len(exact) > 0:
		return strings.Join(exact, "; ")
	case len(candidates) == 1:
		return "perhaps " + candidates[0]
	case len(candidates) > 1:
		return "one of " + strings.Join(candidates, "; ")
	case unread:
		return "unknown: log not read"
	case len(d.Attributions) > 0:
		return "unknown"
	}
	return ""
}

// actorText names an actor, and the person behind where the log knows one.
func actorText(a attribution.Actor) string {
	text := a.Name
	if a.Person != "" && !strings.Contains(text, a.Person) {
		text = a.Person + " as " + text
	}
	if a.Via != "" {
		text += " via " + a.Via
	}
	return text
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
