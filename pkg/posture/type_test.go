package posture

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Meta
	On       bool           `json:"on"`
	Limit    Opt[int64]     `json:"limit"`
	At       Opt[time.Time] `json:"at"`
	Settings settings       `json:"settings"`
	Parts    []part         `json:"parts"`
	Joined   string         `json:"joined" derived:"true"`
}

type settings struct {
	Mode string   `json:"mode"`
	List []string `json:"list"`
}

type part struct {
	Name  string `json:"name" key:"true"`
	Ready bool   `json:"ready"`
}

func TestEncode(t *testing.T) {
	kind := NewType[sample]("test.sample", nil)
	value := sample{
		Meta: Meta{Name: "one", Tags: map[string]string{"a": "b"}}, On: true, Limit: Some[int64](0), At: Some(time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))),
		Settings: settings{Mode: "x"}, Parts: []part{{"a.b]", true}, {"c", false}},
	}
	whole := map[string]any{
		"name": "one", "tags": map[string]any{"a": "b"}, "created_at": nil, "on": true, "limit": int64(0), "at": "2026-03-01T12:00:00Z", "joined": "",
		"settings": map[string]any{"mode": "x", "list": []any{}},
		"parts":    []any{map[string]any{"name": "a.b]", "ready": true}, map[string]any{"name": "c", "ready": false}},
	}
	without := func(change func(map[string]any)) map[string]any {
		copied := kind.Encode(value, nil)
		change(copied)
		return copied
	}
	for name, test := range map[string]struct {
		unread []string
		want   map[string]any
	}{
		"absent is null, and zero is zero":            {nil, whole},
		"an unread attribute is left out":             {[]string{"on"}, without(func(m map[string]any) { delete(m, "on") })},
		"an unread object is left out whole":          {[]string{"settings"}, without(func(m map[string]any) { delete(m, "settings") })},
		"one member of an object is left out":         {[]string{"settings.mode"}, without(func(m map[string]any) { delete(m["settings"].(map[string]any), "mode") })},
		"one element's member is left out by its key": {[]string{"parts[a.b]].ready"}, without(func(m map[string]any) { delete(m["parts"].([]any)[0].(map[string]any), "ready") })},
		"an incomplete list keeps what was seen":      {[]string{"parts[]"}, whole},
		"what does not exist removes nothing":         {[]string{"nothing", "parts[z].ready", "settings.nothing"}, whole},
	} {
		t.Run(name, func(t *testing.T) {
			var unread []Unread
			for _, path := range test.unread {
				unread = append(unread, Unread{Path: path})
			}
			if diff := cmp.Diff(test.want, kind.Encode(&value, unread)); diff != "" {
				t.Errorf("attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewTypeKnowsItsFields(t *testing.T) {
	kind := NewType[sample]("test.sample", map[string]string{"": "A sample.", "settings.mode": "how"})
	limit, _ := kind.Field("limit")
	joined, _ := kind.Field("joined")
	nested, _ := kind.Field("settings")
	mode, _ := nested.Of.Field("mode")
	if !limit.Optional || limit.Kind != Int || !joined.Derived || nested.Kind != Object || mode.Doc != "how" || kind.Doc != "A sample." {
		t.Errorf("limit %+v, joined %+v, mode %+v", limit, joined, mode)
	}
	if !kind.Is(sample{}) || !kind.Is(&sample{}) || kind.Is(part{}) {
		t.Error("Is does not tell the type's struct from others")
	}
}
