package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Plan says what transitions, in their order, do to the alerts of an account. open are its alerts that are not resolved, oldest
// first; flips are the transitions within the damping window by Subject. Every event of a finding ends up in exactly one alert's
// history; what is none, and changes nothing, in none.
func Plan(s Settings, account string, transitions []Transition, open []Alert, flips map[string]int, now time.Time) []Change {
	p := planner{Settings: s, account: account, now: now, flips: maps.Clone(flips)}
	if p.flips == nil {
		p.flips = map[string]int{}
	}
	for _, a := range open {
		p.drafts = append(p.drafts, newDraft(a))
	}
	for _, t := range transitions {
		p.take(t)
	}
	return p.finish()
}

// Subject names the member of a class in Plan's flips.
func Subject(class Class, member string) string { return string(class) + " " + member }

type planner struct {
	Settings
	account string
	now     time.Time
	flips   map[string]int
	drafts  []*draft
}

// draft is an alert that is being changed.
type draft struct {
	Alert
	entries  []Entry
	accounts []string // concerned, for routing
	tags     []map[string]string
	titled   bool     // the transitions gave the title
	flaps    []string // what began to flap
	settled  []string // what ceased to
	late     bool     // only what was over before it was told
	messages []Delivery
}

func newDraft(a Alert) *draft {
	a.Members = maps.Clone(a.Members)
	if a.Members == nil {
		a.Members = map[string]Standing{}
	}
	a.Told, a.Examples = slices.Clone(a.Told), slices.Clone(a.Examples)
	return &draft{Alert: a, titled: true}
}

// take puts one transition into an alert.
func (p *planner) take(t Transition) {
	d := p.holding(t)
	if t.Finding == "" && (d == nil && !t.Began || d != nil && d.Members[t.Member].Stands == t.Began) {
		return // it does not stand as far as anybody was told, or it does already
	}
	subject := Subject(t.Class, t.Member)
	p.flips[subject]++
	flapping := p.Damping.Flips > 0 && p.flips[subject] > p.Damping.Flips && !t.Late
	kind, m := Ended, Standing{Stands: t.Began && !t.Late, Since: p.now}
	if t.Began {
		kind = Began
	}
	switch {
	case d != nil && d.Members[t.Member].Held:
		kind, m.Held = Damped, true
	case flapping:
		if d == nil {
			d = p.group(t, "flapping "+t.Group)
		}
		d.flaps = append(d.flaps, t.name())
		kind, m.Held = Damped, true
	case d == nil && t.Began && !t.Late:
		d = p.group(t, t.Group)
	case d == nil: // it ended, or was over before it was told
		d = p.group(t, strings.TrimSpace(fmt.Sprintf("%s %s %s", t.What, t.At.UTC().Format(time.RFC3339), strings.Join(t.Rules, " "))))
		d.late = true
	}
	d.Members[t.Member] = m
	d.entries = append(d.entries, Entry{
		At: p.now, Kind: kind, Member: t.Member, Finding: t.Finding, Event: t.Event, Stands: m.Stands, Note: t.What,
	})
}

// holding returns the alert in which a member stands or is held back.
func (p *planner) holding(t Transition) *draft {
	if t.Late {
		return nil
	}
	for _, d := range p.drafts {
		if m := d.Members[t.Member]; d.Class == t.Class && (m.Stands || m.Held) {
			return d
		}
	}
	return nil
}

// group returns the standing alert of a cause, which may be a new one.
func (p *planner) group(t Transition, name string) *draft {
	for _, d := range p.drafts {
		if d.Class == t.Class && d.Group == name {
			if d.ID == 0 {
				p.add(d, t)
			}
			return d
		}
	}
	d := newDraft(Alert{Account: p.account, Class: t.Class, Group: name, Title: t.Title, Cause: t.Cause, Opened: p.now})
	d.titled = t.Title != ""
	p.drafts = append(p.drafts, d)
	p.add(d, t)
	return d
}

// add describes one more member of a new alert.
func (p *planner) add(d *draft, t Transition) {
	p.judge(&d.Alert, t.Rules...)
	d.Severity = worse(d.Severity, t.Severity)
	d.Count += t.Count
	for _, e := range t.Examples[:min(len(t.Examples), maxExamples-len(d.Examples))] {
		e.Resource = posture.Key{Type: Clean(e.Resource.Type), Region: Clean(e.Resource.Region), ID: Clean(e.Resource.ID)}
		e.Note = Clean(e.Note)
		d.Examples = append(d.Examples, e)
	}
	if t.Account != "" {
		d.accounts = union(d.accounts, []string{t.Account})
	}
	if len(t.Tags) > 0 {
		d.tags = append(d.tags, t.Tags)
	}
}

// finish decides what is told.
func (p *planner) finish() []Change {
	var out []Change
	for _, d := range p.drafts {
		if len(d.entries) == 0 {
			continue
		}
		if d.ID == 0 {
			p.open(d)
		}
		if len(d.flaps) > 0 {
			p.tell(d, TellFlapping, d.Told, first(d.flaps)...)
		}
		if d.over() {
			d.Resolved = posture.Some(p.now)
			d.entries = append(d.entries, Entry{At: p.now, Kind: Resolved})
			p.tell(d, TellResolved, d.Told)
		} else if len(d.settled) > 0 {
			p.tell(d, TellSettled, d.Told, first(d.settled)...)
		}
		out = append(out, Change{Alert: d.Alert, Entries: d.entries, Deliveries: d.messages})
	}
	return out
}

