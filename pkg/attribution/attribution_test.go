package attribution

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var (
	older = time.Date(2026, 5, 1, 6, 0, 0, 0, time.UTC) // when the older snapshot's scan began
	newer = older.Add(24 * time.Hour)
)

// put is an event of a bucket's policy, unless changed, hours after the older snapshot.
func put(id string, hours float64, change ...func(*Event)) Event {
	e := Event{
		ID: id, Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Time: older.Add(time.Duration(hours * float64(time.Hour))),
		Effects: []Effect{{Type: "aws.s3.bucket", ID: "arn:aws:s3:::logs", Fields: []string{"policy", "policy_status_public"}}},
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func effect(e Effect) func(*Event) { return func(out *Event) { out.Effects = []Effect{e} } }

func begins(e *Event) { e.Operation, e.First = "o", true }
func ends(e *Event)   { e.Operation, e.Last = "o", true }

func unknownName(mentions ...string) func(*Event) {
	return func(e *Event) { e.Name, e.Effects, e.Mentions = "PutBucketNovelty", nil, mentions }
}

// whole is a log that was read to the end, long after.
func whole(change ...func(*LogRead)) LogCoverage {
	r := LogRead{Region: "eu-west-1", From: older.Add(-Margin), To: newer.Add(time.Hour), ReadAt: newer.Add(time.Hour), Delay: CloudTrailDelay, Window: CloudTrailWindow, Global: true}
	for _, c := range change {
		c(&r)
	}
	return LogCoverage{Reads: []LogRead{r}}
}

func TestJoin(t *testing.T) {
	bucket := posture.Key{Type: "aws.s3.bucket", Region: "eu-west-1", ID: "arn:aws:s3:::logs"}
	changed := func(key posture.Key, path, before, after string) posture.Change {
		return posture.Change{Cause: posture.CauseConfiguration, Kind: posture.Changed, Resource: key,
			Fields: []posture.FieldChange{{Path: path, Before: json.RawMessage(before), After: json.RawMessage(after)}}}
	}
	policy := changed(bucket, "policy", `"a"`, `"b"`)
	versioning := changed(bucket, "versioning", `"Enabled"`, `""`)
	added := posture.Change{Cause: posture.CauseConfiguration, Kind: posture.Added, Resource: bucket}
	removed := posture.Change{Cause: posture.CauseConfiguration, Kind: posture.Removed, Resource: bucket}
	trail := posture.Key{Type: "aws.cloudtrail.trail", Region: "eu-west-1", ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}
	validation := changed(trail, "log_file_validation_enabled", "true", "false")
	setsValidation := func(value string) func(*Event) {
		return effect(Effect{Type: trail.Type, ID: trail.ID, Fields: []string{"log_file_validation_enabled"}, Values: map[string]json.RawMessage{"log_file_validation_enabled": json.RawMessage(value)}})
	}
	user := posture.Key{Type: "aws.iam.user", Region: posture.Global, ID: "arn:aws:iam::111122223333:user/staff/Dora"}
	mfa := changed(user, "mfa_active", "true", "false")
	setsMFA := effect(Effect{Type: user.Type, ID: "arn:aws:iam::111122223333:user/~dora", Fields: []string{"mfa_active"}})
	creates := effect(Effect{Type: bucket.Type, ID: bucket.ID, Act: Creates})
	deletes := effect(Effect{Type: bucket.Type, ID: bucket.ID, Act: Deletes})

	type want struct {
		confidence Confidence
		reason     Reason
		events     string
		settled    bool
	}
	for name, test := range map[string]struct {
		change posture.Change
		events []Event
		log    LogCoverage
		want   want
	}{
		"one event explains it":                        {policy, []Event{put("a", 3)}, whole(), want{Exact, "", "a", true}},
		"an event delivered twice is one":              {policy, []Event{put("a", 3), put("a", 3)}, whole(), want{Exact, "", "a", true}},
		"reads change nothing":                         {policy, []Event{put("a", 3), put("b", 4, func(e *Event) { e.ReadOnly = true })}, whole(), want{Exact, "", "a", true}},
		"what was refused changes nothing":             {policy, []Event{put("a", 3, func(e *Event) { e.Failed = true })}, whole(), want{Unknown, NoEvent, "", true}},
		"two writers, oldest first":                    {policy, []Event{put("b", 9), put("a", 3)}, whole(), want{Candidates, Several, "ab", true}},
		"an event of another attribute":                {versioning, []Event{put("a", 3)}, whole(), want{Unknown, NoEvent, "", true}},
		"an event of another bucket":                   {policy, []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: "arn:aws:s3:::logs-2", Fields: []string{"policy"}}))}, whole(), want{Unknown, NoEvent, "", true}},
		"an event before the interval":                 {policy, []Event{put("a", -1)}, whole(), want{Unknown, NoEvent, "", true}},
		"an event after the interval":                  {policy, []Event{put("a", 25)}, whole(), want{Unknown, NoEvent, "", true}},
		"an event at the edge counts":                  {policy, []Event{put("a", -0.05)}, whole(), want{Exact, "", "a", true}},
		"a part of an attribute is set with the whole": {changed(bucket, "encryption.algorithm", `"AES256"`, `"aws:kms"`), []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Fields: []string{"encryption"}}))}, whole(), want{Exact, "", "a", true}},
		"an attribute whose name begins alike":         {changed(bucket, "policy_public_read", "false", "true"), []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Fields: []string{"policy"}}))}, whole(), want{Unknown, NotKnown, "", true}},

		"an unknown event that names the bucket":         {policy, []Event{put("a", 3, unknownName("logs"))}, whole(), want{Candidates, Unclear, "a", true}},
		"an unknown event beside one that is known":      {policy, []Event{put("a", 3), put("b", 4, unknownName("arn:aws:s3:::logs"))}, whole(), want{Candidates, Several, "ab", true}},
		"an unknown event of another service, same name": {policy, []Event{put("a", 3), put("b", 4, unknownName("logs"), func(e *Event) { e.Source = "sqs.amazonaws.com" })}, whole(), want{Exact, "", "a", true}},
		"an unknown event of another bucket":             {policy, []Event{put("a", 3, unknownName("logs-2"))}, whole(), want{Unknown, NoEvent, "", true}},
		"an event that does not say of which bucket":     {policy, []Event{put("a", 3, effect(Effect{Type: bucket.Type, Fields: []string{"policy"}}))}, whole(), want{Candidates, Unclear, "a", true}},
		"the same, of another attribute":                 {versioning, []Event{put("a", 3, effect(Effect{Type: bucket.Type, Fields: []string{"policy"}}))}, whole(), want{Unknown, NoEvent, "", true}},
		"an event that may have set more":                {versioning, []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Unsure: true}))}, whole(), want{Candidates, Unclear, "a", true}},
		"an event that set the value":                    {validation, []Event{put("a", 3, setsValidation("false"))}, whole(), want{Exact, "", "a", true}},
		"an event that set another value":                {validation, []Event{put("a", 3, setsValidation("true"))}, whole(), want{Candidates, Unclear, "a", true}},
		"on, off and on again":                           {validation, []Event{put("a", 3, setsValidation("false")), put("b", 4, setsValidation("true"))}, whole(), want{Candidates, Several, "ab", true}},

		"begin and end of an operation are one":    {policy, []Event{put("a", 3, begins), put("b", 4, ends)}, whole(), want{Exact, "", "a", true}},
		"an operation that fails in the end":       {policy, []Event{put("a", 3, begins), put("b", 4, ends, func(e *Event) { e.Failed = true })}, whole(), want{Unknown, NoEvent, "", true}},
		"an operation of which no end is told":     {policy, []Event{put("a", 3, begins)}, whole(), want{Candidates, Unclear, "a", true}},
		"an operation that ends in the interval":   {policy, []Event{put("a", -2, begins), put("b", 1, ends)}, whole(), want{Exact, "", "a", true}},
		"an operation that ended before it":        {policy, []Event{put("a", -2, begins), put("b", -1, ends)}, whole(), want{Unknown, NoEvent, "", true}},
		"an operation that begins after it":        {policy, []Event{put("a", 25, begins), put("b", 26, ends)}, whole(), want{Unknown, NoEvent, "", true}},
		"two operations":                           {policy, []Event{put("a", 3, begins), put("b", 4, ends), put("c", 5)}, whole(), want{Candidates, Several, "ac", true}},
		"an inventory may be behind":               {policy, []Event{put("a", -1), put("b", 3)}, LogCoverage{Reads: whole(func(r *LogRead) { r.From = older.Add(-24 * time.Hour) }).Reads, Behind: 2 * time.Hour}, want{Candidates, Several, "ab", true}},
		"what is computed follows other resources": {changed(bucket, "effective_public", "false", "true"), []Event{put("a", 3, unknownName("logs"))}, whole(), want{Unknown, NotKnown, "", true}},

		"a log about other resources":      {policy, nil, whole(func(r *LogRead) { r.Prefix = "arn:aws:s3:::other" }), want{Unknown, Elsewhere, "", true}},
		"what can be done past the log":    {policy, []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Every: true, Hidden: true}))}, whole(), want{Candidates, Unclear, "a", true}},
		"an effect on whatever has the id": {changed(bucket, "tags", `{}`, `{"a":"b"}`), []Event{put("a", 3, effect(Effect{Type: anyType, ID: bucket.ID, Fields: []string{"tags"}}))}, whole(), want{Exact, "", "a", true}},

		"added by whom":            {added, []Event{put("a", 3, creates), put("b", 4)}, whole(), want{Exact, "", "a", true}},
		"removed by whom":          {removed, []Event{put("a", 3), put("b", 4, deletes)}, whole(), want{Exact, "", "b", true}},
		"a removal is no addition": {added, []Event{put("b", 4, deletes)}, whole(), want{Unknown, NoEvent, "", true}},
		"made twice":               {added, []Event{put("a", 3, creates), put("b", 4, deletes), put("c", 5, creates)}, whole(), want{Candidates, Several, "ac", true}},
		"a change of what was made anew in between":  {policy, []Event{put("a", 3, deletes), put("b", 4, creates), put("c", 5)}, whole(), want{Candidates, Several, "abc", true}},
		"who put it there may have made or set it":   {policy, []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Act: Puts, Every: true}))}, whole(), want{Exact, "", "a", true}},
		"a name without its path, in other capitals": {mfa, []Event{put("a", 3, setsMFA)}, whole(), want{Exact, "", "a", true}},
		"another name that ends alike":               {mfa, []Event{put("a", 3, effect(Effect{Type: user.Type, ID: "arn:aws:iam::111122223333:user/~ora", Fields: []string{"mfa_active"}}))}, whole(), want{Unknown, NoEvent, "", true}},
		"the credential report is hours old":         {mfa, []Event{put("a", -3, setsMFA)}, whole(), want{Exact, "", "a", true}},
		"and so a second event hours before counts":  {mfa, []Event{put("a", -3, setsMFA), put("b", 3, setsMFA)}, whole(), want{Candidates, Several, "ab", true}},

		"events may still arrive": {policy, []Event{put("a", 3)}, whole(func(r *LogRead) { r.ReadAt = newer.Add(14 * time.Minute) }), want{Candidates, Unsettled, "a", false}},
		"none yet":                {policy, nil, whole(func(r *LogRead) { r.ReadAt = newer }), want{Unknown, Unsettled, "", false}},
		"the log is refused":      {policy, nil, whole(func(r *LogRead) { r.From, r.Cause = time.Time{}, &posture.Cause{Reason: posture.ReasonDenied} }), want{Unknown, LogDenied, "", false}},
		"the log breaks off after the event": {policy, []Event{put("a", 20)}, whole(func(r *LogRead) {
			r.From, r.Cause = older.Add(19*time.Hour), &posture.Cause{Reason: posture.ReasonAPIError}
		}), want{Candidates, LogFailed, "a", false}},
		"the log is longer than what is read": {policy, nil, whole(func(r *LogRead) {
			r.From, r.Cause = older.Add(time.Hour), &posture.Cause{Reason: posture.ReasonPartialPages, Code: TooMany}
		}), want{Unknown, LogTooLong, "", true}},
		"the log of the time is gone":                 {policy, nil, whole(func(r *LogRead) { r.From, r.ReadAt = newer, older.Add(CloudTrailWindow) }), want{Unknown, LogExpired, "", true}},
		"only the log of another region was read":     {policy, []Event{put("a", 3)}, whole(func(r *LogRead) { r.Region = "us-east-1" }), want{Candidates, Elsewhere, "a", true}},
		"IAM is logged in one region for all":         {mfa, []Event{put("a", 3, setsMFA)}, LogCoverage{Reads: append(whole().Reads, LogRead{Region: "ap-south-1", Cause: &posture.Cause{Reason: posture.ReasonDenied}})}, want{Exact, "", "a", true}},
		"of others without region every log may tell": {changed(posture.Key{Type: bucket.Type, Region: posture.Global, ID: bucket.ID}, "policy", `"a"`, `"b"`), []Event{put("a", 3)}, LogCoverage{Reads: append(whole().Reads, LogRead{Region: "ap-south-1", Cause: &posture.Cause{Reason: posture.ReasonDenied}})}, want{Candidates, LogDenied, "a", false}},
		"the value before is older than the interval": {changed(bucket, "tags.team", `"a"`, `"b"`), []Event{put("a", 3, effect(Effect{Type: bucket.Type, ID: bucket.ID, Fields: []string{"tags"}}))}, whole(), want{Unknown, Unseen, "", true}},
		"a log that was never read":                   {policy, nil, LogCoverage{}, want{Unknown, LogFailed, "", false}},
	} {
		t.Run(name, func(t *testing.T) {
			interval := Interval{From: older, To: newer, Earlier: func(_ posture.Key, path string) bool { return path == "tags.team" },
				Derived: func(_, path string) bool { return path == "effective_public" }}
			list := Join([]posture.Change{test.change}, interval, test.events, test.log)
			if len(list) != 1 {
				t.Fatalf("%d attributions", len(list))
			}
			got := want{confidence: list[0].Confidence, reason: list[0].Reason, settled: list[0].Settled}
			for _, e := range list[0].Events {
				got.events += e.ID
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestOnlyConfigurationHasAnAuthor(t *testing.T) {
	key := posture.Key{Type: "aws.s3.bucket", ID: "arn:aws:s3:::logs"}
	changes := []posture.Change{
		{Cause: posture.CauseCoverage, Kind: posture.Removed, Resource: key},
		{Cause: posture.CauseRuleset, Kind: posture.Judgment, Resource: key},
		{Cause: posture.CauseConfiguration, Kind: posture.Judgment, Resource: key},
		{Cause: posture.CauseConfiguration, Kind: posture.Changed, Resource: key, Fields: []posture.FieldChange{{Path: "policy", AfterUnread: true}, {Path: "tags", BeforeUnread: true}}},
	}
	if got := Join(changes, Interval{From: older, To: newer}, []Event{put("a", 3)}, whole()); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestSupersedes(t *testing.T) {
	exact := Attribution{Confidence: Exact, Settled: true, Events: []Event{{ID: "a"}}}
	waiting := Attribution{Confidence: Unknown, Reason: Unsettled}
	perhaps := Attribution{Confidence: Candidates, Reason: Unsettled, Events: []Event{{ID: "a"}}}
	for name, test := range map[string]struct {
		earlier, later Attribution
		want           bool
	}{
		"an event that arrived late":    {waiting, exact, true},
		"a candidate that is sure now":  {perhaps, exact, true},
		"nothing came":                  {waiting, Attribution{Confidence: Unknown, Reason: NoEvent, Settled: true}, true},
		"the same again":                {waiting, waiting, false},
		"exact does not become unknown": {exact, waiting, false},
		"nor less than it was":          {exact, perhaps, false},
		"a second writer came to light": {exact, Attribution{Confidence: Candidates, Reason: Several, Settled: true, Events: []Event{{ID: "a"}, {ID: "b"}}}, true},
		"candidates outlive the log":    {perhaps, Attribution{Confidence: Unknown, Reason: LogExpired, Settled: true}, false},
		"another candidate":             {perhaps, Attribution{Confidence: Candidates, Reason: Unsettled, Events: []Event{{ID: "b"}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.later.Supersedes(test.earlier); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	var events []Event
	for i := range 3 * maxCandidates {
		events = append(events, put(string(rune('a'+i)), 3))
	}
	change := posture.Change{Cause: posture.CauseConfiguration, Kind: posture.Changed, Resource: posture.Key{Type: "aws.s3.bucket", Region: "eu-west-1", ID: "arn:aws:s3:::logs"},
		Fields: []posture.FieldChange{{Path: "policy"}}}
	got := Join([]posture.Change{change}, Interval{From: older, To: newer}, events, whole())
	if len(got[0].Events) != maxCandidates || got[0].Confidence != Candidates {
		t.Errorf("%d events, %s", len(got[0].Events), got[0].Confidence)
	}
}
