package finding

import (
	"fmt"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// MaxAttachment bounds what can be attached to a control, in bytes.
const MaxAttachment = 25 << 20

// Slot is something that people have to attach to a control, once or for every week, month, quarter or year.
type Slot struct {
	Control   string `json:"control"`
	Name      string `json:"name"`
	Owner     string `json:"owner,omitempty"`
	Frequency string `json:"frequency"` // once, weekly, monthly, quarterly, yearly
	Due       int    `json:"due_days"`  // days after the end of the period
}

// Attachment is a file that somebody attached to a slot.
type Attachment struct {
	ID       int64     `json:"id"`
	Control  string    `json:"control"`
	Slot     string    `json:"slot"`
	From     time.Time `json:"period_from"` // the period it is about, as stated
	To       time.Time `json:"period_to"`   // exclusive
	Name     string    `json:"name"`
	Media    string    `json:"media_type"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"` // hex
	Uploader string    `json:"uploader"`
	Uploaded time.Time `json:"uploaded_at"` // by the server's clock
	Reviews  []Review  `json:"reviews"`
}

// Review is what another person said of an attachment. Reviews are only added; the newest counts.
type Review struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Accepted bool      `json:"accepted"` // otherwise returned
	Reason   string    `json:"reason,omitempty"`
}

// Check says what an attachment lacks.
func (a Attachment) Check() error {
	problem := ""
	switch {
	case a.Control == "" || a.Slot == "":
		problem = "say to which control and slot it belongs"
	case a.Name == "":
		problem = "it has no name"
	case a.Size == 0:
		problem = "it is empty"
	case a.Size > MaxAttachment:
		problem = fmt.Sprintf("it is larger than %d MB", MaxAttachment>>20)
	case a.From.IsZero() || !a.To.After(a.From):
		problem = "state the period it is about: its first day and the day after its last"
	}
	if problem != "" {
		return fmt.Errorf("%w: attachment %q: %s", posture.ErrInvalid, a.Name, problem)
	}
	return nil
}

// Review adds a review, or says why this person cannot review so.
func (a Attachment) Review(accepted bool, by access.Actor, reason string, at time.Time) (Attachment, error) {
	problem := ""
	switch {
	case by.Person() == a.Uploader: // with a token of theirs, too
		problem = by.Person() + " attached it: another person has to review it"
	case !accepted && reason == "":
		problem = "say why it is returned"
	case a.Accepted():
		problem = "it is accepted already"
	}
	if problem != "" {
		return a, fmt.Errorf("%w: attachment %d: %s", posture.ErrInvalid, a.ID, problem)
	}
	a.Reviews = append(a.Reviews[:len(a.Reviews):len(a.Reviews)], Review{at, by.Person(), accepted, reason})
	return a, nil
}

// Accepted reports whether its newest review accepted it.
func (a Attachment) Accepted() bool {
	return len(a.Reviews) > 0 && a.Reviews[len(a.Reviews)-1].Accepted
}

// AsOf is the attachment as it was known at a time.
func (a Attachment) AsOf(t time.Time) Attachment {
	for i, r := range a.Reviews {
		if r.At.After(t) {
			a.Reviews = a.Reviews[:i]
			break
		}
	}
	return a
}

// DutyStanding is how far a duty is met.
type DutyStanding string

// The standings of a duty. A returned attachment counts for nothing.
const (
	DutyDue      DutyStanding = "due"             // the period is over
	DutyOverdue  DutyStanding = "overdue"         // so is the time to attach something
	DutyAwaiting DutyStanding = "awaiting_review" // attached, not reviewed
	DutyMet      DutyStanding = "met"             // attached and accepted
)

// Duty is one period of a slot, for which something has to be attached.
type Duty struct {
	Slot
	From        time.Time    `json:"period_from"`
	To          time.Time    `json:"period_to"` // exclusive
	By          time.Time    `json:"due_at"`
	Standing    DutyStanding `json:"standing"`
	Attachments []int64      `json:"attachments"` // those that state this period, oldest first, also returned ones
}

// Duties lists, slot by slot and oldest first, the periods that are over at a time, and those not over for which something is
// attached already. The first is the one that since lies in; periods are of the calendar, in UTC. What is to be attached once is
// due so many days after since. An attachment counts for every period that lies within the one it states, and always where one
// is enough.
func Duties(slots []Slot, attached []Attachment, since, at time.Time) ([]Duty, error) {
	var out []Duty
	for _, slot := range slots {
		from, err := slot.start(since)
		if err != nil {
			return nil, err
		}
		for !from.After(at) {
			to := slot.next(from)
			duty := Duty{Slot: slot, From: from, To: to, By: to.AddDate(0, 0, slot.Due), Standing: DutyDue, Attachments: []int64{}}
			if !at.Before(duty.By) {
				duty.Standing = DutyOverdue
			}
			for _, a := range attached {
				states := slot.Frequency == "once" || !a.From.After(from) && !a.To.Before(to)
				if a.Control != slot.Control || a.Slot != slot.Name || !states || a.Uploaded.After(at) {
					continue
				}
				a = a.AsOf(at)
				duty.Attachments = append(duty.Attachments, a.ID)
				switch {
				case a.Accepted():
					duty.Standing = DutyMet
				case len(a.Reviews) == 0 && duty.Standing != DutyMet:
					duty.Standing = DutyAwaiting
				}
			}
			if !to.After(at) || len(duty.Attachments) > 0 {
				out = append(out, duty)
			}
			if slot.Frequency == "once" {
				break
			}
			from = to
		}
	}
	return out, nil
}

// start is when the period that t lies in began.
func (s Slot) start(t time.Time) (time.Time, error) {
	t = t.UTC()
	year, month, day := t.Date()
	switch s.Frequency {
	case "once":
	case "weekly": // from Monday
		day -= (int(t.Weekday()) + 6) % 7
	case "monthly":
		day = 1
	case "quarterly":
		month, day = month-(month-1)%3, 1
	case "yearly":
		month, day = 1, 1
	default:
		return t, fmt.Errorf("%w: %s of control %s: frequency %q: want once, weekly, monthly, quarterly or yearly", posture.ErrInvalid, s.Name, s.Control, s.Frequency)
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), nil
}

// next is when the period that begins at from is over; for what is to be attached once, at once.
func (s Slot) next(from time.Time) time.Time {
	switch s.Frequency {
	case "weekly":
		return from.AddDate(0, 0, 7)
	case "monthly":
		return from.AddDate(0, 1, 0)
	case "quarterly":
		return from.AddDate(0, 3, 0)
	case "yearly":
		return from.AddDate(1, 0, 0)
	}
	return from
}
