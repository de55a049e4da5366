package derive

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// disk is what the tests join; snapshots is the list that they derive.
type disk struct {
	Owner     string     `json:"owner"`
	Hosts     []string   `json:"hosts"`
	Size      int64      `json:"size"`
	Snapshots []snapshot `json:"snapshots" derived:"true"`
}

type snapshot struct {
	ID   string `json:"id" key:"true"`
	Size int64  `json:"size"`
}

var diskType = posture.NewType[disk]("test.disk", nil)

func refusal(operation string) posture.Cause {
	return posture.Cause{Reason: posture.ReasonDenied, Operation: operation}
}

// cell is one of disks: complete, or refused when a listing is named.
func cell(region string, refused ...string) posture.Cell {
	c := posture.Cell{Type: diskType.Name, Region: region, State: posture.Complete}
	for _, operation := range refused {
		cause := refusal(operation)
		c.State, c.Cause = posture.Denied, &cause
	}
	return c
}

// in is a disk of a region; unread names what could not be read of it.
func in(region, id string, d disk, unread ...string) *posture.Resource {
	r := &posture.Resource{Key: posture.Key{Type: diskType.Name, Region: region, ID: id}, Attributes: &d}
	for _, path := range unread {
		r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: refusal("read " + path)})
	}
	return r
}

func disks(cells []posture.Cell, resources ...*posture.Resource) List[disk] {
	return Of[disk](New(posture.Account{}, time.Time{}, nil, cells, resources), diskType)
}

// operations names the calls that causes blame; not_collected has none.
func operations(causes []posture.Cause) []string {
	var out []string
	for _, c := range causes {
		out = append(out, c.Operation)
		if c.Operation == "" {
			out[len(out)-1] = string(c.Reason)
		}
	}
	return out
}

