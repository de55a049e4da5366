package sample

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func population(n int) []Item {
	out := make([]Item, n)
	for i := range out {
		out[i] = Item{fmt.Sprintf("user-%03d", i), time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC)}
	}
	return out
}

func draw(t *testing.T, method Method, items []Item, n int, ids ...string) []Item {
	t.Helper()
	out, err := Draw(method, items, Seed("2026", "access", "abc"), n, ids)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The ranks were computed by another program: python3 -c 'hmac.new(sha256(b"2026|access|abc").digest(), id, "sha256")'.
func TestRandomIsWhatAnotherProgramDraws(t *testing.T) {
	seed := Seed("2026", "access", "abc")
	if got := hex.EncodeToString(seed[:]); got != "f75bb1161e9e9da86b659ddc06442fecf40fa7bac0b8b68287a5885b98be190a" {
		t.Errorf("seed %s", got)
	}
	var ids []string
	for _, item := range draw(t, Random, population(100), 5) {
		ids = append(ids, item.ID)
	}
	if diff := cmp.Diff([]string{"user-081", "user-048", "user-003", "user-027", "user-066"}, ids); diff != "" {
		t.Errorf("draw differs (-want +got):\n%s", diff)
	}
}

func TestALargerDrawExtendsTheSmaller(t *testing.T) {
	items := population(200)
	whole := draw(t, Random, items, 200)
	for n := 1; n <= 200; n++ {
		if got := draw(t, Random, items, n); !slices.Equal(got, whole[:n]) {
			t.Fatalf("a draw of %d is not the beginning of a larger one", n)
		}
	}
	slices.Reverse(items)
	if !slices.Equal(draw(t, Random, items, 200), whole) {
		t.Error("the order of the population matters")
	}
}

func TestStratifiedTakesOneOfEachRun(t *testing.T) {
	for _, n := range []int{1, 3, 7, 25, 100} {
		got := draw(t, Stratified, population(100), n)
		if len(got) != n {
			t.Fatalf("%d items, want %d", len(got), n)
		}
		for i, item := range got {
			hour := int(item.Time.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) / time.Hour)
			if hour < i*100/n || hour >= (i+1)*100/n {
				t.Errorf("of %d, item %d is of hour %d", n, i, hour)
			}
		}
	}
}

func TestDraw(t *testing.T) {
	items := population(10)
	if got := draw(t, All, items, 0); !slices.Equal(got, items) {
		t.Errorf("all: %v", got)
	}
	if got := draw(t, Chosen, items, 0, "user-007", "user-002"); len(got) != 2 || got[0].ID != "user-007" {
		t.Errorf("chosen: %v", got)
	}
	if got := draw(t, Random, items, 40); len(got) != 10 {
		t.Errorf("more than there are: %d", len(got))
	}
	if ParseSeed("hello") == ParseSeed("hallo") || ParseSeed("HELLO") == ParseSeed("hello") {
		t.Error("two seeds are one")
	}
	for name, test := range map[string]struct {
		method Method
		items  []Item
		n      int
		ids    []string
	}{
		"nobody":              {Random, items, 0, nil},
		"not there":           {Chosen, items, 0, []string{"nobody"}},
		"a method unknown":    {"best", items, 3, nil},
		"an item that is two": {Random, append(population(3), items[0]), 1, nil},
	} {
		if _, err := Draw(test.method, test.items, [32]byte{}, test.n, test.ids); !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
