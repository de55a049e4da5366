package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Channel sends messages to one receiver. The answer is what the other side said, for the record. An error that is ErrPermanent
// will not go away by itself; one that is Later says when to come back. Neither holds a secret.
type Channel interface {
	Send(ctx context.Context, m Message) (answer string, err error)
}

// ErrPermanent marks a message that will never be taken as it is.
var ErrPermanent = errors.New("refused for good")

// Later says that a delivery has to be tried again, and when.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return fmt.Sprintf("%v; again in %v", l.Err, l.After) }
func (l *Later) Unwrap() error { return l.Err }

// Store is what a Dispatcher asks of the database.
type Store interface {
	// PlanAlerts hands plan what is known of an account's alerts and writes what it returns, in one transaction, during which
	// nobody else plans for the account. Deliveries are queued in it.
	PlanAlerts(ctx context.Context, ask Ask, plan func(Known) ([]Change, error)) error
	// AcknowledgeAlert does the same for one alert, and writes the act to the audit log.
	AcknowledgeAlert(ctx context.Context, id int64, by access.Actor, reason string, plan func(Alert) (Change, error)) error
	// AlertAccounts are the accounts with alerts that are not resolved.
	AlertAccounts(ctx context.Context) ([]string, error)
	// DueAlertAccounts are those of them with a step of escalation that is due, or with something held back that has been quiet
	// since a time.
	DueAlertAccounts(ctx context.Context, quiet time.Time, steps []Step) ([]string, error)
	// Delivery returns a delivery, and the oldest one of the same alert and receiver that comes before it and is not done, 0 for none.
	Delivery(ctx context.Context, id int64) (d Delivery, before int64, err error)
	// AddAttempt records a step of a delivery; what was sent goes into the history of its alert.
	AddAttempt(ctx context.Context, d Delivery, a Attempt) error
	// AddDeliveries writes and queues deliveries of no alert. Those whose key is known are left out.
	AddDeliveries(ctx context.Context, list []Delivery) error
	// RequeueDeliveries queues deliveries again that are not done and about which nothing has happened since a time.
	RequeueDeliveries(ctx context.Context, since time.Time) error
	// AlertNews is what has happened since the newest delivery whose key begins so, or else within the last day.
	AlertNews(ctx context.Context, key string, now time.Time) (News, error)
	// ExpiringExceptions are the exceptions that end after now and before a time, among them some that are not in force.
	ExpiringExceptions(ctx context.Context, now, before time.Time) ([]finding.Exception, error)
	Diff(ctx context.Context, account string, from, to int64) (before, after posture.Sealing, err error)
}

// Ask says what a plan is about.
type Ask struct {
	Account string // empty: the installation
	Events  bool   // load the events and gaps of snapshot Seq; 0: events that no snapshot led to
	Seq     int64
	Since   time.Time // from when on transitions count as flips
}

// Known is what a plan can build on.
type Known struct {
	Open   []Alert        // not resolved, oldest first
	Flips  map[string]int // transitions since Ask.Since by Subject
	Events []Event        // that no alert tells of, oldest first
	Newest bool           // Ask.Seq is the account's newest snapshot; otherwise its gaps are the past
	Gaps   []Gap
}

// How deliveries are tried.
const (
	sendTimeout  = 30 * time.Second
	firstRetry   = time.Minute
	longestRetry = time.Hour
	giveUpAfter  = 24 * time.Hour   // after the first attempt
	strandedFor  = 10 * time.Minute // a delivery about which nothing happens for so long may have lost its job
)

// Dispatcher plans and delivers alerts. Its methods may be called again after a failure: nothing is told twice for it.
type Dispatcher struct {
	Store    Store
	Settings Settings
	Channels map[string]Channel // by receiver
	Now      func() time.Time
}

