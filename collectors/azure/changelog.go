package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const listActivity = "armmonitor.ActivityLogsClient.NewListPager"

// ChangeLogOperations are the operations that read who changed what. Of their bodies only the digest is kept.
func ChangeLogOperations() []collectors.Operation {
	return []collectors.Operation{{Name: listActivity, Permission: "Microsoft.Insights/eventtypes/values/read", Body: collectors.Digest}}
}

const (
	// maxActivityPages bounds the pages read of a log.
	maxActivityPages = 500
	// activityMembers are the members of events that are asked for: not what was requested, which may hold secrets.
	activityMembers = "caller,category,claims,eventDataId,eventTimestamp,httpRequest,operationId,operationName,resourceId,resourceProviderName,status"
	// graphLag is how long Resource Graph may take to hear of a change.
	graphLag = 30 * time.Minute
)

// changeEvents reads the Activity Log of the subscription, which is always kept. What is done above the subscription stands in other
// logs.
func (c *client) changeEvents(explain func(error) posture.Cause) func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
	return func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
		ctx, _ = transport.WithCell(ctx)
		var log attribution.LogCoverage
		if c.resourceGraph != nil {
			log.Behind = graphLag
		}
		from = from.Add(-log.Behind)
		read := attribution.LogRead{
			Prefix: "/subscriptions/" + c.subscription, From: from, To: to, ReadAt: to, Delay: attribution.ActivityLogDelay, Window: attribution.ActivityLogWindow,
		}
		if oldest := to.Add(-read.Window); from.Before(oldest) {
			read.From = oldest
		}
		events, cause := c.listActivity(ctx, read.From, to, explain)
		if cause != nil { // events come in no promised order: of no time it is known that all were seen
			read.From, read.Cause = time.Time{}, cause
		}
		log.Reads = []attribution.LogRead{read}
		return events, log, ctx.Err()
	}
}

func (c *client) listActivity(ctx context.Context, from, to time.Time, explain func(error) posture.Cause) (events []attribution.Event, cause *posture.Cause) {
	stop := func(cause posture.Cause) ([]attribution.Event, *posture.Cause) { return events, &cause }
	api, err := armmonitor.NewActivityLogsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return stop(explain(err))
	}
	filter := fmt.Sprintf("eventTimestamp ge '%s' and eventTimestamp le '%s'", from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
	pager := api.NewListPager(filter, &armmonitor.ActivityLogsClientListOptions{Select: new(activityMembers)})
	for n := 0; pager.More(); n++ {
		if n == maxActivityPages {
			return stop(posture.Cause{Reason: posture.ReasonPartialPages, Operation: listActivity, Code: attribution.TooMany})
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return stop(explain(err))
		}
		for _, e := range page.Value {
			event, err := parseActivity(e)
			if err != nil { // it may be about anything
				return stop(posture.Cause{Reason: posture.ReasonParseError, Operation: listActivity, Code: text(value(e).EventDataID)})
			}
			events = append(events, event)
		}
	}
	return events, nil
}

func parseActivity(e *armmonitor.EventData) (attribution.Event, error) {
	record, err := json.Marshal(value(e))
	if err != nil {
		return attribution.Event{}, err
	}
	return attribution.ParseActivity(record)
}
