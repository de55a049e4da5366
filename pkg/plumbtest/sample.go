package plumbtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The names that sample values use.
const (
	Type   = "aws.s3.bucket"
	Region = "eu-central-1"
	Rule   = "aws-s3-bucket-versioning-enabled"
)

// Account is the sample values' account.
func Account() posture.Account {
	return posture.Account{Provider: "aws", ID: "111122223333", Name: "production"}
}

// Day is the start of the sample scan of day n.
func Day(n int) time.Time { return time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

// Resource is a resource of the sample type, with an attribute "name" besides those given.
func Resource(id string, attributes map[string]any, unread ...posture.Unread) posture.Content {
	all := map[string]any{"name": id}
	for name, value := range attributes {
		all[name] = value
	}
	document, hash, err := ledger.Content(all, unread)
	if err != nil {
		panic(err) // the test's own values
	}
	return posture.Content{Key: posture.Key{Type: Type, Region: Region, ID: id}, JSON: document, Hash: hash}
}

// Verdict is a verdict of the sample rule.
func Verdict(resource posture.Key, result posture.Result, reason string) posture.Verdict {
	return posture.Verdict{RuleID: Rule, RuleVersion: "v1", Resource: resource, Result: result, Reason: reason}
}

// Cell is the cell of the sample type.
func Cell(day int, state posture.CellState) posture.Cell {
	c := posture.Cell{Region: Region, Type: Type, State: state, Started: Day(day), Finished: Day(day).Add(time.Second), Calls: 1}
	if state != posture.Complete {
		c.Cause = &posture.Cause{Reason: posture.ReasonDenied, Operation: "S3.ListBuckets", Permission: "s3:ListAllMyBuckets"}
	}
	return c
}

// Sealing is a scan of a day that read these resources to the end and passed them all, with one call and its body.
func Sealing(day int, resources ...posture.Content) posture.Sealing {
	body := fmt.Appendf(nil, "<ListBucketsResult>%d</ListBucketsResult>", len(resources))
	digest := sha256.Sum256(body)
	sum := hex.EncodeToString(digest[:])
	s := posture.Sealing{
		Snapshot: posture.Snapshot{
			Account: Account(), RunID: fmt.Sprintf("run-%d", day), Trigger: "schedule", Started: Day(day),
			Finished: Day(day).Add(time.Minute), Principal: "arn:aws:sts::111122223333:assumed-role/plumbline/scan", Tool: "test", Ruleset: "r1",
		},
		Cells:     []posture.Cell{Cell(day, posture.Complete)},
		Resources: resources,
		Calls: []posture.Call{{
			Seq: 1, Service: "S3", Operation: "S3.ListBuckets", Region: Region, Attempt: 1, Started: Day(day), Ended: Day(day).Add(time.Second),
			Status: 200, RequestID: "4442587FB7D0A2F9", Received: sum, Stored: sum,
		}},
		Bodies: []posture.Body{{SHA256: sum, Data: body}},
	}
	for _, r := range resources {
		s.Verdicts = append(s.Verdicts, Verdict(r.Key, posture.Pass, "versioning is Enabled"))
	}
	return s
}
