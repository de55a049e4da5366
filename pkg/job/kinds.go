package job

import (
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Queues. Accounts whose last scan took long have workers of their own, so that a few of them never hold up the rest.
const (
	queueScan  = "scan"
	queueLarge = "scan_large"
	queueSend  = river.QueueDefault
)

// longScan is from which duration of its last scan an account counts as large.
const longScan = 10 * time.Minute

// unfinished are the states in which a job stands in the way of another like it.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// planArgs is a connection whose accounts are to be scanned by a run.
type planArgs struct {
	Connection string `json:"connection" river:"unique"`
	Run        string `json:"run" river:"unique"`
	Schedule   string `json:"schedule,omitempty"`
}

func (planArgs) Kind() string { return "plan" }
func (planArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 10, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

// scanArgs is one account to scan. There is at most one unfinished for an account.
type scanArgs struct {
	Account    string `json:"account" river:"unique"`
	Connection string `json:"connection"`
	Run        string `json:"run"`
	Schedule   string `json:"schedule,omitempty"`
	Members    bool   `json:"members,omitempty"` // then scan what the organization or tenant lists
}

func (scanArgs) Kind() string { return "scan" }
func (scanArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueScan, MaxAttempts: 5, Priority: 2, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

// alertArgs is a sealed snapshot, or for Seq 0 what people did, whose transitions are to be told.
type alertArgs struct {
	Account string `json:"account"`
	Seq     int64  `json:"seq"`
}

func (alertArgs) Kind() string { return "alert" }
func (alertArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 20, Priority: 1}
}

// deliverArgs is one message to send.
type deliverArgs struct {
	Delivery int64 `json:"delivery" river:"unique"`
}

func (deliverArgs) Kind() string { return "deliver" }
func (deliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 12, Priority: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

// digestArgs is a summary that is due.
type digestArgs struct {
	Digest string    `json:"digest"`
	Due    time.Time `json:"due"`
}

func (digestArgs) Kind() string { return "digest" }
func (digestArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 10}
}

// monitorArgs says how monitoring itself fares: a schedule that ran, perhaps after due times that were missed, or a scan that failed
// for good.
type monitorArgs struct {
	Schedule string    `json:"schedule,omitempty"`
	Due      time.Time `json:"due"`
	Missed   int       `json:"missed,omitempty"`
	Account  string    `json:"account,omitempty"`
	Problem  string    `json:"problem,omitempty"`
}

func (monitorArgs) Kind() string { return "monitor" }
func (monitorArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 10, Priority: 1}
}

// choreArgs is upkeep that one process at a time does: "expire" exceptions and "escalate" alerts.
type choreArgs struct {
	Chore string `json:"chore" river:"unique"`
}

func (choreArgs) Kind() string { return "chore" }
func (choreArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSend, MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}
