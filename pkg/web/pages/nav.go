package pages

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// section is an entry of the navigation.
type section struct {
	title, path string
	pairs       []string
}

var sections = []section{
	{"Overview", "/", nil},
	{"Findings", "/findings", []string{"active", "1"}},
	{"Unknown", "/verdicts", []string{"result", "unknown"}},
	{"Criteria", "/criteria", nil},
	{"Rules", "/rules", nil},
	{"Resources", "/resources", nil},
	{"Drift", "/drift", nil},
	{"Snapshots", "/snapshots", nil},
	{"Exceptions", "/exceptions", nil},
	{"Alerts", "/alerts", nil},
	{"Scans", "/scans", nil},
	{"Accounts", "/accounts", nil},
}

// current is the aria-current of a section's link, empty when the page belongs to another.
func (v *view) current(s section) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(v.path, "/"), "/")
	switch path {
	case "snapshot":
		path = "snapshots"
	case "resource":
		path = "resources"
	case "controls":
		path = "criteria"
	}
	switch {
	case "/"+path != s.path:
		return "false"
	case v.path == s.path:
		return "page"
	}
	return "true"
}

// day is the date that the time control holds, empty for now.
func (v *view) day() string {
	if v.given == "" || v.problem {
		return ""
	}
	return v.at.Format(time.DateOnly)
}

// kept are the parameters that a form hands on: all but those it sets, and the place within a list.
func (v *view) kept(except ...string) [][2]string {
	var out [][2]string
	for name, values := range v.query {
		for _, value := range values {
			if name != "after" && value != "" && !slices.Contains(except, name) {
				out = append(out, [2]string{name, value})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	return out
}

// longestLink bounds the bytes of a resource's id in an address.
const longestLink = 4000

func (v *view) resourceURL(account string, key posture.Key, pairs ...string) templ.SafeURL {
	return v.link("/resource", append([]string{"account", account, "type", key.Type, "region", key.Region, "id", key.ID}, pairs...)...)
}

func (v *view) ruleTitle(id string) string {
	if p, err := v.set.Program(id); err == nil {
		return p.Title
	}
	return "a rule that is no longer there"
}

// severityOf is the severity of a rule, low when it is no longer there.
func (v *view) severityOf(id string) string {
	if p, err := v.set.Program(id); err == nil {
		return string(p.Severity)
	}
	return "low"
}

const iconPath = "/static/plumbline.svg"

// icon is a plumb bob.
func icon(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#2f6f8f" d="M7.3 0h1.4v5H7.3zM4 5h8v3l-4 8-4-8z"/></svg>`))
}
