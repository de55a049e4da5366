package alert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Message is what a receiver is told. Its texts come from clouds too: Clean has passed over them, and channels escape them.
type Message struct {
	Delivery string      `json:"delivery"`        // "D-12": the same when it is sent again
	Alert    string      `json:"alert,omitempty"` // "A-7": the same in all messages of an alert; empty for digests
	Key      string      `json:"key,omitempty"`   // Alert, told apart from that of other installations
	Kind     MessageKind `json:"kind"`
	Class    Class       `json:"class,omitempty"`
	Severity string      `json:"severity,omitempty"`
	Title    string      `json:"title"`
	Account  string      `json:"account,omitempty"`
	Rules    []string    `json:"rules,omitempty"`
	Controls []string    `json:"controls,omitempty"`
	Criteria []string    `json:"criteria,omitempty"`
	Cause    string      `json:"cause,omitempty"`
	Count    int         `json:"count,omitempty"`
	Examples []Example   `json:"examples,omitempty"`
	Lines    []string    `json:"lines,omitempty"` // more to say
	Began    time.Time   `json:"began_at,omitzero"`
	Ended    time.Time   `json:"ended_at,omitzero"`
	By       string      `json:"by,omitempty"` // who acknowledged
	URL      string      `json:"url,omitempty"`
	Sections []Section   `json:"sections,omitempty"` // of a digest
}

// Section is a part of a digest.
type Section struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

// MessageKind says what a message is for.
type MessageKind string

// The kinds of messages.
const (
	TellOpened       MessageKind = "opened"
	TellEscalated    MessageKind = "escalated"
	TellFlapping     MessageKind = "flapping"
	TellSettled      MessageKind = "settled"
	TellAcknowledged MessageKind = "acknowledged"
	TellResolved     MessageKind = "resolved"
	TellDigest       MessageKind = "digest"
	TellTest         MessageKind = "test"
)

const (
	maxExamples = 5
	maxText     = 300 // runes of one text
	maxNames    = 20  // rules, controls and criteria of a message, lines of a section
	maxLines    = 50  // whatever anybody hands in
)

// message tells of an alert as it is now.
func (a Alert) message(kind MessageKind) Message {
	m := Message{
		Kind: kind, Class: a.Class, Severity: a.Severity, Title: a.Title, Account: a.Account, Rules: first(a.Rules),
		Controls: first(a.Controls), Criteria: first(a.Criteria), Cause: string(a.Cause), Count: a.Count, Examples: a.Examples,
		Began: a.Opened, By: a.By,
	}
	m.Ended, _ = a.Resolved.Get()
	return m.Clean()
}

// first shortens a list that may be long.
func first(list []string) []string {
	if len(list) <= maxNames {
		return list
	}
	return append(slices.Clone(list[:maxNames]), fmt.Sprintf("and %d more", len(list)-maxNames))
}

// Headline is one line: "RESOLVED high: Log file validation is off on trail main (aws:111122223333)".
func (m Message) Headline() string {
	var b strings.Builder
	switch m.Kind {
	case TellOpened:
	case TellTest:
		b.WriteString("TEST, nothing happened: ")
	case TellDigest:
	default:
		b.WriteString(strings.ToUpper(string(m.Kind)) + ": ")
	}
	if m.Severity != "" && m.Kind != TellResolved {
		b.WriteString("[" + m.Severity + "] ")
	}
	b.WriteString(m.Title)
	if m.Account != "" {
		b.WriteString(" (" + m.Account + ")")
	}
	return b.String()
}

// Body is the rest, line by line.
func (m Message) Body() []string {
	var out []string
	switch m.Kind {
	case TellEscalated:
		out = append(out, "Nobody has acknowledged this alert.")
	case TellFlapping:
		out = append(out, "It keeps changing. Further changes are recorded, and told once it has been quiet.")
	case TellAcknowledged:
		out = append(out, "Acknowledged by "+m.By+".")
	case TellTest:
		out = append(out, "This message tests the way to this receiver.")
	}
	out = append(out, m.Lines...)
	if m.Kind != TellResolved {
		for _, e := range m.Examples {
			line := e.Resource.Type + " " + e.Resource.ID
			if e.Resource.ID == "" {
				line = "every " + e.Resource.Type
			}
			if e.Resource.Type == "" {
				line = ""
			}
			if e.Resource.Region != "" && e.Resource.Region != posture.Global {
				line += " in " + e.Resource.Region
			}
			if e.Note != "" {
				line = strings.TrimPrefix(line+": "+e.Note, ": ")
			}
			out = append(out, "- "+line)
		}
		if more := m.Count - len(m.Examples); more > 0 && len(m.Examples) > 0 {
			out = append(out, "- and "+strconv.Itoa(more)+" more")
		}
	}
	for _, f := range []struct {
		name   string
		values []string
	}{{"Rule", m.Rules}, {"Control", m.Controls}, {"Criteria", m.Criteria}} {
		if len(f.values) > 0 {
			out = append(out, f.name+": "+strings.Join(f.values, ", "))
		}
	}
	if m.Cause != "" {
		out = append(out, "Cause: "+m.Cause)
	}
	if !m.Began.IsZero() {
		out = append(out, "Began: "+m.Began.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if !m.Ended.IsZero() {
		out = append(out, "Ended: "+m.Ended.UTC().Format("2006-01-02 15:04 UTC"))
	}
	for _, s := range m.Sections {
		out = append(out, "", s.Title)
		for _, line := range s.Lines {
			out = append(out, "- "+line)
		}
	}
	return out
}

// Clean returns the message with every text short, on one line and without characters that change how others are shown.
func (m Message) Clean() Message {
	for _, s := range []*string{&m.Delivery, &m.Alert, &m.Key, &m.Severity, &m.Title, &m.Account, &m.Cause, &m.By} {
		*s = Clean(*s)
	}
	for _, list := range []*[]string{&m.Rules, &m.Controls, &m.Criteria, &m.Lines} {
		*list = cleanAll(*list)
	}
	m.Examples = slices.Clone(m.Examples[:min(len(m.Examples), maxExamples)])
	for i, e := range m.Examples {
		e.Resource = posture.Key{Type: Clean(e.Resource.Type), Region: Clean(e.Resource.Region), ID: Clean(e.Resource.ID)}
		e.Finding, e.Note = Clean(e.Finding), Clean(e.Note)
		m.Examples[i] = e
	}
	m.Sections = slices.Clone(m.Sections)
	for i, s := range m.Sections {
		m.Sections[i] = Section{Clean(s.Title), cleanAll(s.Lines)}
	}
	return m
}

func cleanAll(list []string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, min(len(list), maxLines))
	for i := range out {
		out[i] = Clean(list[i])
	}
	return out
}

// Clean returns text as one short line: what controls the direction or the terminal, is invisible or no character at all becomes
// a replacement character.
func Clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxText-1 {
			b.WriteRune('…')
			break
		}
		n++
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.In(r, unicode.Zl, unicode.Zp):
			r = ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String()
}

// TestMessage is one that says that it is a test of a route.
func TestMessage(s Settings, route string, now time.Time) Message {
	return Message{
		Delivery: fmt.Sprintf("T-%d", now.UnixNano()), Kind: TellTest, Class: Monitoring, Severity: "low", Title: "test of route " + route,
		Began: now.UTC().Truncate(time.Second), URL: s.URL,
	}.Clean()
}
