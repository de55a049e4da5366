package web

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// TestHostileRequests sends every operation of the API's own description what fits it, what nearly does, and what nobody would send, as
// people of several roles: no answer may be a 500, and no refusal may be missing from the audit log. It lasts two seconds, five minutes
// with PLUMBLINE_LONG, or PLUMBLINE_FUZZ_SECONDS.
func TestHostileRequests(t *testing.T) {
	lasting := 2 * time.Second
	if os.Getenv("PLUMBLINE_LONG") != "" {
		lasting = 5 * time.Minute
	}
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_FUZZ_SECONDS")); err == nil {
		lasting = time.Duration(n) * time.Second
	}
	s := newSite(t)
	account := s.filled(t)
	findings, err := s.db.Findings(t.Context(), store.FindingFilter{})
	if err != nil || len(findings) == 0 {
		t.Fatal("no findings", err)
	}
	callers := []*caller{
		{site: s}, s.person(t, "viewer", role(access.Viewer)), s.person(t, "oncall", role(access.OnCall)),
		s.person(t, "compliance", role(access.Compliance)), s.person(t, "admin", role(access.Admin)),
		s.person(t, "elsewhere", access.Grant{Role: access.Viewer, Scopes: []string{"gcp:*"}}),
	}
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
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	words := []string{
		"", "0", "1", "-1", "2", "99999999999999999999", "1e9", "true", "null", account, "aws:*", findings[0].ID, "F-none", "x", "logs", "global", "aws.s3.bucket", "open", "fail",
		"2026-03-01", "2026-03-02T05:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-40", "../../etc/passwd", "%00", "\x00", "\xff\xfe", "' OR 1=1 --", "<script>",
		"\u202eabc", strings.Repeat("a", 3000), "ann@example.com", "bnVsbA", "W10", "e30", "eyJUeXBlIjoxfQ", `{"a":`, "[]", `"`, "🦉",
	}
	var value func(schema *huma.Schema, depth int) string
	value = func(schema *huma.Schema, depth int) string {
		if schema != nil && schema.Ref != "" {
			schema = api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		}
		if schema == nil || random.IntN(8) == 0 || depth > 4 {
			return pick([]string{"null", "1", "-1", "true", `"x"`, "[]", "{}", "[[[[]]]]", `"\u0000"`, "1e400", `{"a":{"b":[]}}`, strconv.Quote(pick(words))})
		}
		switch schema.Type {
		case "object":
			var parts []string
			for name, inner := range schema.Properties {
				if random.IntN(6) > 0 {
					parts = append(parts, strconv.Quote(name)+":"+value(inner, depth+1))
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
		return strconv.Quote(strings.ToValidUTF8(pick(words), "?"))
	}
	count := map[int]int{}
	requests, refused := 0, 0
	for began := time.Now(); time.Since(began) < lasting; requests++ {
		o, c := operations[random.IntN(len(operations))], callers[random.IntN(len(callers))]
		path, query := o.Path, url.Values{}
		for _, p := range o.Parameters {
			text := pick(words)
			if p.Schema != nil && len(p.Schema.Enum) > 0 && random.IntN(2) == 0 {
				text = p.Schema.Enum[random.IntN(len(p.Schema.Enum))].(string)
			}
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
			case p.In == "query" && random.IntN(2) == 0:
				query.Add(p.Name, text)
			}
		}
		var body io.Reader
		kind := pick([]string{"application/json", "application/json", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/cbor", ""})
		if o.RequestBody != nil && random.IntN(10) > 0 {
			for media, content := range o.RequestBody.Content {
				if body = strings.NewReader(value(content.Schema, 0)); media != "application/json" {
					body = strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"=a\"\r\n\r\n" + pick(words) + "\r\n--x\r\nContent-Disposition: form-data; name=\"" +
						pick([]string{"control", "slot", "period_from", "period_to"}) + "\"\r\n\r\n" + pick(words) + "\r\n--x--\r\n")
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
		if c.cookie != nil {
			r.AddCookie(c.cookie)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		count[w.Code]++
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %s?%s: %d %s\n%s", o.Method, path, query.Encode(), w.Code, w.Body, s.log.String()[max(0, s.log.Len()-2000):])
		case w.Code == 401 || w.Code == 403:
			refused++
		case w.Code == 429: // these limits are tried elsewhere
			time.Sleep(20 * time.Millisecond)
		}
	}
	logged, err := s.db.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil || len(logged) < refused {
		t.Errorf("%d refused, and %d entries in the audit log, %v", refused, len(logged), err)
	}
	t.Logf("%d requests to %d operations by %d people: %v", requests, len(operations), len(callers), count)
}
