package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

type resourcesData struct {
	current  []posture.Snapshot
	account  string
	snapshot posture.Snapshot
	types    []string
	list     []posture.Content
	next     string
}

// resources lists the resources of an account.
func (p *Pages) resources(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Resources"
	ctx := r.Context()
	d := resourcesData{account: v.query.Get("account")}
	var err error
	if d.current, err = p.current(ctx, v); err != nil {
		return nil, err
	}
	if d.account == "" && len(d.current) > 0 {
		d.account = d.current[0].Account.String()
	}
	if d.account == "" {
		return resourcesPage(v, d), nil
	}
	if d.snapshot, err = p.snapshotOf(ctx, v, d.account, ""); err != nil {
		return nil, err
	}
	v.title = "Resources of " + brief(d.account)
	after, err := cursor(v)
	if err != nil {
		return nil, err
	}
	cells, err := p.Store.Cells(ctx, d.account, d.snapshot.Seq)
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		if len(d.types) == 0 || d.types[len(d.types)-1] != c.Type {
			d.types = append(d.types, c.Type)
		}
	}
	d.list, err = p.Store.Resources(ctx, d.account, d.snapshot.Seq, store.ResourceFilter{Type: v.query.Get("type"), After: after.Resource, Limit: rowsPerPage + 1})
	if len(d.list) > rowsPerPage {
		d.list = d.list[:rowsPerPage]
		d.next = mark(store.VerdictPosition{Resource: d.list[rowsPerPage-1].Key})
	}
	return resourcesPage(v, d), err
}

type resourceData struct {
	account  string
	key      posture.Key
	snapshot posture.Snapshot
	content  *posture.Content // nil when the snapshot does not hold it
	name     string
	typeDoc  string
	settings []setting
	verdicts []store.Judged
	versions []versionRow
	compare  *comparison
}

// versionRow is a time during which a resource was recorded unchanged, as known as of the page's time.
type versionRow struct {
	store.ResourceVersion
	lasts bool
	gap   bool // it was not there before it, since the version before ended earlier
}

// comparison is what differs between two versions of a resource.
type comparison struct {
	from, to store.ResourceVersion
	fields   []posture.FieldChange
	same     bool
}

func (p *Pages) resource(v *view, r *http.Request) (templ.Component, error) {
	ctx, q := r.Context(), v.query
	d := resourceData{account: q.Get("account"), key: posture.Key{Type: q.Get("type"), Region: q.Get("region"), ID: q.Get("id")}}
	if d.account == "" || d.key.Type == "" || d.key.ID == "" {
		return nil, fmt.Errorf("%w: the address of a resource names account, type, region and id", posture.ErrInvalid)
	}
	var err error
	if d.snapshot, err = p.snapshotOf(ctx, v, d.account, q.Get("seq")); err != nil {
		return nil, err
	}
	v.title = brief(d.key.ID)
	versions, err := p.Store.ResourceHistory(ctx, d.account, d.key)
	if err != nil {
		return nil, err
	}
	for _, n := range versions {
		if n.ValidFrom > d.snapshot.Seq {
			break
		}
		row := versionRow{ResourceVersion: n, lasts: n.ValidTo == 0 || n.ValidTo > d.snapshot.Seq}
		if last := len(d.versions) - 1; last >= 0 {
			row.gap = d.versions[last].ValidTo < n.ValidFrom
		}
		if row.lasts {
			d.content = &row.Content
		}
		d.versions = append(d.versions, row)
	}
	verdicts, err := p.Store.Verdicts(ctx, store.VerdictFilter{Account: d.account, Seq: d.snapshot.Seq, Type: d.key.Type, Region: d.key.Region, ID: d.key.ID})
	if err != nil {
		return nil, err
	}
	if d.verdicts = verdicts; len(d.versions) == 0 && len(verdicts) == 0 {
		return nil, posture.ErrNotFound
	}
	order := map[posture.Result]int{posture.Fail: 0, posture.Unknown: 1, posture.Pass: 2, posture.DoesNotApply: 3}
	slices.SortStableFunc(d.verdicts, func(a, b store.Judged) int { return order[a.Result] - order[b.Result] })
	shown := d.content
	if shown == nil && len(d.versions) > 0 {
		shown = &d.versions[len(d.versions)-1].Content // the last one known
	}
	if shown != nil {
		if d.settings, d.name, err = p.settings(*shown); err != nil {
			return nil, err
		}
	}
	for _, t := range p.Store.Types {
		if t.Name == d.key.Type {
			d.typeDoc, _, _ = strings.Cut(t.Doc, "Source:")
		}
	}
	slices.Reverse(d.versions)
	if q.Get("from") != "" || q.Get("to") != "" {
		if d.compare, err = p.compare(v, d, versions); err != nil {
			return nil, err
		}
	}
	return resourcePage(v, d), nil
}

