package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"google.golang.org/api/logging/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const listEntries = "logging.entries.list"

// ChangeLogOperations are the operations that read who changed what. Entries can hold secrets: of their bodies only the digest is
// kept.
func ChangeLogOperations() []collectors.Operation {
	return []collectors.Operation{{Name: listEntries, Permission: "logging.logEntries.list", Body: collectors.Digest}}
}

const (
	// maxEntryPages bounds the pages read of one log. Older entries are left unread then.
	maxEntryPages = 300
	// maxLogNodes is how many projects, folders or organizations one request may name.
	maxLogNodes = 100
	// inventoryLag is how long Cloud Asset Inventory may take to hear of a change.
	inventoryLag = 2 * time.Hour
)

// changeEvents reads what the administrators of the project, or of the organization and its folders, did, and what Google's own
// systems changed. Both logs are always kept.
func (c *client) changeEvents(explain func(error) posture.Cause) func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
	return func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error) {
		var log attribution.LogCoverage
		if c.inventory != nil {
			log.Behind = inventoryLag
		}
		from = from.Add(-log.Behind)
		read := attribution.LogRead{Delay: attribution.AuditLogDelay, Window: attribution.AuditLogWindow, From: from, To: to, ReadAt: to}
		if oldest := to.Add(-read.Window); from.Before(oldest) {
			read.From = oldest
		}
		nodes := []string{c.node}
		if c.organization != "" {
			folders, err := ownFolders(ctx, c)
			if err != nil { // what is done in a folder that is not known stays unread
				cause := explain(err)
				read.Cause, read.From = &cause, to
			}
			for _, f := range folders {
				nodes = append(nodes, f.Name)
			}
		}
		var events []attribution.Event
		for some := range slices.Chunk(nodes, maxLogNodes) {
			found, whole, cause := c.listChanges(ctx, some, from, to, explain)
			events = append(events, found...)
			if cause != nil {
				read.Cause = cause
			}
			if read.From.Before(whole) {
				read.From = whole
			}
		}
		log.Reads = []attribution.LogRead{read}
		return events, log, ctx.Err()
	}
}

// listChanges reads the entries of some nodes, newest first. whole is since when they were read: later than from when it had to stop
// early.
func (c *client) listChanges(ctx context.Context, nodes []string, from, to time.Time, explain func(error) posture.Cause) (events []attribution.Event, whole time.Time, cause *posture.Cause) {
	ctx, _ = transport.WithCell(ctx)
	stop := func(cause posture.Cause) ([]attribution.Event, time.Time, *posture.Cause) {
		if len(events) == 0 {
			return nil, to, &cause
		}
		return events, events[len(events)-1].Time.Add(time.Second), &cause // others of the same second may be on the next page
	}
	api, err := logging.NewService(ctx, c.options...)
	if err != nil {
		return stop(explain(err))
	}
	request := &logging.ListLogEntriesRequest{
		ResourceNames: nodes, OrderBy: "timestamp desc", PageSize: logPage,
		Filter: fmt.Sprintf(`(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/system_event")) AND timestamp>=%q AND timestamp<=%q`,
			from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano)),
	}
	for range maxEntryPages {
		page, err := api.Entries.List(request).Context(ctx).Do()
		if err != nil {
			return stop(explain(err))
		}
		for _, entry := range page.Entries {
			event, err := parseEntry(entry)
			if err != nil { // it may be about anything: the time around it is as good as unread
				events = nil
				return stop(posture.Cause{Reason: posture.ReasonParseError, Operation: listEntries, Code: entry.InsertId})
			}
			events = append(events, event)
		}
		if page.NextPageToken == "" {
			return events, from, nil
		}
		request.PageToken = page.NextPageToken
	}
	return stop(posture.Cause{Reason: posture.ReasonPartialPages, Operation: listEntries, Code: attribution.TooMany})
}

func parseEntry(entry *logging.LogEntry) (attribution.Event, error) {
	record, err := json.Marshal(entry)
	if err != nil {
		return attribution.Event{}, err
	}
	return attribution.ParseAuditLog(record)
}
