package aws

import (
	"context"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const lookup = "CloudTrail.LookupEvents"

// ChangeLogOperations are the operations that read who changed what. Events can hold secrets: of their bodies only the digest is
// kept.
func ChangeLogOperations() []collectors.Operation {
	return []collectors.Operation{{Name: lookup, Permission: "cloudtrail:LookupEvents", Body: collectors.Digest}}
}

// CloudTrail answers two lookups a second in each region, fifty events at most each time.
const (
	lookupPause = time.Second
	lookupPage  = 50
	// maxLookups bounds the pages read of one region: ten minutes' worth. Older events are left unread then.
	maxLookups = 600
)

// changeEvents reads the event history of every region, newest events first, reads left out.
func (c *client) changeEvents(explain func(error) posture.Cause) func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
	return func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
		var mu sync.Mutex
		var events []attribution.Event
		var log attribution.LogCoverage
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(8)
		global := globalRegion(c.partition)
		for _, region := range sortedUnique(append([]string{global}, c.regions...)) {
			group.Go(func() error {
				ctx, _ := transport.WithCell(ctx)
				read, found := c.in(region).lookUp(ctx, from, to, explain)
				read.Global = region == global
				mu.Lock()
				defer mu.Unlock()
				events, log.Reads = append(events, found...), append(log.Reads, read)
				return ctx.Err()
			})
		}
		err := group.Wait()
		return events, log, err
	}
}

// globalRegion is where the events of services without regions, such as IAM, are logged.
func globalRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// lookUp reads the events of one region. When it stops early, what is newer than the last event seen is still read whole.
func (c *client) lookUp(ctx context.Context, from, to time.Time, explain func(error) posture.Cause) (attribution.LogRead, []attribution.Event) {
	read := attribution.LogRead{Region: c.region, To: to, ReadAt: to, Delay: attribution.CloudTrailDelay, Window: attribution.CloudTrailWindow}
	if oldest := to.Add(-read.Window); from.Before(oldest) {
		from = oldest
	}
	var events []attribution.Event
	stop := func(cause posture.Cause) (attribution.LogRead, []attribution.Event) {
		read.Cause = &cause
		if len(events) > 0 {
			read.From = events[len(events)-1].Time.Add(time.Second) // others of the same second may be on the next page
		}
		return read, events
	}
	list := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(c.config), &cloudtrail.LookupEventsInput{
		StartTime: &from, EndTime: &to, MaxResults: sdk.Int32(lookupPage),
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyReadOnly, AttributeValue: sdk.String("false")}},
	})
	for n := 0; list.HasMorePages(); n++ {
		if n == maxLookups {
			return stop(posture.Cause{Reason: posture.ReasonPartialPages, Operation: lookup, Code: attribution.TooMany})
		}
		if n > 0 {
			if err := c.sleep(ctx, lookupPause); err != nil {
				return stop(explain(err))
			}
		}
		page, err := list.NextPage(ctx)
		if err != nil {
			return stop(explain(err))
		}
		for _, e := range page.Events {
			event, err := attribution.ParseCloudTrail([]byte(sdk.ToString(e.CloudTrailEvent)))
			if err != nil { // it may be about anything: the time around it is as good as unread
				events = nil
				return stop(posture.Cause{Reason: posture.ReasonParseError, Operation: lookup, Code: sdk.ToString(e.EventId)})
			}
			events = append(events, event)
		}
	}
	read.From = from
	return read, events
}
