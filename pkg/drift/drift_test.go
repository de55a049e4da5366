package drift

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var (
	bucket = posture.Key{Type: "aws.s3.bucket", Region: "global", ID: "logs"}
	start  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// types has one attribute that moves by itself.
var types = []*posture.Type{posture.NewType[struct {
	Used string `json:"used" volatile:"true"`
}]("aws.s3.bucket", nil)}

func version(attributes string) *ResourceVersion {
	return &ResourceVersion{JSON: []byte(`{"schema":1,"attributes":` + attributes + `,"unread":[]}`)}
}

// partly is a version in which what lies at path was not read.
func partly(attributes, path string) *ResourceVersion {
	return &ResourceVersion{JSON: []byte(`{"schema":1,"attributes":` + attributes + `,"unread":[{"path":"` + path + `","reason":"denied"}]}`)}
}

func stale(v *ResourceVersion) *ResourceVersion {
	return &ResourceVersion{JSON: v.JSON, Stale: true}
}

func diff(state posture.CellState, r ResourceDelta) Diff {
	r.Key = bucket
	return Diff{
		Before:    posture.Snapshot{Started: start},
		Cells:     []posture.Cell{{Type: bucket.Type, Region: bucket.Region, State: state}},
		Resources: []ResourceDelta{r},
	}
}

func TestResources(t *testing.T) {
	change := func(kind posture.ChangeKind, cause posture.DriftCause, fields ...posture.FieldChange) []posture.Change {
		return []posture.Change{{Kind: kind, Cause: cause, Resource: bucket, Fields: fields}}
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	off, on := version(`{"v":{"status":"off"}}`), version(`{"v":{"status":"on"}}`)
	unread := version(`{"v":{}}`)
	both, one, part := version(`{"v":{"list":["a","b"]}}`), version(`{"v":{"list":["a"]}}`), partly(`{"v":{"list":["a"]}}`, "v.list[]")
	for name, test := range map[string]struct {
		diff Diff
		want []posture.Change
	}{
		"a new resource in a cell that was read was added": {
			diff(posture.Complete, ResourceDelta{After: on}), change(posture.Added, posture.CauseConfiguration)},
		"a new resource in a cell that was not read may have been there": {
			diff(posture.Denied, ResourceDelta{After: on}), change(posture.Added, posture.CauseCoverage)},
		"unless the cloud says that it is younger": {
			diff(posture.Denied, ResourceDelta{After: version(`{"created_at":"2026-03-01T05:00:00Z"}`)}),
			change(posture.Added, posture.CauseConfiguration)},
		"a resource that is gone was removed": {
			diff(posture.Complete, ResourceDelta{Before: on}), change(posture.Removed, posture.CauseConfiguration)},
		"a nested value that differs is named by its path": {
			diff(posture.Complete, ResourceDelta{Before: off, After: on}),
			change(posture.Changed, posture.CauseConfiguration, posture.FieldChange{Path: "v.status", Before: raw(`"off"`), After: raw(`"on"`)})},
		"a value that is no longer read is coverage": {
			diff(posture.Complete, ResourceDelta{Before: off, After: unread}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "v.status", Before: raw(`"off"`), AfterUnread: true})},
		"a value that is read for the first time is coverage": {
			diff(posture.Complete, ResourceDelta{Before: unread, After: on}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "v.status", After: raw(`"on"`), BeforeUnread: true})},
		"a value that reads as it last did is coverage": {
			diff(posture.Complete, ResourceDelta{Before: unread, After: on, Earlier: [][]byte{unread.JSON, on.JSON, off.JSON}}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "v.status", Before: raw(`"on"`), After: raw(`"on"`), BeforeUnread: true})},
		"a value that reads other than it last did is configuration": {
			diff(posture.Complete, ResourceDelta{Before: unread, After: on, Earlier: [][]byte{unread.JSON, off.JSON, on.JSON}}),
			change(posture.Changed, posture.CauseConfiguration, posture.FieldChange{Path: "v.status", Before: raw(`"off"`), After: raw(`"on"`)})},
		"a list of which a part is no longer read is coverage": {
			diff(posture.Complete, ResourceDelta{Before: both, After: part}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "v.list", Before: raw(`["a","b"]`), AfterUnread: true})},
		"a list that is whole again and as it was is coverage": {
			diff(posture.Complete, ResourceDelta{Before: part, After: both, Earlier: [][]byte{part.JSON, both.JSON}}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "v.list", Before: raw(`["a","b"]`), After: raw(`["a","b"]`), BeforeUnread: true})},
		"a list that is whole again and lacks what it had is configuration": {
			diff(posture.Complete, ResourceDelta{Before: part, After: one, Earlier: [][]byte{part.JSON, both.JSON}}),
			change(posture.Changed, posture.CauseConfiguration, posture.FieldChange{Path: "v.list", Before: raw(`["a","b"]`), After: raw(`["a"]`)})},
		"an element of which an attribute is no longer read is coverage": {
			diff(posture.Complete, ResourceDelta{Before: version(`{"list":[{"id":"a","x":1}]}`), After: partly(`{"list":[{"id":"a"}]}`, "list[a].x")}),
			change(posture.Changed, posture.CauseCoverage, posture.FieldChange{Path: "list", Before: raw(`[{"id":"a","x":1}]`), AfterUnread: true})},
		"two parts of a list are no change": {
			diff(posture.Complete, ResourceDelta{Before: part, After: partly(`{"v":{"list":["b"]}}`, "v.list[]")}), nil},
		"an attribute that moves by itself is no change": {
			diff(posture.Complete, ResourceDelta{Before: version(`{"used":"a"}`), After: version(`{"used":"b"}`)}), nil},
		"beside one that does not it is left out": {
			diff(posture.Complete, ResourceDelta{Before: version(`{"used":"a","v":1}`), After: version(`{"used":"b","v":2}`)}),
			change(posture.Changed, posture.CauseConfiguration, posture.FieldChange{Path: "v", Before: raw(`1`), After: raw(`2`)})},
		"a resource that went unseen is coverage": {
			diff(posture.Complete, ResourceDelta{Before: on, After: stale(on)}), change(posture.Changed, posture.CauseCoverage)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Compare(test.diff, types)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("changes differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	judged := func(r posture.Result, version string) *posture.Verdict {
		return &posture.Verdict{Result: r, RuleVersion: version}
	}
	pass, fail, unknown := judged(posture.Pass, "1"), judged(posture.Fail, "1"), judged(posture.Unknown, "1")
	added := Diff{Cells: []posture.Cell{{Type: bucket.Type, Region: bucket.Region, State: posture.Complete}},
		Resources: []ResourceDelta{{Key: bucket, After: version(`{}`)}}}
	hidden := added
	hidden.Cells = nil
	cell := posture.Key{Type: bucket.Type, Region: bucket.Region}
	for name, test := range map[string]struct {
		in    Diff
		delta VerdictDelta
		want  posture.DriftCause
	}{
		"pass to fail is configuration":                      {Diff{}, VerdictDelta{Before: pass, After: fail, LastKnown: pass}, posture.CauseConfiguration},
		"another rule version is the ruleset":                {Diff{}, VerdictDelta{Before: pass, After: judged(posture.Fail, "2"), LastKnown: pass}, posture.CauseRuleset},
		"a rule that is new to the resource is the ruleset":  {Diff{}, VerdictDelta{After: fail}, posture.CauseRuleset},
		"a verdict that comes with its resource":             {added, VerdictDelta{After: fail}, posture.CauseConfiguration},
		"a verdict that comes with a resource unseen before": {hidden, VerdictDelta{After: fail}, posture.CauseCoverage},
		"pass to unknown is coverage":                        {Diff{}, VerdictDelta{Before: pass, After: unknown, LastKnown: pass}, posture.CauseCoverage},
		"unknown back to what it was is coverage":            {Diff{}, VerdictDelta{Before: unknown, After: pass, LastKnown: pass}, posture.CauseCoverage},
		"unknown to something else than before is a change":  {Diff{}, VerdictDelta{Before: unknown, After: fail, LastKnown: pass}, posture.CauseConfiguration},
		"unknown to the first known result is coverage":      {Diff{}, VerdictDelta{Before: unknown, After: fail}, posture.CauseCoverage},
		"a cell that could not be read is coverage":          {Diff{}, VerdictDelta{Resource: cell, After: unknown}, posture.CauseCoverage},
		"a cell that is read again is coverage":              {Diff{}, VerdictDelta{Resource: cell, Before: unknown}, posture.CauseCoverage},
	} {
		t.Run(name, func(t *testing.T) {
			if test.delta.Resource == (posture.Key{}) {
				test.delta.Resource = bucket
			}
			test.in.Verdicts = []VerdictDelta{test.delta}
			got, err := Compare(test.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			last := got[len(got)-1]
			if last.Kind != posture.Judgment || last.Cause != test.want {
				t.Errorf("got %+v, want cause %s", last, test.want)
			}
		})
	}
	t.Run("the same result again is no change", func(t *testing.T) {
		got, _ := Compare(Diff{Verdicts: []VerdictDelta{{Resource: bucket, Before: pass, After: judged(posture.Pass, "2")}}}, nil)
		if got != nil {
			t.Errorf("got %+v", got)
		}
	})
}
