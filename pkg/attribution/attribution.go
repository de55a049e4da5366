// Package attribution says who made a change, as far as the clouds' own logs tell. It joins the changes between two snapshots to
// the events of the time in between. It does no I/O and never guesses: what one event of a log that was read whole explains is
// exact; everything else lists candidates, or is unknown with a reason.
package attribution

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Event is an entry of a cloud's log. What it did to which resources stays in memory only: requests may hold secrets.
type Event struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`   // "PutBucketPolicy"
	Source  string    `json:"source"` // the service: "s3.amazonaws.com"
	Time    time.Time `json:"time"`
	Region  string    `json:"region,omitempty"`
	Actor   Actor     `json:"actor"`
	Address string    `json:"address,omitempty"` // where the request came from; of services their name
	Client  string    `json:"client,omitempty"`  // the program, as it called itself

	// Reads change nothing, and neither does what was refused or failed.
	ReadOnly bool `json:"-"`
	Failed   bool `json:"-"`
	// Operation is what several entries of one act share; First and Last say whether it began or ended with this one.
	Operation   string `json:"-"`
	First, Last bool   `json:"-"`
	// Until is when such an act ended. Open: it is not known whether and when it did.
	Until time.Time `json:"-"`
	Open  bool      `json:"-"`
	// Effects are what the event's name is known to do. Without any, or where they do not tell, whatever it mentions may have been
	// changed by it.
	Effects  []Effect `json:"-"`
	Mentions []string `json:"-"` // of events that nothing is known of: every text that could name a resource
}

// Actor is who acted.
type Actor struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`         // for people: "alice", "deploy/alice@example.com", "config.amazonaws.com"
	ID   string `json:"id,omitempty"` // as the cloud names it, such as an ARN
	// Behind is the principal whose rights were used, where that is not the actor itself: the role of a session, the account that
	// impersonated another.
	Behind  string `json:"behind,omitempty"`
	Session string `json:"session,omitempty"`
	// Person is who the log says stood at the beginning of a chain of sessions.
	Person string `json:"person,omitempty"`
	Via    string `json:"via,omitempty"` // the service that made the request for the actor
}

// Kind says what an actor is.
type Kind string

// The kinds of actors.
const (
	User    Kind = "user"
	Session Kind = "session" // of a role
	Service Kind = "service" // of the cloud itself
	Machine Kind = "machine" // a service account, a managed identity, an application
	Root    Kind = "root"
	Other   Kind = "other"
)

// Effect is what an event did to one resource.
type Effect struct {
	Type string
	// ID is the resource's id. "~" in it stands for a path that the event does not tell, and an empty one for some resource of the
	// type that the event does not name in a way that could be told.
	ID  string
	Act Act
	// Fields are the attributes that were set, with all that is inside them. Every means any of them.
	Fields []string
	Every  bool
	// Values are what attributes were set to, as JSON, where the event says so in the same words.
	Values map[string]json.RawMessage
	Unsure bool // the event may have changed more than is known here
	Hidden bool // others may have done the same in ways that the log does not hold
}

// anyType is the type of effects on whatever resource has the id.
const anyType = "*"

// Act is the way an event changes a resource.
type Act int

// Puts make a resource or change it, whichever is due.
const (
	Sets Act = iota
	Creates
	Deletes
	Puts
)

// Interval is the time in which the changes happened: from the beginning of the older snapshot's scan to the end of the newer's.
type Interval struct {
	From, To time.Time
	// Earlier reports whether the value before the change was read by an older snapshot only, so that the change may have happened
	// before From. Nil: never.
	Earlier func(key posture.Key, path string) bool
	// Derived reports whether an attribute is computed from those of other resources, so that no event on this one tells who changed
	// it. Nil: never.
	Derived func(typeName, path string) bool
}

// Derived tells which attributes of the types are computed from others.
func Derived(types []*posture.Type) func(typeName, path string) bool {
	byName := map[string]*posture.Type{}
	for _, t := range types {
		byName[t.Name] = t
	}
	return func(typeName, path string) bool {
		first, _, _ := strings.Cut(path, ".")
		t := byName[typeName]
		if t == nil {
			return false
		}
		field, ok := t.Field(first)
		return ok && field.Derived
	}
}

// LogCoverage is what was read of a cloud's log.
type LogCoverage struct {
	Reads []LogRead
	// Behind is how old what the scans read may have been: what they took from an inventory of the cloud instead of the services.
	Behind time.Duration
}

