package web

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	html "github.com/plumbline-dev/plumbline/pkg/web/pages"
)

// historySQL writes accounts whose resources each change every hundred days, with their verdicts by two rules, of which one in twenty
// fails, and findings. The rows are like those of sealing, a hundred times as fast.
const historySQL = `
INSERT INTO accounts SELECT 'aws:' || lpad(a::text, 12, '0'), 'aws', lpad(a::text, 12, '0') FROM generate_series(1, $accounts) a;
INSERT INTO snapshots (account, seq, account_name, run_id, trigger, started_at, finished_at, sealed_at, principal, tool, ruleset, root, log_index,
	resources, pass, fail, unknown, not_applicable, verdicts_digest)
SELECT 'aws:' || lpad(a::text, 12, '0'), d, 'account ' || a, 'run-' || d, 'schedule', day, day + interval '1 minute', day + interval '2 minutes', 'p', 'bench',
	'r1', sha256(''), (d - 1) * $accounts + a, $each, $each * 2 - $each / 10, $each / 10, 0, 0, sha256('')
FROM generate_series(1, $accounts) a, generate_series(1, $days) d, LATERAL (SELECT timestamptz '2025-01-01 04:00:00Z' + d * interval '1 day' AS day) t;
INSERT INTO cells SELECT account, seq, type, 'eu-west-1', CASE WHEN n = 5 THEN 'denied' ELSE 'complete' END,
	CASE WHEN n = 5 THEN '{"reason": "denied", "operation": "S3.ListBuckets"}'::jsonb END, started_at, finished_at, 1
FROM snapshots, unnest(ARRAY['aws.ec2.instance', 'aws.iam.role', 'aws.kms.key', 'aws.s3.bucket', 'aws.sqs.queue']) WITH ORDINALITY AS t(type, n);
CREATE TABLE bench AS
SELECT 'aws:' || lpad(a::text, 12, '0') COLLATE "C" AS account, i, f, CASE WHEN t <= $days THEN t END AS t,
	(ARRAY['aws.ec2.instance', 'aws.iam.role', 'aws.kms.key', 'aws.s3.bucket', 'aws.sqs.queue'])[i % 5 + 1] COLLATE "C" AS type,
	(ARRAY['eu-central-1', 'eu-west-1', 'us-east-1'])[i % 3 + 1] COLLATE "C" AS region, 'resource-' || lpad(i::text, 7, '0') COLLATE "C" AS id
FROM generate_series(1, $accounts) a, generate_series(1, $each) i,
	LATERAL (SELECT 1 AS f UNION SELECT d FROM generate_series(i % 100, $days, 100) d WHERE d > 1) v,
	LATERAL (SELECT f + (i % 100 - f % 100 + 99) % 100 + 1 AS t) n;
INSERT INTO contents SELECT account, sha256((id || '/' || f)::bytea), jsonb_build_object('attributes', jsonb_build_object(
	'name', id, 'generation', f, 'versioning', 'Enabled', 'arn', 'arn:aws:s3:::' || id, 'encryption', jsonb_build_object('algorithm', 'aws:kms', 'key',
	md5(id)), 'public_access_block', jsonb_build_object('acls', true, 'policy', true, 'ignore', true, 'restrict', true), 'tags', jsonb_build_object(
	'owner', 'platform', 'environment', 'production', 'cost_center', i % 97), 'logging', jsonb_build_object('bucket', 'access-logs', 'prefix', id)), 'unread', '[]'::jsonb)
FROM bench;
INSERT INTO resource_versions SELECT account, type, region, id, f, t, sha256((id || '/' || f)::bytea), false FROM bench;
INSERT INTO verdict_versions SELECT account, type, region, id, rule, 1, NULL, 1, 'v1', CASE WHEN (i + n) % 20 = 0 THEN 'fail' ELSE 'pass' END, 'as the benchmark says', NULL, sha256('')
FROM bench, unnest(ARRAY['$rule', 'aws-s3-bucket-public-access-blocked']) WITH ORDINALITY AS r(rule, n) WHERE f = 1;
INSERT INTO verdict_counts SELECT account, seq, rule, $each - $each / 20, $each / 20, 0, 0 FROM snapshots, unnest(ARRAY['$rule', 'aws-s3-bucket-public-access-blocked']) rule;
INSERT INTO findings (account, finding, type, region, id, rule_id, state, opened_at, first_at, at, recurrence, assignee, reference, exception, before_state, wrong_version, n)
SELECT account, 'F-' || left(md5(account || id || rule_id), 16), type, region, id, rule_id, 'open', day, day, day, 0, '', '', 0, '', '', 1
FROM verdict_versions, LATERAL (SELECT timestamptz '2025-01-02 04:00:00Z' + hashtext(id) % 100 * interval '1 day' AS day) t WHERE result = 'fail';
INSERT INTO finding_events (account, finding, n, at, recorded_at, kind, from_state, actor, seq, cause, note, about, state, opened_at, first_at, recurrence, assignee, reference, exception, before_state, wrong_version)
SELECT account, finding, 1, at, at, 'opened', '', '{"id": "engine", "kind": "machine"}', 1, 'configuration', '', 0, state, opened_at, first_at, 0, '', '', 0, '', '' FROM findings;
DROP TABLE bench;
ANALYZE;`

