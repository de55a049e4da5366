package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// fleetWorld is many small accounts: AWS accounts and Google projects by turns.
func fleetWorld(accounts int) (w *world.World, connections string) {
	w = simcloud.Demo(time.Now())
	w.Accounts, w.Story = nil, nil
	var numbers, projects []string
	for i := range accounts {
		a := world.Account{AtMost: 1, Regions: []string{"eu-west-1"}}
		if i%2 == 0 {
			a.Account = posture.Account{Provider: "aws", ID: fmt.Sprintf("%012d", 200000000000+i), Name: fmt.Sprint("account ", i)}
			numbers = append(numbers, strconv.Quote(a.ID))
		} else {
			a.Account = posture.Account{Provider: "gcp", ID: fmt.Sprintf("acme-fleet-%d", i), Name: fmt.Sprint("project ", i)}
			a.Regions = []string{"europe-west1"}
			projects = append(projects, a.ID)
		}
		w.Accounts = append(w.Accounts, a)
	}
	return w, fmt.Sprintf("  - {name: amazon, aws: {accounts: [%s], role: plumbline-read}}\n  - {name: google, gcp: {projects: [%s]}}\n",
		strings.Join(numbers, ", "), strings.Join(projects, ", "))
}

// inbox counts what receivers got, by receiver and delivery.
type inbox struct {
	mu  sync.Mutex
	got map[string]map[string]int
}

var deliveryID = regexp.MustCompile(`D-[0-9]+`)

func (b *inbox) add(receiver, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.got[receiver] == nil {
		b.got[receiver] = map[string]int{}
	}
	b.got[receiver][deliveryID.FindString(text)]++
}