// LogRead is what was read of the log of one region. Region "" is a log for all regions.
type LogRead struct {
	Region string        `json:"region"`
	Global bool          `json:"global"` // it holds the events of services without regions, too
	Prefix string        `json:"prefix"` // of the ids of the resources it is about; empty: all
	From   time.Time     `json:"from"`   // what was read whole
	To     time.Time     `json:"to"`
	ReadAt time.Time     `json:"read_at"`
	Delay  time.Duration `json:"delay"` // after which an event is in the log
	Window time.Duration `json:"window"`
	// Cause says why what was asked for was not read whole.
	Cause *posture.Cause `json:"cause,omitempty"`
}

// TooMany is the code of a cause that says that a log holds more events than are read at once.
const TooMany = "too_many_events"

// Confidence says how sure an attribution is.
type Confidence string

// The confidences.
const (
	Exact      Confidence = "exact"
	Candidates Confidence = "candidates"
	Unknown    Confidence = "unknown"
)

// Reason says why an attribution is not exact.
type Reason string

// The reasons.
const (
	NoEvent    Reason = "no_event"        // the log was read whole and holds none that explains the change
	NotKnown   Reason = "no_known_event"  // no event is known to make such a change; derived attributes follow those of others
	Several    Reason = "several_events"  // more than one may have made it
	Unclear    Reason = "effect_unclear"  // what the event does to this attribute is not known
	Unsettled  Reason = "log_not_settled" // events of the time may still arrive
	LogDenied  Reason = "log_denied"
	LogFailed  Reason = "log_failed"
	LogTooLong Reason = "log_too_long"  // more events than are read at once
	LogExpired Reason = "log_expired"   // the cloud no longer hands out events of the time
	Elsewhere  Reason = "log_elsewhere" // events on the resource are in a log that is not read
	Unseen     Reason = "before_unread" // the change may be older than the interval
)

// Attribution says who made one change: of an attribute, or of a whole resource that was added or removed (Path "").
type Attribution struct {
	Resource   posture.Key `json:"resource"`
	Path       string      `json:"path"`
	Confidence Confidence  `json:"confidence"`
	Reason     Reason      `json:"reason,omitempty"`
	Detail     string      `json:"detail,omitempty"` // of what could not be read
	Events     []Event     `json:"events,omitempty"` // oldest first
	// Settled: reading the log again would tell nothing new.
	Settled bool `json:"settled"`
}

// slack is by how much the clocks of scanner and cloud, and what a cloud answers after a change, may be apart.
const slack = 5 * time.Minute

// Margin is how long before the older of two snapshots the log has to be read.
const Margin = slack + reportAge

// maxCandidates bounds the events listed for one change.
const maxCandidates = 50

// Join says of every change of a configuration who made it. Changes of coverage, of rules and of verdicts have no actor.
func Join(changes []posture.Change, interval Interval, events []Event, log LogCoverage) []Attribution {
	j := newJoiner(events)
	var out []Attribution
	for _, c := range changes {
		if c.Cause != posture.CauseConfiguration {
			continue
		}
		switch c.Kind {
		case posture.Added, posture.Removed:
			out = append(out, j.attribute(c, posture.FieldChange{}, interval, log))
		case posture.Changed:
			for _, f := range c.Fields {
				if !f.BeforeUnread && !f.AfterUnread {
					out = append(out, j.attribute(c, f, interval, log))
				}
			}
		}
	}
	return out
}

// joiner finds the events that concern a resource.
type joiner struct {
	events []Event
	byType map[string][]int // events with effects on the type
	byName map[string][]int // events that mention something of that name, in small letters
}

