// Package drift says what changed between two snapshots of an account, and why. It does no I/O. Something that could not be
// read is not a change: unread turning into a value, or back, is coverage, unless the last value read differs.
package drift

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Compare lists the changes, resources first, each sorted by what it is about. Attributes that types call volatile move by
// themselves and are no change.
func Compare(d Diff, types []*posture.Type) ([]posture.Change, error) {
	var out []posture.Change
	volatile := map[string][]string{}
	for _, t := range types {
		volatile[t.Name] = t.VolatilePaths()
	}
	resources := map[posture.Key]posture.Change{}
	for _, r := range d.Resources {
		change, changed, err := resource(d, r, volatile[r.Type])
		if err != nil {
			return nil, err
		}
		if changed {
			out = append(out, change)
			resources[r.Key] = change
		}
	}
	for _, v := range d.Verdicts {
		if change, changed := verdict(v, resources); changed {
			out = append(out, change)
		}
	}
	slices.SortStableFunc(out, func(a, b posture.Change) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), a.Resource.Compare(b.Resource))
	})
	return out, nil
}

// Count counts changes by cause.
func Count(changes []posture.Change) map[posture.DriftCause]int {
	out := map[posture.DriftCause]int{
		posture.CauseConfiguration: 0, posture.CauseRuleset: 0, posture.CauseException: 0, posture.CauseCoverage: 0,
	}
	for _, c := range changes {
		out[c.Cause]++
	}
	return out
}

func resource(d Diff, r ResourceDelta, volatile []string) (posture.Change, bool, error) {
	change := posture.Change{Resource: r.Key, Cause: posture.CauseConfiguration}
	switch {
	case r.Before == nil:
		change.Kind = posture.Added
		if !wasRead(d.Cells, r.Key) && !createdSince(r.After.JSON, d.Before) || unlisted(r.After.JSON) {
			change.Cause = posture.CauseCoverage // it may have been there, unseen
		}
		return change, true, nil
	case r.After == nil:
		change.Kind = posture.Removed
		if unlisted(r.Before.JSON) {
			change.Cause = posture.CauseCoverage // the service itself never listed it
		}
		return change, true, nil
	}
	fields, err := fields(r)
	if err != nil {
		return change, false, fmt.Errorf("compare %s %s: %w", r.Type, r.ID, err)
	}
	moved := len(fields) > 0
	fields = slices.DeleteFunc(fields, func(f posture.FieldChange) bool { return slices.Contains(volatile, f.Path) })
	if moved && len(fields) == 0 && r.Before.Stale == r.After.Stale {
		return change, false, nil
	}
	change.Kind, change.Fields = posture.Changed, fields
	if len(fields) == 0 {
		// Only who is to blame for an unread value differs, or the resource went unseen, or came back as it was.
		change.Cause = posture.CauseCoverage
		return change, r.Before.Stale != r.After.Stale, nil
	}
	change.Cause = posture.CauseCoverage
	for _, f := range fields {
		if !f.BeforeUnread && !f.AfterUnread {
			change.Cause = posture.CauseConfiguration
		}
	}
	return change, true, nil
}

// wasRead reports whether the cell a resource lives in was read to the end.
func wasRead(cells []posture.Cell, key posture.Key) bool {
	c, ok := posture.IndexCells(cells).Of(key.Type, key.Region)
	return ok && (c.State == posture.Complete || c.State == posture.NotApplicable)
}

// unlisted reports whether only a second source had the resource.
func unlisted(document []byte) bool {
	var c content
	return bytes.Contains(document, []byte(posture.ReasonUnreconciled)) && json.Unmarshal(document, &c) == nil &&
		slices.ContainsFunc(c.Unread, func(u posture.Unread) bool { return u.Path == "name" && u.Reason == posture.ReasonUnreconciled })
}

// createdSince reports whether the cloud dates the resource after the start of snapshot s.
func createdSince(document []byte, s posture.Snapshot) bool {
	var content struct {
		Attributes posture.Meta `json:"attributes"`
	}
	if json.Unmarshal(document, &content) != nil {
		return false
	}
	at, known := content.Attributes.CreatedAt.Get()
	return known && at.After(s.Started)
}

// content is a content document, its values kept as they were written.
type content struct {
	Attributes map[string]json.RawMessage `json:"attributes"`
	Unread     []posture.Unread           `json:"unread"`
}

// incomplete reports whether only a part of the list at path was read: as a whole it is unread then.
func (c content) incomplete(path string) bool {
	return slices.ContainsFunc(c.Unread, func(u posture.Unread) bool { return strings.HasPrefix(u.Path, path+"[") })
}