// Dispatch tells of a snapshot, or with seq 0 of what else happened to an account's findings.
func (d *Dispatcher) Dispatch(ctx context.Context, account string, seq int64) error {
	now := d.Now()
	origin := func(Event) string { return "" }
	if seq > 1 {
		before, after, err := d.Store.Diff(ctx, account, seq-1, seq)
		if err != nil {
			return fmt.Errorf("plan alerts of %s: %w", account, err)
		}
		changes, err := drift.Compare(drift.Pair(before, after), nil)
		if err != nil {
			return fmt.Errorf("plan alerts of %s: %w", account, err)
		}
		origin = d.Settings.origins(changes)
	}
	ask := Ask{Account: account, Events: true, Seq: seq}
	if err := d.plan(ctx, ask, now, func(k Known) []Transition {
		var list []Transition
		if k.Newest {
			list = gapTransitions(account, k.Gaps, k.Open, now)
		}
		for _, e := range k.Events {
			e.Origin = origin(e)
			list = append(list, e.transitions()...)
		}
		return list
	}); err != nil || seq == 0 {
		return err
	}
	return d.signal(ctx, now, scanned(account, now))
}

// origins says which changed attributes of its resource a rule reads.
func (s Settings) origins(changes []posture.Change) func(Event) string {
	byResource := map[posture.Key]posture.Change{}
	for _, c := range changes {
		if c.Kind != posture.Judgment {
			byResource[c.Resource] = c
		}
	}
	return func(e Event) string {
		c, ok := byResource[e.Resource]
		if ok && c.Kind != posture.Changed {
			return string(c.Kind)
		}
		var out []string
		for _, f := range c.Fields {
			path := e.Resource.Type + "." + f.Path
			if slices.ContainsFunc(s.Rules[e.RuleID].Fields, func(read string) bool {
				return read == path || strings.HasPrefix(read, path+".") || strings.HasPrefix(path, read+".")
			}) {
				out = append(out, f.Path)
			}
		}
		return strings.Join(out, ",")
	}
}

// plan plans in one transaction what transitions do.
func (d *Dispatcher) plan(ctx context.Context, ask Ask, now time.Time, transitions func(Known) []Transition) error {
	ask.Since = now.Add(-d.Settings.Damping.Window)
	return d.Store.PlanAlerts(ctx, ask, func(k Known) ([]Change, error) {
		return Plan(d.Settings, ask.Account, transitions(k), k.Open, k.Flips, now), nil
	})
}

// signal plans for the installation.
func (d *Dispatcher) signal(ctx context.Context, now time.Time, list ...Transition) error {
	return d.plan(ctx, Ask{}, now, func(Known) []Transition { return list })
}

// ScanFailed tells that an account's scan made no snapshot. The next snapshot that is dispatched ends it.
func (d *Dispatcher) ScanFailed(ctx context.Context, f Failure) error {
	now := d.Now()
	return d.signal(ctx, now, f.transition(now))
}

// Missed tells that a schedule did not run when it was due. Ran ends it.
func (d *Dispatcher) Missed(ctx context.Context, schedule string, due time.Time) error {
	now := d.Now()
	return d.signal(ctx, now, missed(schedule, due, now))
}

// Ran tells that a schedule ran when it was due.
func (d *Dispatcher) Ran(ctx context.Context, schedule string) error {
	now := d.Now()
	return d.signal(ctx, now, ran(schedule, now))
}

// Expiring tells of exceptions that are about to end. It is called every few hours.
func (d *Dispatcher) Expiring(ctx context.Context, now time.Time) error {
	list, err := d.Store.ExpiringExceptions(ctx, now, now.Add(warning))
	if err != nil {
		return fmt.Errorf("plan alerts of exceptions: %w", err)
	}
	accounts, err := d.Store.AlertAccounts(ctx)
	if err != nil {
		return err
	}
	byAccount := map[string][]finding.Exception{}
	for _, e := range list {
		byAccount[e.Account] = append(byAccount[e.Account], e)
		accounts = union(accounts, []string{e.Account})
	}
	var failed []error
	for _, account := range accounts {
		failed = append(failed, d.plan(ctx, Ask{Account: account}, now, func(k Known) []Transition {
			return expiryTransitions(account, byAccount[account], k.Open, now)
		}))
	}
	return errors.Join(failed...)
}