// compare finds what differs between the versions of two snapshots.
func (p *Pages) compare(v *view, d resourceData, versions []store.ResourceVersion) (*comparison, error) {
	at := func(name string) (store.ResourceVersion, error) {
		n, err := strconv.ParseInt(v.query.Get(name), 10, 64)
		if err != nil || n < 1 || n > d.snapshot.Seq {
			return store.ResourceVersion{}, fmt.Errorf("%w: choose two snapshots to compare", posture.ErrInvalid)
		}
		for _, o := range versions {
			if o.ValidFrom <= n && (o.ValidTo == 0 || o.ValidTo > n) {
				return o, nil
			}
		}
		return store.ResourceVersion{}, fmt.Errorf("%w: snapshot %d does not hold the resource", posture.ErrInvalid, n)
	}
	var c comparison
	var err error
	if c.from, err = at("from"); err != nil {
		return nil, err
	}
	if c.to, err = at("to"); err != nil {
		return nil, err
	}
	if c.from.ValidFrom > c.to.ValidFrom {
		c.from, c.to = c.to, c.from
	}
	if c.same = c.from.Hash == c.to.Hash; c.same {
		return &c, nil
	}
	changes, err := drift.Compare(drift.Diff{Resources: []drift.ResourceDelta{{
		Key: d.key, Before: &drift.ResourceVersion{JSON: c.from.JSON}, After: &drift.ResourceVersion{JSON: c.to.JSON},
	}}}, p.Store.Types)
	for _, change := range changes {
		c.fields = append(c.fields, change.Fields...)
	}
	return &c, err
}

// setting is one attribute as the page shows it.
type setting struct {
	path  string
	depth int
	doc   string
	value string         // as JSON; empty when it only holds others
	state string         // value, absent, unread or group
	cause *posture.Cause // of what is unread
}

// settings are the attributes of a content in the schema's order, with what was not read in its place, and the name people use.
func (p *Pages) settings(c posture.Content) (list []setting, name string, err error) {
	var document struct {
		Attributes map[string]json.RawMessage `json:"attributes"`
		Unread     []posture.Unread           `json:"unread"`
	}
	if err := json.Unmarshal(c.JSON, &document); err != nil {
		return nil, "", fmt.Errorf("read content of %s: %w", c.Type, err)
	}
	w := walker{unread: map[string]posture.Cause{}, done: map[string]bool{}}
	for _, u := range document.Unread {
		w.unread[u.Path] = u.Cause
	}
	var of *posture.Struct
	for _, t := range p.Store.Types {
		if t.Name == c.Type {
			of = &t.Struct
		}
	}
	w.object("", 0, of, document.Attributes)
	for _, u := range document.Unread { // inside lists, or of an older schema
		if !w.done[u.Path] {
			w.list = append(w.list, setting{path: u.Path, state: "unread", cause: &u.Cause})
		}
	}
	_ = json.Unmarshal(document.Attributes["name"], &name)
	return w.list, name, nil
}

type walker struct {
	list   []setting
	unread map[string]posture.Cause
	done   map[string]bool
}

func (w *walker) object(prefix string, depth int, of *posture.Struct, attributes map[string]json.RawMessage) {
	var names []string
	if of != nil {
		for _, f := range of.Fields {
			names = append(names, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for path := range w.unread { // of nothing the schema knows
		if rest, ok := strings.CutPrefix(path, prefix); ok && !strings.ContainsAny(rest, ".[") && !slices.Contains(names, rest) {
			names = append(names, rest)
		}
	}
	for _, name := range names {
		var field posture.Field
		if of != nil {
			field, _ = of.Field(name)
		}
		path := prefix + name
		if cause, ok := w.unread[path]; ok {
			w.done[path] = true
			w.list = append(w.list, setting{path: path, depth: depth, doc: field.Doc, state: "unread", cause: &cause})
			continue
		}
		raw, ok := attributes[name]
		if !ok {
			w.list = append(w.list, setting{path: path, depth: depth, doc: field.Doc, state: "unread", cause: &posture.Cause{Reason: posture.ReasonNotCollected}})
			continue
		}
		w.value(setting{path: path, depth: depth, doc: field.Doc}, field.Of, raw)
	}
}

// value adds an attribute, and what it holds.
func (w *walker) value(s setting, of *posture.Struct, raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		s.state = "absent"
		w.list = append(w.list, s)
		return
	case raw[0] == '{':
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil {
			break
		}
		s.state, s.value = "group", several(len(inner), "entry")
		if s.depth > deepest {
			break
		}
		if len(inner) == 0 {
			s.state, s.value = "value", "{}"
			w.list = append(w.list, s)
			return
		}
		s.value = ""
		w.list = append(w.list, s)
		w.object(s.path+".", s.depth+1, of, inner)
		return
	case raw[0] == '[':
		var inner []json.RawMessage
		if json.Unmarshal(raw, &inner) != nil || s.depth > deepest || !slices.ContainsFunc(inner, func(r json.RawMessage) bool { return r[0] == '{' }) {
			break
		}
		s.state, s.value = "group", ""
		w.list = append(w.list, s)
		for i, one := range inner {
			w.value(setting{path: s.path + "[" + element(of, one, i) + "]", depth: s.depth + 1}, of, one)
		}
		return
	case raw[0] == '"':
		if json.Unmarshal(raw, &s.value) == nil {
			s.state = "value"
			w.list = append(w.list, s)
			return
		}
	}
	s.state, s.value = "value", string(raw)
	w.list = append(w.list, s)
}

// deepest is how far settings are taken apart; what lies deeper is shown as it is.
const deepest = 6

// element names an element of a list as unread paths do: by its key, or its place.
func element(of *posture.Struct, raw json.RawMessage, i int) string {
	var fields map[string]json.RawMessage
	if of != nil && json.Unmarshal(raw, &fields) == nil {
		for _, f := range of.Fields {
			if f.Key {
				var text string
				if json.Unmarshal(fields[f.Name], &text) == nil {
					return text
				}
				return string(fields[f.Name])
			}
		}
	}
	return strconv.Itoa(i)
}