// serve is an HTTP receiver that takes everything.
func (b *inbox) serve(t *testing.T, receiver string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var headers strings.Builder
		_ = r.Header.Write(&headers)
		b.add(receiver, headers.String()+string(body))
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"status":"success"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// mail is an SMTP server that takes everything.
func (b *inbox) mail(t *testing.T, receiver string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				fmt.Fprint(conn, "220 receiver\r\n")
				var message strings.Builder
				for data := false; lines.Scan(); {
					switch line := lines.Text(); {
					case data && line == ".":
						b.add(receiver, message.String())
						data = false
						message.Reset()
						fmt.Fprint(conn, "250 taken\r\n")
					case data:
						message.WriteString(line + "\n")
					case strings.HasPrefix(line, "DATA"):
						data = true
						fmt.Fprint(conn, "354 go on\r\n")
					case strings.HasPrefix(line, "QUIT"):
						fmt.Fprint(conn, "221 bye\r\n")
						return
					default:
						fmt.Fprint(conn, "250 ok\r\n")
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func buildProgram(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "plumbline")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// fleetEnvironment leads a program to the simulated clouds, with the keys of the first account.
func fleetEnvironment(t *testing.T, cloud *simcloud.Cloud) []string {
	keys := simaws.Credentials(cloud.World.Accounts[0].ID)
	return append(os.Environ(), "PLUMBLINE_DATA_DIR="+t.TempDir(), "PLUMBLINE_AZURE_ENDPOINT=http://"+cloud.Addr, "PLUMBLINE_GCP_ENDPOINT=http://"+cloud.Addr,
		"AWS_ENDPOINT_URL=http://"+cloud.Addr, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey)
}

// TestServiceSurvivesKills runs two services and three workers on one database, kills one of them again and again, and then
// counts: no account read by two at once, none skipped, every transition in one alert, every alert with every receiver, and no job
// left over. PLUMBLINE_LONG makes it 200 accounts and five minutes.
func TestServiceSurvivesKills(t *testing.T) {
	accounts, lasting, every := 20, 45*time.Second, "12s"
	if os.Getenv("PLUMBLINE_LONG") != "" {
		accounts, lasting, every = 200, 5*time.Minute, "90s"
	}
	if text := os.Getenv("PLUMBLINE_CHAOS"); text != "" { // "accounts seconds"
		var seconds int
		if _, err := fmt.Sscan(text, &accounts, &seconds); err != nil {
			t.Fatal(err)
		}
		lasting = time.Duration(seconds) * time.Second
	}
	w, connections := fleetWorld(accounts)
	cloud, err := simcloud.Start("127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	box := &inbox{got: map[string]map[string]int{}}
	settings := write(t, "plumbline.yaml", fmt.Sprintf(`
server: {listen: "127.0.0.1:0", url: "http://127.0.0.1:8080"}
worker: {scans: 3, quota_share: 1}
log: {level: warn}
connections:
%s
schedules:
  - {name: often, cron: "@every %s", connections: [amazon, google]}
alerts:
  receivers:
    - {name: slack, slack: {url: %q}}
    - {name: pager, pagerduty: {url: %q, routing_key: key}}
    - {name: manager, alertmanager: {url: %q}}
    - {name: hook, webhook: {url: %q, secret: secret}}
    - {name: mail, email: {server: %q, tls: none, from: a@example.com, to: [b@example.com]}}
  routes:
    - {name: all, classes: [finding, coverage, monitoring, expiry], receivers: [slack, pager, manager, hook, mail]}
  damping: {flips: 0, window: 1h}
`, connections, every, box.serve(t, "slack"), box.serve(t, "pager"), box.serve(t, "manager"), box.serve(t, "hook"), box.mail(t, "mail")))

	url := plumbtest.Database(t)
	binary := buildProgram(t)
	env := fleetEnvironment(t, cloud)
	var logs sync.Map
	start := func(kind string) *exec.Cmd {
		cmd := exec.Command(binary, kind, "--config", settings, "--database-url", url)
		cmd.Env = env
		log := &strings.Builder{}
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		logs.Store(cmd, log)
		return cmd
	}
	kinds := []string{"serve", "serve", "worker", "worker", "worker"}
	var running []*exec.Cmd
	for _, kind := range kinds {
		running = append(running, start(kind))
	}
	t.Cleanup(func() {
		for _, cmd := range running {
			if cmd.ProcessState == nil {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		}
	})

	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for began := time.Now(); time.Since(began) < lasting; {
		time.Sleep(time.Duration(1000+random.IntN(3000)) * time.Millisecond)
		cloud.SetTick(int(30 * time.Since(began) / lasting)) // settings drift meanwhile
		i := random.IntN(len(running))
		if err := running[i].Process.Kill(); err != nil {
			log, _ := logs.Load(running[i])
			_ = running[i].Wait()
			t.Fatalf("a %s ended by itself: %v\n%s", kinds[i], err, log)
		}
		_ = running[i].Wait() // killed
		kills++
		running[i] = start(kinds[i])
	}

	ctx := t.Context()
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	count := func(sql string) (n int) {
		if err := db.QueryRow(ctx, sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	if _, err := db.Exec(ctx, `UPDATE schedules SET active = false`); err != nil { // let what is under way end
		t.Fatal(err)
	}
	const waiting = `SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')`
	for deadline := time.Now().Add(3 * time.Minute); count(waiting) > 0; time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			rows, _ := db.Query(ctx, `SELECT kind || ' ' || state::text || ' attempt ' || attempt || ' ' || coalesce(errors[array_length(errors, 1)]::text, '') FROM river_job
				WHERE state NOT IN ('completed', 'cancelled', 'discarded') LIMIT 20`)
			left, _ := pgx.CollectRows(rows, pgx.RowTo[string])
			t.Fatalf("jobs are left over:\n%s", strings.Join(left, "\n"))
		}
	}
	time.Sleep(2 * time.Second) // those that just began can hear by now
	for _, cmd := range running {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			log, _ := logs.Load(cmd)
			t.Errorf("did not stop cleanly: %v\n%s", err, log)
		}
	}

	for what, sql := range map[string]string{
		"snapshots of one run and account": `SELECT count(*) FROM (SELECT FROM snapshots GROUP BY account, run_id HAVING count(*) > 1) x`,
		"scans that overlap another of their account": `SELECT count(*) FROM snapshots a JOIN snapshots b ON b.account = a.account AND b.seq = a.seq + 1
			WHERE b.started_at < a.finished_at`,
		"scans that did not end well": `SELECT count(*) FROM scans WHERE state NOT IN ('sealed', 'skipped')`,
		"accounts that a run does not know": fmt.Sprintf(`SELECT count(*) FROM schedule_runs r
			WHERE (SELECT count(*) FROM scans s WHERE s.run_id = r.run_id) <> %d`, accounts),
		"skipped accounts without a later snapshot": `SELECT count(*) FROM scans s WHERE s.state = 'skipped' AND NOT EXISTS (
			SELECT FROM snapshots n WHERE n.account = s.account AND n.sealed_at > s.queued_at)`,
		"skipped for another reason than that an earlier run is late": `SELECT count(*) FROM scans WHERE state = 'skipped' AND error <> 'an earlier run still scans it'`,
		"jobs given up":    `SELECT count(*) FROM river_job WHERE state = 'discarded'`,
		"checkpoints left": `SELECT count(*) FROM scan_checkpoints`,
		"transitions that no alert tells of": `SELECT count(*) FROM finding_events e WHERE e.kind IN ('opened', 'reopened', 'resolved', 'gone', 'not_relevant')
			AND NOT EXISTS (SELECT FROM alert_events a WHERE a.account = e.account AND a.finding = e.finding AND a.event = e.n)`,
		"deliveries not sent": `SELECT count(*) FROM deliveries d WHERE NOT EXISTS (
			SELECT FROM delivery_attempts a WHERE a.account = d.account AND a.delivery = d.id AND a.state = 'sent')`,
	} {
		if n := count(sql); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}

	rows, err := db.Query(ctx, `SELECT d.receiver, 'D-' || d.id, (SELECT count(*) FROM delivery_attempts a WHERE a.account = d.account AND a.delivery = d.id AND a.state = 'sending') FROM deliveries d`)
	if err != nil {
		t.Fatal(err)
	}
	deliveries, repeated := 0, 0
	for rows.Next() {
		var receiver, id string
		var tries int
		if err := rows.Scan(&receiver, &id, &tries); err != nil {
			t.Fatal(err)
		}
		deliveries++
		switch n := box.got[receiver][id]; {
		case n == 0:
			t.Errorf("%s never got %s", receiver, id)
		case n > tries:
			t.Errorf("%s got %s %d times, in %d tries", receiver, id, n, tries)
		case n > 1: // killed between sending and noting it: the receiver tells by the id
			repeated++
		}
		delete(box.got[receiver], id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for receiver, rest := range box.got {
		if len(rest) > 0 {
			t.Errorf("%s got what was never to be delivered: %v", receiver, rest)
		}
	}
	if deliveries == 0 || kills == 0 || count(`SELECT count(*) FROM finding_events`) == 0 {
		t.Error("nothing happened")
	}
	summary, _ := json.Marshal(map[string]int{
		"accounts": accounts, "kills": kills, "runs": count(`SELECT count(*) FROM schedule_runs`), "snapshots": count(`SELECT count(*) FROM snapshots`),
		"late": count(`SELECT count(*) FROM scans WHERE state = 'skipped'`), "attempts": count(`SELECT sum(attempts) FROM scans`),
		"transitions": count(`SELECT count(*) FROM finding_events`), "alerts": count(`SELECT count(*) FROM alerts`), "deliveries": deliveries, "repeated": repeated,
	})
	t.Logf("%s", summary)
}