func newJoiner(events []Event) *joiner {
	j := &joiner{byType: map[string][]int{}, byName: map[string][]int{}}
	seen := map[string]bool{}
	for _, e := range together(events) {
		if e.ReadOnly || e.Failed || e.ID != "" && seen[e.ID] { // logs deliver at least once
			continue
		}
		seen[e.ID] = true
		j.events = append(j.events, e)
	}
	slices.SortStableFunc(j.events, func(a, b Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	for i, e := range j.events {
		for _, effect := range e.Effects {
			note(j.byType, effect.Type, i)
		}
		for _, mention := range e.Mentions {
			note(j.byName, lastPart(mention), i)
		}
	}
	return j
}

// together makes one event of the entries that tell of one act: when it began, when it ended, and whether it failed.
func together(events []Event) []Event {
	var out []Event
	at := map[string]int{}
	for _, e := range events {
		if e.Operation == "" || e.First && e.Last {
			out = append(out, e)
			continue
		}
		i, found := at[e.Operation]
		if !found {
			at[e.Operation] = len(out)
			e.Open = e.First
			out = append(out, e)
			continue
		}
		one := out[i]
		if e.First || !one.First && e.Time.Before(one.Time) { // what was asked for stands in the first
			one, e = e, one
		}
		one.Failed = one.Failed || e.Failed
		one.Last = one.Last || e.Last
		one.Open = one.First && !one.Last
		for _, t := range []time.Time{e.Time, e.Until} {
			if t.After(one.Time) && t.After(one.Until) {
				one.Until = t
			}
		}
		out[i] = one
	}
	return out
}

// note adds event i to a list of an index, once.
func note(index map[string][]int, key string, i int) {
	if list := index[key]; len(list) == 0 || list[len(list)-1] != i {
		index[key] = append(list, i)
	}
}

// lastPart is what a resource's id ends in, in small letters: its name, where it is an ARN or a path.
func lastPart(id string) string { return strings.ToLower(id[strings.LastIndexAny(id, "/:")+1:]) }

func (j *joiner) attribute(c posture.Change, f posture.FieldChange, interval Interval, log LogCoverage) Attribution {
	a := Attribution{Resource: c.Resource, Path: f.Path, Confidence: Unknown}
	if interval.Earlier != nil && interval.Earlier(c.Resource, f.Path) {
		a.Reason, a.Settled = Unseen, true
		return a
	}
	if interval.Derived != nil && f.Path != "" && interval.Derived(c.Resource.Type, f.Path) {
		a.Reason, a.Settled = NotKnown, true
		return a
	}
	from, to := interval.From.Add(-slack-lag(c.Resource.Type, f.Path)-log.Behind), interval.To.Add(slack)
	sure, unsure := j.matching(c, f, from, to)
	gap := log.gap(c.Resource, from, interval.To)
	a.Reason, a.Detail, a.Settled = gap.reason, gap.detail, slices.Contains([]Reason{"", LogExpired, LogTooLong, Elsewhere}, gap.reason)
	for _, i := range slices.Sorted(slices.Values(slices.Concat(sure, unsure))) {
		if len(a.Events) < maxCandidates {
			a.Events = append(a.Events, j.events[i])
		}
	}
	switch {
	case len(sure) == 1 && len(unsure) == 0 && gap.reason == "":
		a.Confidence = Exact
	case len(a.Events) > 0:
		a.Confidence = Candidates
		if a.Reason == "" {
			a.Reason = Several
			if len(a.Events) == 1 {
				a.Reason = Unclear
			}
		}
	case a.Reason == "" && !explainable(c, f):
		a.Reason = NotKnown
	case a.Reason == "":
		a.Reason = NoEvent
	}
	return a
}

// matching returns the events that made the change, as far as is known of them, and those that may have.
func (j *joiner) matching(c posture.Change, f posture.FieldChange, from, to time.Time) (sure, unsure []int) {
	for _, i := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(j.byType[c.Resource.Type], j.byType[anyType])))) {
		e := j.events[i]
		if !e.within(from, to) {
			continue
		}
		best := no
		for _, effect := range e.Effects {
			if effect.Type == c.Resource.Type || effect.Type == anyType {
				best = max(best, effect.explains(c, f))
			}
		}
		if e.Open {
			best = min(best, maybe)
		}
		switch best {
		case yes:
			sure = append(sure, i)
		case maybe:
			unsure = append(unsure, i)
		}
	}
	for _, i := range j.byName[lastPart(c.Resource.ID)] {
		e := j.events[i]
		if e.within(from, to) && e.mentions(c.Resource) {
			unsure = append(unsure, i)
		}
	}
	return sure, unsure
}

// within reports whether some of the act may have been done in from..to.
func (e Event) within(from, to time.Time) bool {
	return !e.Time.After(to) && (e.Open || !e.Time.Before(from) || !e.Until.Before(from))
}

// match says whether an effect explains a change.
type match int

const (
	no match = iota
	maybe
	yes
)

func (e Effect) explains(c posture.Change, f posture.FieldChange) match {
	switch {
	case e.ID == "" || e.Hidden && sameID(e.ID, c.Resource.ID): // of which resource it does not say, or whether it was alone
		return min(e.fits(c, f), maybe)
	case !sameID(e.ID, c.Resource.ID):
		return no
	}
	return e.fits(c, f)
}

// fits says whether the effect would explain the change if it were on the same resource.
func (e Effect) fits(c posture.Change, f posture.FieldChange) match {
	switch {
	case c.Kind == posture.Added && (e.Act == Creates || e.Act == Puts), c.Kind == posture.Removed && e.Act == Deletes:
		return yes
	case c.Kind != posture.Changed:
		return no
	case e.Act == Creates || e.Act == Deletes:
		return maybe // the resource was there before and after: somebody made it anew in between
	case e.Every || slices.ContainsFunc(e.Fields, func(field string) bool { return covers(field, f.Path) }):
		if set, told := e.Values[f.Path]; told && !bytes.Equal(set, f.After) {
			return maybe // it set something else, and so is not the whole story
		}
		return yes
	case e.Unsure:
		return maybe
	}
	return no
}

// covers reports whether setting field sets the attribute at path, or a part of it.
func covers(field, path string) bool {
	return field == path || strings.HasPrefix(path, field+".") || strings.HasPrefix(field, path+".")
}