func fields(r ResourceDelta) ([]posture.FieldChange, error) {
	var before, after content
	if err := json.Unmarshal(r.Before.JSON, &before); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(r.After.JSON, &after); err != nil {
		return nil, err
	}
	var out []posture.FieldChange
	compare("", before, after, &out)
	if len(out) == 0 {
		return nil, nil
	}
	// What was unread before is held against the last value read.
	for i, f := range out {
		if !f.BeforeUnread || f.AfterUnread {
			continue
		}
		if last, found := lastRead(r.Earlier, f.Path); found {
			out[i].Before = last
			if !bytes.Equal(last, f.After) {
				out[i].BeforeUnread = false
			}
		}
	}
	return out, nil
}

// inParts reports whether of some list only a part was read.
func (c content) inParts() bool {
	return slices.ContainsFunc(c.Unread, func(u posture.Unread) bool { return strings.Contains(u.Path, "[") })
}

// compare walks two sets of attributes. A member that one side lacks, or a list that it has only a part of, is unread there;
// objects are compared member by member, lists as a whole.
func compare(prefix string, before, after content, out *[]posture.FieldChange) {
	names := map[string]bool{}
	for name := range before.Attributes {
		names[name] = true
	}
	for name := range after.Attributes {
		names[name] = true
	}
	for _, name := range slices.Sorted(keys(names)) {
		path := prefix + name
		b, inBefore := before.read(name, path)
		a, inAfter := after.read(name, path)
		same := inBefore == inAfter && bytes.Equal(b, a)
		if same && (!before.inParts() && !after.inParts() || members(b) == nil) { // a list within equal objects may be whole in one alone
			continue
		}
		if objectB, objectA := members(b), members(a); objectB != nil && objectA != nil {
			compare(path+".", content{objectB, before.Unread}, content{objectA, after.Unread}, out)
			continue
		}
		*out = append(*out, posture.FieldChange{Path: path, Before: b, After: a, BeforeUnread: !inBefore, AfterUnread: !inAfter})
	}
}

// read returns a member, unless it is unread.
func (c content) read(name, path string) (json.RawMessage, bool) {
	value, found := c.Attributes[name]
	if !found || c.incomplete(path) {
		return nil, false
	}
	return value, true
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// members returns the members of a JSON object, nil for anything else.
func members(value json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if len(value) == 0 || value[0] != '{' || json.Unmarshal(value, &out) != nil {
		return nil
	}
	return out
}

// lastRead is the value of an attribute in the newest of the documents that hold one.
func lastRead(documents [][]byte, path string) (json.RawMessage, bool) {
	for _, document := range documents {
		var c content
		if json.Unmarshal(document, &c) != nil {
			continue
		}
		if value, found := at(c.Attributes, path); found && !c.incomplete(path) {
			return value, true
		}
	}
	return nil, false
}

func at(attributes map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	for name, value := range attributes {
		if name == path {
			return value, true
		}
		if len(path) > len(name) && path[:len(name)] == name && path[len(name)] == '.' {
			if inner := members(value); inner != nil {
				if v, found := at(inner, path[len(name)+1:]); found {
					return v, true
				}
			}
		}
	}
	return nil, false
}

// verdict says why a verdict differs. A rule that is new, gone or changed is the cause of whatever it changed. A verdict that
// comes or goes with its resource has that change's cause. Unknown on either side is coverage, unless the last known result
// differs from the one now known.
func verdict(v VerdictDelta, resources map[posture.Key]posture.Change) (posture.Change, bool) {
	change := posture.Change{Kind: posture.Judgment, Resource: v.Resource, RuleID: v.RuleID, Cause: posture.CauseConfiguration}
	if v.Before != nil {
		change.Before = v.Before.Result
	}
	if v.After != nil {
		change.After = v.After.Result
	}
	with, moved := resources[v.Resource]
	switch {
	case change.Before == change.After:
		return change, false
	case v.Resource.ID == "": // a cell that was not read, or is read again
		change.Cause = posture.CauseCoverage
	case v.Before != nil && v.After != nil && v.Before.RuleVersion != v.After.RuleVersion:
		change.Cause = posture.CauseRuleset
	case v.Before == nil || v.After == nil:
		change.Cause = posture.CauseRuleset
		if moved && with.Kind != posture.Changed {
			change.Cause = with.Cause
		}
	case change.After == posture.Unknown:
		change.Cause = posture.CauseCoverage
	case change.Before == posture.Unknown && (v.LastKnown == nil || v.LastKnown.Result == change.After):
		change.Cause = posture.CauseCoverage
	}
	return change, true
}
