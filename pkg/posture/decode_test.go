package posture

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type decoded struct {
	Meta
	Public bool              `json:"public"`
	Limits decodedLimits     `json:"limits"`
	Since  Opt[time.Time]    `json:"since"`
	Rules  []decodedRule     `json:"rules"`
	Labels map[string]string `json:"labels"`
}

type decodedLimits struct {
	Low  int      `json:"low"`
	High Opt[int] `json:"high"`
}

type decodedRule struct {
	ID   string `json:"id" key:"true"`
	Open bool   `json:"open"`
}

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	typ := NewType[decoded]("test.decoded", nil)
	denied := Cause{Reason: ReasonDenied, Operation: "Test.Get"}
	whole := decoded{
		Meta: Meta{Name: "a", Tags: map[string]string{"k": "v"}}, Public: true,
		Limits: decodedLimits{Low: 3, High: Some(9)}, Since: Some(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		Rules: []decodedRule{{"one", true}}, Labels: map[string]string{"x": "y"},
	}
	for name, test := range map[string]struct {
		unread     []Unread
		drop       string // an attribute that the stored document does not have yet
		want       func(*decoded)
		wantUnread []Unread
	}{
		"everything read":                  {nil, "", func(*decoded) {}, nil},
		"an unread part is no value":       {[]Unread{{"limits.high", denied}}, "", func(d *decoded) { d.Limits.High = Opt[int]{} }, []Unread{{"limits.high", denied}}},
		"an unread object is one gap":      {[]Unread{{"limits", denied}}, "", func(d *decoded) { d.Limits = decodedLimits{} }, []Unread{{"limits", denied}}},
		"an attribute of a later schema":   {nil, "public", func(d *decoded) { d.Public = false }, []Unread{{"public", Cause{Reason: ReasonNotCollected}}}},
		"an incomplete list keeps what it": {[]Unread{{"rules[]", denied}}, "", func(*decoded) {}, []Unread{{"rules[]", denied}}},
	} {
		t.Run(name, func(t *testing.T) {
			members := typ.Encode(&whole, test.unread)
			delete(members, test.drop)
			data, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			got, unread, err := typ.Decode(data, test.unread)
			if err != nil {
				t.Fatal(err)
			}
			want := whole
			test.want(&want)
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("attributes differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.wantUnread, unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, err := typ.Decode([]byte(`{"public":"yes"}`), nil); err == nil {
		t.Error("a value of the wrong kind was taken")
	}
}
