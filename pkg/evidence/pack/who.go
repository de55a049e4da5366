package pack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/period"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// alerted is when somebody was told of a finding, and acknowledged it.
type alerted struct{ sent, acknowledged posture.Opt[time.Time] }

type openedAt struct {
	finding string
	seq     int64
}

// learnLogs reads what alerts and the cloud's own log tell of an account.
func (p *periodOf) learnLogs(ctx context.Context) (err error) {
	b := p.b
	p.alerts = map[openedAt]alerted{}
	if err := b.db.EachAlerted(ctx, p.u.name, b.Head.Signed, func(finding string, seq int64, sent, acknowledged posture.Opt[time.Time]) error {
		p.alerts[openedAt{finding, seq}] = alerted{sent, acknowledged}
		return nil
	}); err != nil {
		return err
	}
	p.reads, err = b.db.LogReads(ctx, p.u.name, b.Head.Signed)
	return err
}

// delays are how long after it happened an event may come into the log of a cloud.
var delays = map[string]time.Duration{"aws": attribution.CloudTrailDelay, "azure": attribution.ActivityLogDelay, "gcp": attribution.AuditLogDelay}

// logged is the time for which the log of a region was read whole, and no event can still arrive. What belongs to no region may be in
// the log of any: it takes all that were read together.
func (p *periodOf) logged(region string) []period.Span {
	provider, _, _ := strings.Cut(p.u.name, ":")
	whole := func(r attribution.LogRead) period.Span {
		to := r.To
		if last := r.ReadAt.Add(-delays[provider]); last.Before(to) {
			to = last
		}
		if r.From.IsZero() {
			return period.Span{From: to, To: to}
		}
		return period.Span{From: r.From, To: to}
	}
	anywhere := region == posture.Global || region == posture.Everywhere || region == ""
	var out []period.Span
	for i := 0; i < len(p.reads); {
		together := i
		var common period.Span
		for ; i < len(p.reads) && p.reads[i].ReadAt.Equal(p.reads[together].ReadAt); i++ {
			span := whole(p.reads[i])
			switch {
			case !anywhere:
				if p.reads[i].Region == "" || p.reads[i].Region == region {
					out = append(out, span)
				}
			case i == together:
				common = span
			default:
				common = common.Clip(span)
			}
		}
		if anywhere {
			out = append(out, common)
		}
	}
	return slices.DeleteFunc(out, func(s period.Span) bool { return !s.To.After(s.From) })
}

// attribute adds who brought a deviation about and who was told of it. Where one event tells when, the durations begin then.
func (p *periodOf) attribute(ctx context.Context, d period.Deviation, out *evidence.Deviation) error {
	told := p.alerts[openedAt{out.Finding, p.seqs[d.FirstSeen]}]
	out.AlertSent, out.AlertAcked = told.sent, told.acknowledged
	out.Who = evidence.Who{Confidence: attribution.Unknown, Events: []attribution.Event{}}
	good, seen := out.LastGood.Get()
	if !seen {
		out.Who.Reason = "never_seen_good"
		return nil
	}
	list, err := p.b.db.AttributedTo(ctx, out.Account, out.Resource, p.seqs[d.LastGood], p.seqs[d.FirstSeen], p.b.Head.Signed)
	if err != nil {
		return err
	}
	fields := p.b.fields(out.Rule, out.Resource.Type)
	list = slices.DeleteFunc(list, func(a attribution.Attribution) bool {
		first, _, _ := strings.Cut(strings.ReplaceAll(a.Path, "[", "."), ".")
		return a.Path != "" && !slices.Contains(fields, first)
	})
	out.Who = who(list)
	if out.Who.Confidence != attribution.Exact {
		return nil
	}
	changed := out.Who.Events[0].Time.UTC()
	out.Changed = posture.Some(changed)
	if changed.Before(good) { // by the cloud's clock
		changed = good
	}
	if changed.After(out.FirstSeen) { // while the scan went on
		changed = out.FirstSeen
	}
	since := out.FirstSeen.Sub(changed)
	detect := period.Between(since, since)
	out.Detect = &detect
	out.Duration.Least += int64(since / time.Second)
	out.Duration.Most -= int64(changed.Sub(good) / time.Second)
	return nil
}

// who sums up who changed what a rule reads of a resource: exact when one event did it all.
func who(list []attribution.Attribution) evidence.Who {
	out := evidence.Who{Confidence: attribution.Exact, Events: []attribution.Event{}}
	if len(list) == 0 { // something else that the rule reads may have changed
		out.Confidence, out.Reason = attribution.Unknown, "no_change_attributed"
		return out
	}
	for _, a := range list {
		if a.Confidence != attribution.Exact {
			out.Confidence = a.Confidence
			out.Reason = cmp.Or(out.Reason, string(a.Reason))
		}
		for _, e := range a.Events {
			if !slices.ContainsFunc(out.Events, func(x attribution.Event) bool { return x.ID == e.ID }) {
				out.Events = append(out.Events, e)
			}
		}
	}
	slices.SortFunc(out.Events, func(a, b attribution.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	switch n := len(out.Events); {
	case n == 0:
		out.Confidence = attribution.Unknown
	case n > 1 || out.Confidence != attribution.Exact:
		out.Confidence = attribution.Candidates
		out.Reason = cmp.Or(out.Reason, string(attribution.Several))
	}
	return out
}

func eventTexts(list []attribution.Event) (actors, events string) {
	var names, told []string
	for _, e := range list {
		names = append(names, e.Actor.Name)
		told = append(told, fmt.Sprintf("%s %s at %s from %s", e.Name, e.ID, stampOf(e.Time), cmp.Or(e.Address, "an address not told")))
	}
	return strings.Join(slices.Compact(names), "; "), strings.Join(told, "; ")
}
