package pack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

type bucket struct {
	posture.Meta
	Public bool                `json:"public"`
	Owner  posture.Opt[string] `json:"owner"`
	Days   int                 `json:"days"`
	Rules  []bucketRule        `json:"rules"`
}

type bucketRule struct {
	Name string `json:"name" key:"true"`
	On   bool   `json:"on"`
}

type trail struct {
	posture.Meta
	Logging bool `json:"logging"`
}

var (
	bucketType = posture.NewType[bucket]("aws.test.bucket", nil)
	trailType  = posture.NewType[trail]("aws.test.trail", nil)
	testTypes  = []*posture.Type{bucketType, trailType}
)

var testRules = fstest.MapFS{
	"soc2.yaml": {Data: []byte(`
controls:
  - {id: access, title: Access is limited, statement: "Only staff reach data, <always>.", nature: state, domain: access,
     criteria: [{id: CC6.1, supports: This much., leaves: All else.}]}
  - {id: logging, title: Calls are logged, statement: Every call leaves a line., nature: state, domain: logging,
     criteria: [{id: CC7.2, supports: That lines are written., leaves: That somebody reads them.}]}
uncovered: []
categories: [{id: security, title: Security, required: true}]
series: [{id: CC6, category: security, title: Access}, {id: CC7, category: security, title: Operations}]
criteria:
  - {id: CC6.1, series: CC6, category: security, title: Access, summary: Who may., automatable: partial, nature: [state]}
  - {id: CC7.2, series: CC7, category: security, title: Watching, summary: Who looks., automatable: partial, nature: [state]}
`)},
	"aws/test/bucket-private.yaml": {Data: []byte(`id: aws-test-bucket-private
title: Buckets are private
resource: aws.test.bucket
severity: high
control: access
params: {least: 7, owners: [ops]}
applies_when: resource.days >= params.least
passes_when: "!resource.public && resource.rules.all(r, r.on)"
message: Strangers may read it.
why: Data leaves.
fix: Close it.
`)},
	"aws/test/bucket-logged.yaml": {Data: []byte(`id: aws-test-bucket-logged
title: Buckets are logged by a trail
resource: aws.test.bucket
severity: low
control: logging
inputs: [aws.test.trail]
passes_when: inputs.aws.test.trail.exists(t, t.logging)
message: No trail writes.
why: Nobody would know.
fix: Start one.
`)},
	"aws/test/account-logged.yaml": {Data: []byte(`id: aws-test-account-logged
title: The account has a trail
resource: aws.account
severity: medium
control: logging
inputs: [aws.test.trail]
passes_when: count(inputs.aws.test.trail) > 0
message: There is none.
why: Nobody would know.
fix: Make one.
`)},
}

// world is an installation with a database, keys and a clock.
type world struct {
	t      testing.TB
	db     *store.Store
	url    string
	now    time.Time
	signer *ledger.Signer
	set    *rule.Set
	state  map[string]scan.State
	pins   []posture.Pin
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, url := plumbtest.Store(t)
	set, err := rule.Load(testRules, testTypes)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, url: url, now: day(0), set: set, state: map[string]scan.State{}}
	db.Now, db.Types = func() time.Time { return w.now }, testTypes
	w.signer = newSigner(t, "")
	return w
}