func TestGapsLieInTheirRegion(t *testing.T) {
	notApplicable := cell("north", "opt in")
	notApplicable.State = posture.NotApplicable
	for name, test := range map[string]struct {
		cells       []posture.Cell
		north, both []string // the gaps in region north, and across regions
	}{
		"a region read to the end lacks nothing that is missing elsewhere": {
			[]posture.Cell{cell("north"), cell("south", "list south")}, nil, []string{"list south"}},
		"a refused region lacks what it may hold": {
			[]posture.Cell{cell("north", "list north"), cell("south")}, []string{"list north"}, []string{"list north"}},
		"a region that is not applicable lacks nothing": {
			[]posture.Cell{notApplicable, cell("south")}, nil, nil},
		"the cell of everywhere speaks for a region without its own": {
			[]posture.Cell{cell("south"), cell(posture.Everywhere, "list regions")}, []string{"list regions"}, []string{"list regions"}},
		"and not for one that has its own": {
			[]posture.Cell{cell("north"), cell(posture.Everywhere, "list regions")}, nil, []string{"list regions"}},
		"a region without any cell was read by nobody": {
			[]posture.Cell{cell("south")}, []string{"not_collected"}, nil},
		"a type without any cell was read by nobody": {
			nil, []string{"not_collected"}, []string{"not_collected"}},
		"a type read once for the account is read in every region": {
			[]posture.Cell{cell(posture.Global)}, nil, nil},
		"and refused in every region": {
			[]posture.Cell{cell(posture.Global, "list all")}, []string{"list all"}, []string{"list all"}},
		"what a region has of its own does not make up for the account's": {
			[]posture.Cell{cell("north"), cell(posture.Global, "list all")}, []string{"list all"}, []string{"list all"}},
	} {
		t.Run(name, func(t *testing.T) {
			list := disks(test.cells)
			if diff := cmp.Diff(test.north, operations(list.In("north").Gaps)); diff != "" {
				t.Errorf("gaps in the region differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.north, operations(list.In("north").In("north").Gaps)); diff != "" {
				t.Errorf("narrowed twice they differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.both, operations(list.Gaps)); diff != "" {
				t.Errorf("gaps across regions differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnUnreadKeyIsAGapOfItsRegion(t *testing.T) {
	key := func(i Item[disk]) string { return i.V.Owner }
	for name, test := range map[string]struct {
		cells        []posture.Cell
		unread       string // the region of a disk whose owner is unread
		north, south []string
	}{
		"where the item is": {
			[]posture.Cell{cell("north"), cell("south")}, "south", nil, []string{"read owner"}},
		"beside what its region lacks already": {
			[]posture.Cell{cell("north"), cell("south", "list south")}, "south", nil, []string{"list south", "read owner"}},
		"beside what everywhere lacks": {
			[]posture.Cell{cell(posture.Everywhere, "list regions")}, "south", []string{"list regions"}, []string{"list regions", "read owner"}},
		"beside what nobody read": {
			[]posture.Cell{cell("north")}, "south", nil, []string{"read owner", "not_collected"}},
		"in every region when the item is the account's": {
			[]posture.Cell{cell(posture.Global)}, posture.Global, []string{"read owner"}, []string{"read owner"}},
	} {
		t.Run(name, func(t *testing.T) {
			index := ByRead(disks(test.cells, in(test.unread, "d-1", disk{Owner: "me"}, "owner")), "owner", key)
			if found := index.All("me").Items; len(found) > 0 {
				t.Errorf("an unread owner finds %v", found)
			}
			for region, want := range map[string][]string{"north": test.north, "south": test.south} {
				if diff := cmp.Diff(want, operations(index.All("me").In(region).Gaps)); diff != "" {
					t.Errorf("gaps in the %s differ (-want +got):\n%s", region, diff)
				}
			}
		})
	}
}

func TestIndexFindsByRegion(t *testing.T) {
	all := []posture.Cell{cell("north"), cell("south")}
	list := disks(all,
		in("north", "d-1", disk{Hosts: []string{"a", "b", "a"}}), in("south", "d-2", disk{Hosts: []string{"a"}}),
		in(posture.Global, "d-3", disk{Hosts: []string{"a"}}), in("north", "d-4", disk{Hosts: []string{"a"}}, "hosts"))
	index := ByEach(list, "hosts", func(i Item[disk]) []string { return i.V.Hosts })
	ids := func(l List[disk]) (out []string) {
		for _, i := range l.Items {
			out = append(out, i.ID)
		}
		return out
	}
	for name, test := range map[string]struct {
		found List[disk]
		want  []string
	}{
		"every item with the key, each once":  {index.All("a"), []string{"d-1", "d-2", "d-3"}},
		"those of a region and the account's": {index.All("a").In("north"), []string{"d-1", "d-3"}},
		"by a second key":                     {index.All("b"), []string{"d-1"}},
		"none by another":                     {index.All("c"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ids(test.found)); diff != "" {
				t.Errorf("items differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamed(t *testing.T) {
	size := func(i Item[disk]) Val[int64] { return Read(i, "size", i.V.Size) }
	for name, test := range map[string]struct {
		list   List[disk]
		want   int64
		causes []string
	}{
		"a resource that was listed":               {disks([]posture.Cell{cell("north", "list north")}, in("north", "d-1", disk{Size: 7})), 7, nil},
		"its value may be unread":                  {disks([]posture.Cell{cell("north")}, in("north", "d-1", disk{Size: 7}, "size")), 0, []string{"read size"}},
		"one in a list that was refused":           {disks([]posture.Cell{cell("north", "list north")}), 0, []string{"list north"}},
		"one that a list read to the end has not":  {disks([]posture.Cell{cell("north")}), 0, []string{"list disks"}},
		"one in a region where nobody looked":      {disks([]posture.Cell{cell("south")}).In("north"), 0, []string{"not_collected"}},
		"one in a region read beside refused ones": {disks([]posture.Cell{cell("north"), cell("south", "list south")}).In("north"), 0, []string{"list disks"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Named(test.list, "list disks", size)
			if v, _ := got.Get(); v != test.want || !slices.Equal(operations(got.Causes()), test.causes) {
				t.Errorf("got %d, unread for %v; want %d, unread for %v", v, got.Causes(), test.want, test.causes)
			}
		})
	}
}

func isMine(i Item[disk]) Val[bool] {
	return Map(Read(i, "owner", i.V.Owner), func(o string) bool { return o == "me" })
}

// gather collects the sizes of the disks that are mine.
func gather(l List[disk]) Elements[int64] {
	return Gather(l, func(i Item[disk]) (Val[int64], Val[bool]) { return Read(i, "size", i.V.Size), isMine(i) })
}

func TestElements(t *testing.T) {
	read, refused := []posture.Cell{cell("north")}, []posture.Cell{cell("north", "list north")}
	mine, other := in("north", "d-1", disk{Owner: "me", Size: 9}), in("north", "d-2", disk{Owner: "you", Size: 9})
	unread := func(paths ...string) *posture.Resource {
		return in("north", "d-3", disk{Owner: "me", Size: 9}, paths...)
	}
	for name, test := range map[string]struct {
		list  List[disk]
		any   any // whether an element of 9 is among them
		count any
	}{
		"a known element in a whole list":           {disks(read, mine, other), true, int64(1)},
		"no element in a whole list":                {disks(read, other), false, int64(0)},
		"a known element in a list that lacks some": {disks(refused, mine), true, "unread"},
		"none found in a list that lacks some":      {disks(refused, other), "unread", "unread"},
		"an element whose value is unread":          {disks(read, unread("size")), "unread", int64(1)},
		"an element that may not be one":            {disks(read, unread("owner")), "unread", "unread"},
		"a known one beside one that is unread":     {disks(read, mine, unread("size", "owner")), true, "unread"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := answer(gather(test.list).Any(func(size int64) bool { return size == 9 })); got != test.any {
				t.Errorf("any is %v, want %v", got, test.any)
			}
			if got := answer(Count(test.list, isMine)); got != test.count {
				t.Errorf("count is %v, want %v", got, test.count)
			}
		})
	}
}

func answer[V any](v Val[V]) any {
	if value, known := v.Get(); known {
		return value
	}
	return "unread"
}

// TestSetList looks at what is stored of a derived list, and at what a later step reads of it.
func TestSetList(t *testing.T) {
	small, lost := snapshot{"s-1", 1}, []posture.Cause{refusal("b"), refusal("a"), refusal("b")}
	for name, test := range map[string]struct {
		list   Elements[snapshot]
		stored any      // what the list's attribute encodes to, nil when it is left out
		unread []string // path and operation
		read   bool     // a later step may look at it
	}{
		"a whole list is stored": {
			Elements[snapshot]{Known: []snapshot{small}}, []any{map[string]any{"id": "s-1", "size": int64(1)}}, nil, true},
		"a list known to be empty is stored": {
			Elements[snapshot]{}, []any{}, nil, true},
		"a list that lacks elements keeps those known, and says so": {
			Elements[snapshot]{Known: []snapshot{small}, Missing: lost}, []any{map[string]any{"id": "s-1", "size": int64(1)}},
			[]string{"snapshots[] a", "snapshots[] b"}, false},
		"a list of which nothing is known is unread": {
			Elements[snapshot]{Known: []snapshot{}, Missing: lost}, nil, []string{"snapshots a", "snapshots b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := in("north", "d-1", disk{})
			inv := New(posture.Account{}, time.Time{}, nil, nil, []*posture.Resource{r})
			item := Item[disk]{r, r.Attributes.(*disk)}
			SetList(item, "snapshots", &item.V.Snapshots, test.list)
			Finish(inv, []*posture.Type{diskType})

			if diff := cmp.Diff(test.stored, diskType.Encode(r.Attributes, r.Unread)["snapshots"]); diff != "" {
				t.Errorf("what is stored differs (-want +got):\n%s", diff)
			}
			var unread []string
			for _, u := range r.Unread {
				unread = append(unread, u.Path+" "+u.Operation)
			}
			if diff := cmp.Diff(test.unread, unread); diff != "" {
				t.Errorf("unread paths differ (-want +got):\n%s", diff)
			}
			if _, read := Read(item, "snapshots", item.V.Snapshots).Get(); read != test.read {
				t.Errorf("read by a later step: %v, want %v", read, test.read)
			}
		})
	}
}

func TestFinishMarksWhatNobodySet(t *testing.T) {
	r := in("north", "d-1", disk{})
	Finish(New(posture.Account{}, time.Time{}, nil, nil, []*posture.Resource{r}), []*posture.Type{diskType})
	want := []posture.Unread{{Path: "snapshots", Cause: posture.Cause{Reason: posture.ReasonNotCollected}}}
	if diff := cmp.Diff(want, r.Unread); diff != "" {
		t.Errorf("unread differs (-want +got):\n%s", diff)
	}
}