// BenchmarkReads prints requests per second and the 95th percentile of the main reads and of every page as of a random day: of 20,000 resources and 30
// snapshots in 10 accounts, or PLUMBLINE_BENCH_RESOURCES and PLUMBLINE_BENCH_SNAPSHOTS in PLUMBLINE_BENCH_ACCOUNTS.
func BenchmarkReads(b *testing.B) {
	size := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_BENCH_" + name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	accounts, days := size("ACCOUNTS", 10), size("SNAPSHOTS", 30)
	each := max(100, size("RESOURCES", 20_000)/accounts)
	s := newSite(b)
	s.server.callers = newLimits(1e9, 1e9)
	began := time.Now()
	plumbtest.Tamper(b, s.url, strings.NewReplacer("$accounts", fmt.Sprint(accounts), "$days", fmt.Sprint(days), "$each", fmt.Sprint(each), "$rule", plumbtest.Rule).Replace(historySQL))
	b.Logf("%d accounts of %d resources, %d snapshots of each, written in %s", accounts, each, days, time.Since(began).Round(time.Millisecond))
	c := s.person(b, "viewer", role(access.Viewer))
	account := func() string { return fmt.Sprintf("aws:%012d", rand.IntN(accounts)+1) }
	day := func() string {
		return time.Date(2025, 1, 2+rand.IntN(days), 12, 0, 0, 0, time.UTC).Format(time.RFC3339)
	}
	shown, err := html.New(html.Options{
		Store: s.db, Set: s.server.Set, Log: s.server.Log,
		Actor: func(*http.Request) (access.Actor, error) {
			return access.Actor{ID: "viewer@example.com", Kind: access.Person, Roles: []access.Role{access.Viewer}}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	shown.Routes(mux)
	page := func(path string, more ...string) func() string {
		return func() string {
			q := url.Values{"as_of": {day()}}
			for i := 0; i < len(more); i += 2 {
				q.Set(more[i], more[i+1])
			}
			return path + "?" + q.Encode()
		}
	}
	var sample list[resource]
	c.get(b, "/api/accounts/"+account()+"/resources?limit=500", 200, &sample)
	var found list[struct{ ID string }]
	c.get(b, "/api/findings?limit=500", 200, &found)
	one := func() url.Values {
		r := sample.Items[rand.IntN(len(sample.Items))]
		return url.Values{"account": {account()}, "type": {r.Type}, "region": {r.Region}, "id": {r.ID}, "as_of": {day()}}
	}
	for name, path := range map[string]func() string{
		"page overview": page("/"),
		"page findings": page("/findings"),
		"page finding": func() string {
			return "/findings/" + found.Items[rand.IntN(len(found.Items))].ID + "?as_of=" + time.Date(2025, 1, 2+max(days, 102), 12, 0, 0, 0, time.UTC).Format(time.RFC3339) // all are open by then
		},
		"page verdicts":    page("/verdicts", "result", "fail"),
		"page rules":       page("/rules"),
		"page rule":        page("/rules/" + plumbtest.Rule),
		"page criteria":    page("/criteria"),
		"page criterion":   page("/criteria/CC6.1"),
		"page control":     page("/controls/storage-no-public-access"),
		"page resources":   page("/resources", "type", "aws.s3.bucket"),
		"page resource":    func() string { return "/resource?" + one().Encode() },
		"page drift":       page("/drift"),
		"page snapshots":   page("/snapshots"),
		"page snapshot":    func() string { return "/snapshot?account=" + account() + "&seq=" + fmt.Sprint(1+rand.IntN(days)) },
		"page exceptions":  page("/exceptions"),
		"page alerts":      page("/alerts"),
		"page scans":       page("/scans"),
		"page accounts":    page("/accounts"),
		"accounts":         func() string { return "/api/accounts?as_of=" + day() },
		"criteria":         func() string { return "/api/criteria?as_of=" + day() },
		"gaps":             func() string { return "/api/gaps?as_of=" + day() },
		"snapshots":        func() string { return "/api/accounts/" + account() + "/snapshots?as_of=" + day() },
		"snapshot":         func() string { return "/api/accounts/" + account() + "/snapshot?as_of=" + day() },
		"resources":        func() string { return "/api/accounts/" + account() + "/resources?type=aws.s3.bucket&as_of=" + day() },
		"failing verdicts": func() string { return "/api/verdicts?result=fail&as_of=" + day() },
		"verdicts of a rule": func() string {
			return "/api/verdicts?rule=" + plumbtest.Rule + "&account=" + account() + "&as_of=" + day()
		},
		"findings":     func() string { return "/api/findings?active=true&as_of=" + day() },
		"findings now": func() string { return "/api/findings?active=true" },
		"finding":      func() string { return "/api/findings/" + found.Items[rand.IntN(len(found.Items))].ID },
		"drift":        func() string { return "/api/accounts/" + account() + "/drift?as_of=" + day() },
		"resource": func() string {
			r := sample.Items[rand.IntN(len(sample.Items))]
			return "/api/accounts/" + account() + "/resource?" + url.Values{"type": {r.Type}, "region": {r.Region}, "id": {r.ID}, "as_of": {day()}}.Encode()
		},
	} {
		answer := func(path string) *http.Response { return c.do("GET", path, nil) }
		if strings.HasPrefix(name, "page ") {
			answer = func(path string) *http.Response {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				return w.Result()
			}
		}
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				r := answer(path())
				took = append(took, time.Since(began))
				if r.StatusCode != http.StatusOK {
					body, _ := io.ReadAll(r.Body)
					b.Fatalf("%d %s", r.StatusCode, body)
				}
			}
			slices.Sort(took)
			var total time.Duration
			for _, d := range took {
				total += d
			}
			b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
			b.ReportMetric(float64(len(took))/total.Seconds(), "req/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