func newSigner(t testing.TB, origin string) *ledger.Signer {
	t.Helper()
	secret, err := ledger.GenerateSigner(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner(secret, day(-100))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// day is 06:00 UTC of a day, the first being 1 March 2026.
func day(n int) time.Time { return time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func account(id string) posture.Account {
	return posture.Account{Provider: "aws", ID: id, Name: "account " + id}
}

// thing is a resource of the world.
type thing struct {
	id     string
	value  any
	unread []posture.Unread
}

func aBucket(id string, public bool, unread ...string) thing {
	out := thing{id: id, value: &bucket{Meta: posture.Meta{Name: id}, Public: public, Days: 30, Rules: []bucketRule{{"a", true}}}}
	for _, path := range unread {
		out.unread = append(out.unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "Test.GetBucket", Permission: "test:GetBucket"}})
	}
	return out
}

// reading is what a scan finds in a region; nil is refused.
type reading struct {
	region          string
	trails, buckets []thing
}

// scan seals a snapshot of an account in one region.
func (w *world) scan(at time.Time, account posture.Account, trails []thing, buckets []thing) posture.Snapshot {
	w.t.Helper()
	return w.read(at, account, reading{"eu-west-1", trails, buckets})
}

// read seals a snapshot of an account.
func (w *world) read(at time.Time, account posture.Account, regions ...reading) posture.Snapshot {
	w.t.Helper()
	w.now = at
	c := scan.Collected{Account: account, Principal: "arn:aws:sts::" + account.ID + ":assumed-role/read/plumbline", Types: testTypes, Started: at, Finished: at.Add(time.Minute)}
	var buckets []thing
	for _, r := range regions {
		for _, list := range []struct {
			t      *posture.Type
			things []thing
		}{{bucketType, r.buckets}, {trailType, r.trails}} {
			cell := posture.Cell{Region: r.region, Type: list.t.Name, State: posture.Complete, Started: at, Finished: at.Add(time.Minute), Calls: 1}
			if list.things == nil {
				cell.State, cell.Cause = posture.Denied, &posture.Cause{Reason: posture.ReasonDenied, Operation: "Test.List" + list.t.Name[9:], Permission: "test:List"}
			}
			c.Cells = append(c.Cells, cell)
			for _, x := range list.things {
				c.Resources = append(c.Resources, &posture.Resource{Key: posture.Key{Type: list.t.Name, Region: r.region, ID: x.id}, Attributes: x.value, Unread: x.unread})
			}
		}
		buckets = append(buckets, r.buckets...)
	}
	sealing, _, err := scan.Judge{Types: w.set.Compiler.Types(), Programs: w.set.Of("aws"), Derive: func(*derive.Inventory) {}}.Judge(c, w.state[account.String()])
	if err != nil {
		w.t.Fatal(err)
	}
	sealing.Snapshot.RunID, sealing.Snapshot.Trigger, sealing.Snapshot.Tool, sealing.Snapshot.Ancestors = fmt.Sprintf("run-%d", at.Unix()), "schedule", "test", w.pins
	for i, operation := range []string{"Test.Listbucket", "Test.Listtrail"} {
		body := fmt.Sprintf("<%s>%d of %s: %v</%[1]s>", operation, at.Unix(), account.ID, names(buckets))
		sum := sha256.Sum256([]byte(body))
		sealing.Calls = append(sealing.Calls, posture.Call{Seq: i + 1, Service: "Test", Operation: operation, Region: "eu-west-1", Attempt: 1, Started: at.Add(time.Duration(i) * time.Second),
			Ended: at.Add(time.Duration(i+1) * time.Second), Status: 200, RequestID: fmt.Sprintf("req-%d-%d", at.Unix(), i), ServerDate: at.Format(time.RFC1123),
			Received: hex.EncodeToString(sum[:]), Stored: hex.EncodeToString(sum[:])})
		sealing.Bodies = append(sealing.Bodies, posture.Body{SHA256: hex.EncodeToString(sum[:]), Data: []byte(body)})
	}
	w.now = at.Add(2 * time.Minute)
	snapshot, err := w.db.Seal(context.Background(), sealing)
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := w.db.State(context.Background(), account.String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.state[account.String()] = scan.NewState(sealed)
	return snapshot
}

func names(list []thing) string {
	var out []string
	for _, x := range list {
		out = append(out, x.id)
	}
	return strings.Join(out, " ")
}

// head signs the log at a time.
func (w *world) head(at time.Time) ledger.Head {
	w.t.Helper()
	w.now = at
	h, err := w.db.SignHead(context.Background(), w.signer.SignCheckpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func person(name string, roles ...access.Role) access.Actor {
	return access.Actor{ID: name + "@example.com", Kind: access.Person, Roles: roles}
}

// request asks for a package as of a day of UTC.
func (w *world) request(n int, head ledger.Head) Request {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	return Request{
		Type: evidence.Type1, Audit: "2026", From: from, To: from.AddDate(0, 0, 1), Zone: "UTC", Raw: evidence.RawWhole, Tool: "test", Head: head, Signer: w.signer,
		Keys: []ledger.Key{w.signer.Key}, Rules: w.set, RuleFiles: testRules, Types: testTypes,
		Operations:  map[string][]string{bucketType.Name: {"Test.Listbucket"}, trailType.Name: {"Test.Listtrail"}},
		Permissions: map[string][]string{"Test.Listbucket": {"test:ListBuckets"}, "Test.Listtrail": {"test:ListTrails"}},
		Owners:      map[string]string{"access": "ada@example.com"}, Slots: []finding.Slot{{Control: "access", Name: "access review", Frequency: "quarterly", Due: 30}},
		Off: []RuleOff{{"aws-test-gone", "not ours", "ada@example.com"}}, Excluded: []evidence.Boundary{{Account: "aws:999900001111", Reason: "sandbox", By: "ada@example.com"}},
	}
}

func (w *world) build(request Request) (string, evidence.Manifest) {
	w.t.Helper()
	dir := w.t.TempDir()
	m, _, err := Build(context.Background(), w.db, request, dir)
	if err != nil {
		w.t.Fatal(err)
	}
	return dir, m
}

// story is an installation with two accounts, findings, an exception, an attachment and a refused list, and the head of day 2.
func story(t testing.TB) (*world, ledger.Head) {
	w := newWorld(t)
	ctx := context.Background()
	trails := []thing{{id: "main", value: &trail{Meta: posture.Meta{Name: "main"}, Logging: true}}}
	w.scan(day(0), account("111122223333"), trails, []thing{aBucket("logs", false), aBucket("logs b", true), aBucket("=cmd()", true)})
	w.scan(day(0).Add(time.Hour), account("444455556666"), []thing{}, []thing{aBucket("site", true), aBucket("data", false, "public", "rules[a].on")})
	w.head(day(0).Add(6 * time.Hour))
	id := finding.ID("aws:111122223333", "aws-test-bucket-private", posture.Key{Type: bucketType.Name, Region: "eu-west-1", ID: "logs b"})
	w.now = day(1)
	e, err := w.db.RequestException(ctx, person("omar", access.OnCall), finding.Exception{Resources: []finding.Covered{{Finding: id}}, Reason: "a public site", Risk: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.DecideException(ctx, person("clara", access.Compliance), e.ID, finding.Approve, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Attach(ctx, person("clara", access.Compliance), finding.Attachment{Control: "access", Slot: "access review", From: day(-60), To: day(0), Name: "../review Q1.pdf", Media: "application/pdf"}, []byte("%PDF")); err != nil {
		t.Fatal(err)
	}
	w.scan(day(2), account("111122223333"), trails, nil)
	w.scan(day(2).Add(time.Hour), account("444455556666"), trails, []thing{aBucket("site", true), aBucket("data", false, "public")})
	return w, w.head(day(3))
}

// files reads every file of a directory.
func readAll(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
