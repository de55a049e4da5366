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

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// TestHostileRequests sends every operation of the API's own description what fits it, what nearly does, and what nobody would send, as
// people of several roles: no answer may be a 500, and no refusal may be missing from the audit log. It lasts five seconds, five minutes
// with PLUMBLINE_LONG, or PLUMBLINE_FUZZ_SECONDS.
func TestHostileRequests(t *testing.T) {
	lasting := 5 * time.Second
	if os.Getenv("PLUMBLINE_LONG") != "" {
		lasting = 5 * time.Minute
	}
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_FUZZ_SECONDS")); err == nil {
		lasting = time.Duration(n) * time.Second
	}
	s := newSite(t)
	s.server.callers, s.server.nobodies = newLimits(1e9, 1e9), newLimits(1e9, 1e9)
	it := s.furnished(t)
	if _, err := s.db.Attach(t.Context(), boss, finding.Attachment{
		Control: "availability-backup", Slot: "Restore test", From: plumbtest.Day(0), To: plumbtest.Day(90), Name: "a"}, []byte("a")); err != nil {
		t.Fatal(err)
	}
	until := posture.Some(time.Now().Add(24 * time.Hour))
	type fuzzer struct {
		*caller
		as access.Actor
	}
	cast := 0
	fuzzersAnew := func() []fuzzer { // now and then: administrators take roles away, also their own
		cast++
		all := []fuzzer{{caller: &caller{site: s}}}
		for i, g := range []access.Grant{
			role(access.Viewer), role(access.OnCall), role(access.Compliance), role(access.RuleLead), role(access.Admin),
			{Role: access.Auditor, Audit: "a-1", Until: until}, {Role: access.Viewer, Scopes: []string{"gcp:*"}},
		} {
			name := fmt.Sprintf("fuzzer-%d-%d", cast, i)
			all = append(all, fuzzer{s.person(t, name, g), access.Actor{ID: name, Kind: access.Person, Roles: []access.Role{g.Role}, Scopes: g.Scopes, Audit: g.Audit}})
		}
		name := fmt.Sprintf("here-%d", cast)
		return append(all, fuzzer{
			s.token(t, name, fmt.Sprintf("fuzzer-%d-1", cast), time.Hour, []access.Role{access.OnCall}, it.account),
			access.Actor{ID: name, Kind: access.Token, Roles: []access.Role{access.OnCall}, Scopes: []string{it.account}},
		})
	}
	fuzzers := fuzzersAnew()
	api := newAPI(http.NewServeMux(), "test")
	(&server{}).register(api)
	var operations []*huma.Operation
	for _, item := range api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post} {
			if o != nil {
				operations = append(operations, o)
			}
		}
	}
	random := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	began := time.Now()
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	words := []string{
		"", "0", "1", "-1", "2", "99999999999999999999", "1e9", "true", "null", it.account, "aws:*", it.finding, it.exception, it.alert, "F-none", plumbtest.Rule, "x", "logs", "global", "aws.s3.bucket", "open", "fail", "viewer", "on_call",
		"2026-03-01", "2026-03-02T05:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-40", "../../etc/passwd", "%00", "\x00", "\xff\xfe", "' OR 1=1 --", "<script>",
		"\u202eabc", strings.Repeat("a", 3000), "ann@example.com", "bnVsbA", "W10", "e30", "eyJUeXBlIjoxfQ", `{"a":`, "[]", `"`, "🦉",
	}
	var value func(schema *huma.Schema, depth int) string
	value = func(schema *huma.Schema, depth int) string {
		if schema != nil && schema.Ref != "" {
			schema = api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		}
		if schema == nil || random.IntN(20) == 0 || depth > 4 {
			return pick([]string{"null", "1", "-1", "true", `"x"`, "[]", "{}", "[[[[]]]]", `"\u0000"`, "1e400", `{"a":{"b":[]}}`, strconv.Quote(pick(words))})
		}
		switch schema.Type {
		case "object":
			var parts []string
			for name, inner := range schema.Properties {
				if random.IntN(10) > 0 {
					text := value(inner, depth+1)
					if fits, ok := map[string]string{
						"email": fmt.Sprintf("new-%d@example.com", random.IntN(1e6)), "user": fmt.Sprintf("fuzzer-%d-0@example.com", cast), "name": fmt.Sprintf("n%d", random.IntN(1e6)),
						"connection": "main", "assignee": "ann@example.com", "reason": "a reason", "risk": "a risk", "reference": "CHG-1",
					}[name]; ok && random.IntN(4) > 0 {
						text = strconv.Quote(fits)
					}
					parts = append(parts, strconv.Quote(name)+":"+text)
				}
			}
			return "{" + strings.Join(parts, ",") + "}"
		case "array":
			var parts []string
			for range random.IntN(4) {
				parts = append(parts, value(schema.Items, depth+1))
			}
			return "[" + strings.Join(parts, ",") + "]"
		case "integer":
			return strconv.Itoa(random.IntN(5) - 1)
		case "boolean":
			return pick([]string{"true", "false"})
		}
		if len(schema.Enum) > 0 && random.IntN(4) > 0 {
			return strconv.Quote(schema.Enum[random.IntN(len(schema.Enum))].(string))
		}
		if schema.Format == "date-time" && random.IntN(4) > 0 {
			return strconv.Quote(time.Now().AddDate(0, 0, random.IntN(60)-10).Format(time.RFC3339))
		}
		return strconv.Quote(strings.ToValidUTF8(pick(words), "?"))
	}
	count, answered := map[int]int{}, map[string]int{}
	requests, refused := 0, 0
	for ; time.Since(began) < lasting; requests++ {
		if requests%300 == 299 {
			fuzzers = fuzzersAnew()
		}
		o, c := operations[random.IntN(len(operations))], fuzzers[random.IntN(len(fuzzers))]
		for range 30 { // most requests come from who may make them
			p := permissions[o.OperationID]
			about := map[scope]string{whole: "", own: access.Own, inAudit: "audit/a-1"}
			at, ok := about[p.scope]
			if !ok {
				at = it.account
			}
			if access.Allows(c.as, p.Action, at) == nil || random.IntN(20) == 0 {
				break
			}
			c = fuzzers[random.IntN(len(fuzzers))]
		}
		path, query := o.Path, url.Values{}
		for _, p := range o.Parameters {
			text := pick(words)
			if fits, ok := map[string]string{"account": it.account, "type": plumbtest.Type, "region": plumbtest.Region, "id": "1", "audit": "a-1", "email": fmt.Sprintf("fuzzer-%d-0@example.com", cast)}[p.Name]; ok && random.IntN(4) > 0 {
				text = fits
				switch {
				case p.Name != "id":
				case strings.Contains(path, "/resource"):
					text = "logs"
				case strings.Contains(path, "/findings/"):
					text = it.finding
				case strings.Contains(path, "/rules/"):
					text = plumbtest.Rule
				}
			}
			if p.Schema != nil && len(p.Schema.Enum) > 0 && random.IntN(2) == 0 {
				text = p.Schema.Enum[random.IntN(len(p.Schema.Enum))].(string)
			}
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
			case p.In == "query" && p.Name == "cursor" && random.IntN(4) > 0: // most requests get past the check of it
			case p.In == "query" && (p.Required || random.IntN(5) == 0):
				query.Add(p.Name, text)
			}
		}
		if random.IntN(20) == 0 {
			query.Add(pick([]string{"account", "seq", "nothing"}), pick(words))
		}
		var body io.Reader
		kind := "application/json"
		if random.IntN(8) == 0 {
			kind = pick([]string{"text/plain", "multipart/form-data; boundary=x", "application/cbor", ""})
		}
		if o.RequestBody != nil && random.IntN(10) > 0 {
			for media, content := range o.RequestBody.Content {
				if body = strings.NewReader(value(content.Schema, 0)); media != "application/json" {
					kind = "multipart/form-data; boundary=x"
					var form strings.Builder
					for name, fits := range map[string]string{"control": "availability-backup", "slot": "Restore test", "period_from": "2026-01-01", "period_to": "2026-04-01"} {
						if random.IntN(8) == 0 {
							fits = pick(words)
						}
						fmt.Fprintf(&form, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, fits)
					}
					fmt.Fprintf(&form, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n%s\r\n--x--\r\n", pick(words), pick(words))
					body = strings.NewReader(form.String())
				}
			}
		}
		r := httptest.NewRequest(o.Method, "http://plumbline.test/", body)
		r.URL = &url.URL{Scheme: "http", Host: "plumbline.test", Opaque: "", RawQuery: query.Encode()}
		if u, err := url.Parse("http://plumbline.test" + path); err == nil {
			r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
		} else {
			continue
		}
		r.Header.Set("Content-Type", kind)
		switch {
		case c.cookie != nil:
			r.AddCookie(c.cookie)
		case c.token != "":
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		count[w.Code]++
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %s?%s: %d %s\n%s", o.Method, path, query.Encode(), w.Code, w.Body, s.log.String()[max(0, s.log.Len()-2000):])
		case w.Code == 401 || w.Code == 403:
			refused++
		case w.Code < 300:
			answered[o.OperationID]++
		}
	}
	logged, err := s.db.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil || len(logged) < refused {
		t.Errorf("%d refused, and %d entries in the audit log, %v", refused, len(logged), err)
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Error("something panicked")
	}
	var never []string
	for _, o := range operations {
		if answered[o.OperationID] == 0 {
			never = append(never, o.OperationID)
		}
	}
	slices.Sort(never)
	t.Logf("operations that nothing was good for: %v", never)
	t.Logf("%d requests to %d operations by %d people: %v", requests, len(operations), len(fuzzers), count)
}
