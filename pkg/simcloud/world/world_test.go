package world

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func sample() *World {
	return &World{
		Seed: 7, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC),
		Accounts: []Account{{Account: posture.Account{Provider: "aws", ID: "111122223333"}, Regions: []string{"eu-west-1", "us-east-1"}, Size: 50}},
		Kinds: []Kind{
			{Name: "bucket", Global: true, Count: 4, Defects: []Defect{{Name: "open", Share: 0.2, Drift: 0.3}}},
			{Name: "settings", Count: 1, Fixed: true, Defects: []Defect{{Name: "off"}}},
		},
		Story: []Event{{Account: 0, Kind: "settings", Defect: "off", From: 10, To: 12}},
	}
}

func state(t *testing.T, w *World, tick int) *State {
	s, ok := w.State("111122223333", w.Start.Add(time.Duration(tick)*24*time.Hour+time.Minute))
	if !ok {
		t.Fatal("no such account")
	}
	return s
}

func TestWorld(t *testing.T) {
	w := sample()
	t.Run("the same tick is the same world", func(t *testing.T) {
		a, b := state(t, w, 40), state(t, sample(), 40)
		if diff := cmp.Diff(a.items, b.items, cmp.AllowUnexported(Item{})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("shares and drift are about as asked", func(t *testing.T) {
		open, moved := 0, 0
		for _, it := range state(t, w, 0).Items("bucket") {
			seen := map[bool]bool{}
			for tick := range 90 {
				if now := state(t, w, tick).Find("bucket", posture.Global, it.Index); now != nil {
					seen[now.Has("open")] = true
				}
			}
			if len(seen) == 2 {
				moved++
			} else if seen[true] {
				open++
			}
		}
		if open < 20 || open > 60 || moved < 25 || moved > 80 {
			t.Errorf("of 200 buckets %d are open for good and %d for a while", open, moved)
		}
	})
	t.Run("the story overrides, in the home region only", func(t *testing.T) {
		for tick, want := range map[int]bool{9: false, 10: true, 11: true, 12: false} {
			s := state(t, w, tick)
			if got := s.Find("settings", "eu-west-1", 0).Has("off"); got != want {
				t.Errorf("tick %d: off is %v", tick, got)
			}
			if s.Find("settings", "us-east-1", 0).Has("off") {
				t.Errorf("tick %d: off in the other region", tick)
			}
		}
	})
	t.Run("a renewed time is never older than asked and mostly stands still", func(t *testing.T) {
		changes := 0
		var before time.Time
		for tick := range 180 {
			s := state(t, w, tick)
			at := s.Since(s.Items("settings")[0], 60, "key")
			if age := s.Time().Sub(at); age < 0 || age > 61*24*time.Hour {
				t.Fatalf("tick %d: %v old", tick, age)
			}
			if !at.Equal(before) {
				changes++
			}
			before = at
		}
		if changes > 5 {
			t.Errorf("changed %d times in 180 ticks", changes)
		}
	})
}
