package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

func TestHealth(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/readyz":
			w.WriteHeader(http.StatusNoContent)
		case "/silent":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(site.Close)
	url := plumbtest.Database(t)
	named := write(t, "plumbline.yaml", "database: {url: \""+url+"\"}\n")
	nothing := write(t, "plumbline.yaml", "log: {level: info}\n")
	t.Setenv("PLUMBLINE_DATABASE_URL", "")
	for name, test := range map[string]struct {
		args string
		code int
		err  string
	}{
		"ready":                          {"--url " + site.URL + "/readyz", 0, ""},
		"not ready":                      {"--url " + site.URL + "/other", 1, "answered 503"},
		"no answer in time":              {"--timeout 50ms --url " + site.URL + "/silent", 1, "deadline exceeded"},
		"nobody listens":                 {"--url http://127.0.0.1:1/readyz", 1, "refused"},
		"no address":                     {"--url ::", 1, "missing protocol scheme"},
		"a database with the schema":     {"--database --timeout 1m --database-url " + url, 0, ""},
		"a database named by settings":   {"--database --timeout 1m --config " + named, 0, ""},
		"a database out of reach":        {"--database --database-url postgres://127.0.0.1:1/x", 1, "connect to database"},
		"settings that name no database": {"--database --config " + nothing, 1, "name a database"},
		"an argument that is not for it": {"now", 2, "unknown command"},
		"settings that are not there":    {"--database --config /nowhere.yaml", 1, "/nowhere.yaml"},
		"an address that is none":        {"--database --database-url postgres://127.0.0.1:x/", 1, "database address"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(t, append([]string{"health"}, strings.Fields(test.args)...)...)
			if code != test.code || !strings.Contains(errs, test.err) || out != "" {
				t.Errorf("exit code %d, want %d with %q\nstdout: %s\nstderr: %s", code, test.code, test.err, out, errs)
			}
		})
	}
}