// Escalate tells of what nobody acknowledged and of what has ceased to flap, and queues deliveries again that lost their job. It
// is called every minute.
func (d *Dispatcher) Escalate(ctx context.Context, now time.Time) error {
	accounts, err := d.Store.DueAlertAccounts(ctx, now.Add(-d.Settings.Damping.Window), d.Settings.steps(now))
	failed := []error{err}
	for _, account := range accounts {
		failed = append(failed, d.Store.PlanAlerts(ctx, Ask{Account: account}, func(k Known) ([]Change, error) {
			return Tick(d.Settings, account, k.Open, now), nil
		}))
	}
	return errors.Join(append(failed, d.Store.RequeueDeliveries(ctx, now.Add(-strandedFor)))...)
}

// Acknowledge records that somebody takes care of an alert, and stops its escalation.
func (d *Dispatcher) Acknowledge(ctx context.Context, id int64, by access.Actor, reason string) error {
	return d.Store.AcknowledgeAlert(ctx, id, by, reason, func(a Alert) (Change, error) {
		return Acknowledge(d.Settings, a, by.ID, reason, d.Now())
	})
}

// Digest makes the digest of that name out of what happened since the one before.
func (d *Dispatcher) Digest(ctx context.Context, name string, now time.Time) error {
	for _, digest := range d.Settings.Digests {
		if digest.Name != name {
			continue
		}
		news, err := d.Store.AlertNews(ctx, digestKey(name), now)
		if err != nil {
			return fmt.Errorf("make digest %s: %w", name, err)
		}
		return d.Store.AddDeliveries(ctx, MakeDigest(digest, news, now))
	}
	return fmt.Errorf("digest %q: %w", name, posture.ErrNotFound)
}

// Deliver sends a delivery, unless that is done. A Later error says when to call again; messages of an alert reach a receiver in
// their order.
func (d *Dispatcher) Deliver(ctx context.Context, id int64) error {
	delivery, before, err := d.Store.Delivery(ctx, id)
	if err != nil || delivery.Done() {
		return err
	}
	if before != 0 {
		return &Later{firstRetry / 2, fmt.Errorf("delivery %d comes before %d", before, id)}
	}
	add := func(ctx context.Context, state DeliveryState, answer string) error {
		a := Attempt{N: len(delivery.Attempts) + 1, At: d.Now(), State: state, Answer: Clean(answer)}
		delivery.Attempts = append(delivery.Attempts, a)
		return d.Store.AddAttempt(ctx, delivery, a)
	}
	channel := d.Channels[delivery.Receiver]
	if channel == nil {
		return add(ctx, GivenUp, "no such receiver is configured any more")
	}
	failures := 0
	for _, a := range delivery.Attempts {
		if a.State == Failed {
			failures++
		}
	}
	if err := add(ctx, Sending, ""); err != nil {
		return err
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	answer, err := channel.Send(sending, d.address(delivery))
	cancel()
	ctx = context.WithoutCancel(ctx) // the outcome is recorded, whatever happens
	var later *Later
	after := min(firstRetry<<min(failures, 10), longestRetry)
	if errors.As(err, &later) {
		after = max(after, later.After)
	}
	switch {
	case err == nil:
		return add(ctx, Sent, answer)
	case errors.Is(err, ErrPermanent) || d.Now().Add(after).After(delivery.Attempts[0].At.Add(giveUpAfter)):
		return add(ctx, GivenUp, err.Error())
	}
	if err := add(ctx, Failed, err.Error()); err != nil {
		return err
	}
	return &Later{after, err}
}

// address fills in what a message says of the delivery itself.
func (d *Dispatcher) address(delivery Delivery) Message {
	m := delivery.Message
	m.Delivery = fmt.Sprintf("D-%d", delivery.ID)
	m.URL = d.Settings.URL
	if delivery.Alert != 0 {
		m.Alert = fmt.Sprintf("A-%d", delivery.Alert)
		m.URL = strings.TrimSuffix(d.Settings.URL, "/") + fmt.Sprintf("/alerts/%d", delivery.Alert)
		m.Key = m.Alert
		if u, err := url.Parse(d.Settings.URL); err == nil {
			m.Key = cmp.Or(u.Hostname(), "plumbline") + "/" + m.Alert
		}
	}
	return m
}