// sameID reports whether an id, in which "~" may stand for a path, is that of the resource. Letters after a path may differ in
// case: that is how IAM compares names.
func sameID(pattern, id string) bool {
	before, after, open := strings.Cut(pattern, "~")
	if !open {
		return pattern == id
	}
	rest, ok := strings.CutPrefix(id, before)
	if !ok || len(rest) < len(after) {
		return false
	}
	path, name := rest[:len(rest)-len(after)], rest[len(rest)-len(after):]
	return strings.EqualFold(name, after) && (path == "" || strings.HasSuffix(path, "/"))
}

// mentions reports whether the event names the resource: by its id, or by the last part of it where the event is of the same
// service.
func (e Event) mentions(key posture.Key) bool {
	name := lastPart(key.ID)
	same := name != "" && strings.HasPrefix(key.Type, serviceOf(e.Source)+".")
	return slices.ContainsFunc(e.Mentions, func(m string) bool {
		return strings.EqualFold(m, key.ID) || same && lastPart(m) == name && !strings.HasPrefix(m, "/") // Azure's are whole ids
	})
}

// tables are what the events of the clouds are known to do.
var tables = []map[string][]known{cloudTrail, auditLog, activityLog}

// explainable reports whether some event is known to make such a change.
func explainable(c posture.Change, f posture.FieldChange) bool {
	for _, table := range tables {
		for _, list := range table {
			for _, k := range list {
				e := Effect{Type: k.on, Act: k.act, Fields: k.fields, Every: k.every}
				for _, fields := range k.params {
					e.Fields = append(slices.Clip(e.Fields), strings.Fields(fields)...)
				}
				if !k.hidden && (k.on == c.Resource.Type || k.on == anyType && strings.HasPrefix(c.Resource.Type, "azure.")) && e.fits(c, f) == yes {
					return true
				}
			}
		}
	}
	return false
}

// gap is why a log does not tell all of a time.
type gap struct {
	reason Reason
	detail string
}

// gap returns why the log of the time from..to, as far as it holds events on the resource, was not read whole.
func (l LogCoverage) gap(key posture.Key, from, to time.Time) gap {
	worst := gap{reason: Elsewhere}
	if len(l.Reads) == 0 {
		worst = gap{reason: LogFailed, detail: "the log was not read"}
	}
	found := false
	for _, r := range l.Reads {
		if !r.holds(key) {
			continue
		}
		if g := r.gap(from, to); !found || rank(g.reason) > rank(worst.reason) {
			worst, found = g, true
		}
	}
	return worst
}

// holds reports whether events on the resource may stand in this log.
func (r LogRead) holds(key posture.Key) bool {
	switch {
	case !strings.HasPrefix(key.ID, r.Prefix):
		return false
	case r.Region == "" || r.Region == key.Region:
		return true
	case key.Region != posture.Global && key.Region != "":
		return false
	case strings.HasPrefix(key.Type, "aws.iam."):
		return r.Global
	}
	return true // the service is reached in every region
}

func (r LogRead) gap(from, to time.Time) gap {
	switch {
	case r.From.IsZero() || r.From.After(from) || r.To.Before(to):
		if r.Window > 0 && r.ReadAt.Sub(from) > r.Window {
			return gap{LogExpired, ""}
		}
		if r.Cause != nil && r.Cause.Reason == posture.ReasonDenied {
			return gap{LogDenied, r.Cause.String()}
		}
		if r.Cause != nil && r.Cause.Code == TooMany {
			return gap{LogTooLong, r.Cause.String()}
		}
		if r.Cause != nil {
			return gap{LogFailed, r.Cause.String()}
		}
		return gap{LogFailed, "the log was read for another time"}
	case r.ReadAt.Before(to.Add(r.Delay)):
		return gap{Unsettled, ""}
	}
	return gap{}
}

// rank orders reasons: what lasts longest hides what passes.
func rank(r Reason) int {
	return slices.Index([]Reason{"", Unsettled, LogTooLong, LogFailed, LogDenied, LogExpired, Elsewhere}, r)
}

// Supersedes reports whether a later attribution of the same change is worth keeping in place of an earlier one. What is exact
// stays so, unless more events came to light.
func (a Attribution) Supersedes(earlier Attribution) bool {
	if earlier.Confidence == Exact && len(a.Events) <= len(earlier.Events) {
		return false
	}
	if a.Confidence == Unknown && earlier.Confidence == Candidates {
		return false // the log has become shorter, not wiser
	}
	return a.Confidence != earlier.Confidence || a.Reason != earlier.Reason || a.Settled != earlier.Settled || !slices.EqualFunc(a.Events, earlier.Events, func(x, y Event) bool { return x.ID == y.ID })
}