// open gives a new alert its title and its receivers, and tells them. What was over before it was told is only recorded.
func (p *planner) open(d *draft) {
	if !d.titled {
		d.Title = p.title(d.Alert)
	}
	if d.Title == firstScan {
		d.Title = fmt.Sprintf("%s found %d failing, by %d rules", firstScan, d.Count, len(d.Rules))
	}
	d.Title, d.Count = Clean(d.Title), max(d.Count, len(d.Members))
	d.entries = slices.Insert(d.entries, 0, Entry{At: p.now, Kind: Opened, Note: d.Title})
	if d.late {
		return
	}
	var receivers []string
	d.Routes, receivers = p.route(d.Alert, d.accounts, d.tags)
	if len(d.flaps) > 0 {
		d.Told = receivers
		return
	}
	p.tell(d, TellOpened, receivers)
}

// title is "Log file validation is off on main", or "… on 400 resources".
func (p *planner) title(a Alert) string {
	message := p.message(a.Rules[0])
	switch {
	case a.Count > 1:
		return fmt.Sprintf("%s, on %d resources", message, a.Count)
	case len(a.Examples) > 0 && a.Examples[0].Resource.ID != "":
		return fmt.Sprintf("%s, on %s", message, a.Examples[0].Resource.ID)
	}
	return message
}

// tell makes one message for each receiver.
func (p *planner) tell(d *draft, kind MessageKind, receivers []string, lines ...string) {
	m := d.message(kind)
	m.Lines = cleanAll(lines)
	for _, r := range receivers {
		d.messages = append(d.messages, Delivery{Account: p.account, Alert: d.ID, Receiver: r, Created: p.now, Message: m})
	}
	d.Told = union(d.Told, receivers)
}

// Acknowledge stops an alert's escalation. It is told where acknowledgements mean something: to PagerDuty and webhooks.
func Acknowledge(s Settings, a Alert, by, note string, now time.Time) (Change, error) {
	switch a.Status() {
	case "resolved":
		return Change{}, fmt.Errorf("%w: alert %d is resolved", posture.ErrInvalid, a.ID)
	case "acknowledged":
		return Change{}, fmt.Errorf("%w: alert %d was acknowledged by %s", posture.ErrInvalid, a.ID, a.By)
	}
	p := planner{Settings: s, account: a.Account, now: now}
	d := newDraft(a)
	d.Acknowledged, d.By = posture.Some(now), by
	d.entries = []Entry{{At: now, Kind: Acknowledged, By: by, Note: note}}
	for _, r := range s.Receivers {
		if slices.Contains(a.Told, r.Name) && (r.PagerDuty != nil || r.Webhook != nil) {
			p.tell(d, TellAcknowledged, []string{r.Name})
		}
	}
	return Change{Alert: d.Alert, Entries: d.entries, Deliveries: d.messages}, nil
}

// Tick says what time alone does to open alerts: what was held back and has been quiet for the window counts as it stands now, and
// what nobody acknowledged is told to further receivers.
func Tick(s Settings, account string, open []Alert, now time.Time) []Change {
	p := planner{Settings: s, account: account, now: now}
	for _, a := range open {
		d := newDraft(a)
		p.drafts = append(p.drafts, d)
		p.settle(d)
		p.escalate(d)
	}
	return p.finish()
}

func (p *planner) settle(d *draft) {
	for _, member := range slices.Sorted(maps.Keys(d.Members)) {
		m := d.Members[member]
		if !m.Held || p.now.Sub(m.Since) < p.Damping.Window {
			continue
		}
		d.Members[member] = Standing{Stands: m.Stands, Since: p.now}
		state := "stands"
		if !m.Stands {
			state = "has ended"
		}
		d.settled = append(d.settled, member+" "+state)
		d.entries = append(d.entries, Entry{At: p.now, Kind: Settled, Member: member, Stands: m.Stands})
	}
}

func (p *planner) escalate(d *draft) {
	if d.Status() != "open" || d.over() || len(d.settled) > 0 || len(d.Told) == 0 || d.Class != Findings && d.Class != Monitoring {
		return
	}
	for i, step := range p.steps(p.now) {
		if len(step.Severities) > 0 && !slices.Contains(step.Severities, d.Severity) || d.Opened.After(step.Before) || slices.Contains(d.Escalated, step.Name) {
			continue
		}
		d.Escalated = append(d.Escalated, step.Name)
		d.entries = append(d.entries, Entry{At: p.now, Kind: Escalated, Note: step.Name})
		p.tell(d, TellEscalated, p.Settings.Escalate[i].Receivers)
	}
}

// Step is a step of escalation as it is due.
type Step struct {
	Name       string    // of the step in the history of an alert: taken once
	Before     time.Time // it concerns alerts opened until then
	Severities []string  // empty: all
}

// steps are the configured ones, in their order.
func (s Settings) steps(now time.Time) []Step {
	out := make([]Step, len(s.Escalate))
	for i, e := range s.Escalate {
		out[i] = Step{e.After.String() + " " + strings.Join(e.Receivers, ", "), now.Add(-e.After), e.Severities}
	}
	return out
}
