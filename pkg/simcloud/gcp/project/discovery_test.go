package project_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collect "github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/gcp/rest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

// discovery is the part of Google's discovery documents that describes answers.
type discovery struct {
	RootURL     string                 `json:"rootUrl"`
	ServicePath string                 `json:"servicePath"`
	Schemas     map[string]*jsonSchema `json:"schemas"`
	discoveredMethods
}

type discoveredMethods struct {
	Methods map[string]struct {
		ID       string `json:"id"`
		Path     string `json:"path"`
		FlatPath string `json:"flatPath"`
		Response struct {
			Ref string `json:"$ref"`
		} `json:"response"`
	} `json:"methods"`
	Resources map[string]discoveredMethods `json:"resources"`
}

type jsonSchema struct {
	Ref        string                 `json:"$ref"`
	Type       string                 `json:"type"`
	Format     string                 `json:"format"`
	Enum       []string               `json:"enum"`
	Properties map[string]*jsonSchema `json:"properties"`
	Additional *jsonSchema            `json:"additionalProperties"`
	Items      *jsonSchema            `json:"items"`
}

// answerSchema is what a method answers with, and the document that names its parts.
type answerSchema struct {
	schema *jsonSchema
	in     *discovery
}

// answerSchemas reads the discovery documents that come with the SDK, for the methods that readers call.
func answerSchemas(t *testing.T) map[string]answerSchema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatalf("find google.golang.org/api: %v", err)
	}
	imports, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "github.com/plumbline-dev/plumbline/collectors/gcp").Output()
	if err != nil {
		t.Fatalf("list the readers' imports: %v", err)
	}
	called := map[string]rest.Method{}
	for _, m := range rest.Methods() {
		called[m.ID] = m
	}
	out := map[string]answerSchema{}
	for _, path := range strings.Fields(string(imports)) {
		api, ok := strings.CutPrefix(path, "google.golang.org/api/")
		if !ok {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), api, "*-api.json"))
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := &discovery{}
			if err := json.Unmarshal(data, d); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			d.collect(d.discoveredMethods, called, out)
		}
	}
	for id := range called {
		if out[id].schema == nil {
			t.Errorf("no discovery document describes %s", id)
		}
	}
	return out
}

func (d *discovery) collect(m discoveredMethods, called map[string]rest.Method, out map[string]answerSchema) {
	for _, method := range m.Methods {
		if "/"+d.ServicePath+cmp.Or(method.FlatPath, method.Path) == called[method.ID].Path {
			out[method.ID] = answerSchema{&jsonSchema{Ref: method.Response.Ref}, d}
		}
	}
	for _, inner := range m.Resources {
		d.collect(inner, called, out)
	}
}

// check returns what in a value does not fit the schema.
func (d *discovery) check(s *jsonSchema, v any, path string) []string {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	wrong := func(want string) []string { return []string{fmt.Sprintf("%s: got %v, want %s", path, v, want)} }
	switch s.Type {
	case "object":
		members, ok := v.(map[string]any)
		if !ok {
			return wrong("an object")
		}
		var out []string
		for name, member := range members {
			switch {
			case s.Properties[name] != nil:
				out = append(out, d.check(s.Properties[name], member, path+"."+name)...)
			case s.Additional != nil:
				out = append(out, d.check(s.Additional, member, path+"["+name+"]")...)
			default:
				out = append(out, path+"."+name+": the schema has no such member")
			}
		}
		return out
	case "array":
		elements, ok := v.([]any)
		if !ok {
			return wrong("an array")
		}
		var out []string
		for i, e := range elements {
			out = append(out, d.check(s.Items, e, path+"["+strconv.Itoa(i)+"]")...)
		}
		return out
	case "string":
		text, ok := v.(string)
		switch {
		case !ok:
			return wrong("a string")
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
			return wrong("one of " + strings.Join(s.Enum, ", "))
		case s.Format == "int64" || s.Format == "uint64":
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return wrong("an integer in a string")
			}
		case s.Format == "date-time" || s.Format == "google-datetime":
			if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
				return wrong("a time")
			}
		case s.Format == "google-duration":
			if _, err := time.ParseDuration(text); err != nil || !strings.HasSuffix(text, "s") {
				return wrong(`a duration such as "7776000s"`)
			}
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong("a boolean")
		}
	case "integer", "number":
		if _, ok := v.(float64); !ok {
			return wrong("a number")
		}
	}
	return nil
}

// fill makes a value in which every member of the schema is set. Objects that hold themselves end after two levels.
func (d *discovery) fill(s *jsonSchema, name string, open map[string]int) any {
	if s.Ref != "" {
		if open[s.Ref] >= 2 {
			return nil
		}
		open[s.Ref]++
		defer func() { open[s.Ref]-- }()
		return d.fill(d.Schemas[s.Ref], name, open)
	}
	switch s.Type {
	case "object":
		out := map[string]any{}
		for member, inner := range s.Properties {
			if member == "nextPageToken" || member == "pageToken" { // one page is enough
				continue
			}
			if v := d.fill(inner, member, open); v != nil {
				out[member] = v
			}
		}
		if s.Additional != nil {
			if v := d.fill(s.Additional, name, open); v != nil {
				out["key"] = v
			}
		}
		return out
	case "array":
		if v := d.fill(s.Items, name, open); v != nil {
			return []any{v}
		}
		return []any{}
	case "boolean":
		return true
	case "integer", "number":
		return 7
	case "string":
		switch {
		case len(s.Enum) > 0:
			return s.Enum[len(s.Enum)-1]
		case s.Format == "int64" || s.Format == "uint64":
			return "7"
		case s.Format == "date-time" || s.Format == "google-datetime":
			return "2026-01-02T03:04:05Z"
		case s.Format == "google-duration":
			return "7776000s"
		case s.Format == "byte":
			return "cGx1bWI="
		case strings.HasSuffix(strings.ToLower(name), "name"):
			return "projects/acme-production/locations/europe-west1/things/one"
		}
		return "text"
	}
	return "anything"
}

// witnessed passes requests on and keeps what each method answered.
type witnessed struct {
	base    http.RoundTripper
	mu      sync.Mutex
	answers map[string][][]byte
}

func (w *witnessed) RoundTrip(r *http.Request) (*http.Response, error) {
	m, _, _ := rest.Match(r.URL.Host, r.Method, r.URL)
	resp, err := w.base.RoundTrip(r)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[m.ID] = append(w.answers[m.ID], body)
	return resp, err
}

// TestAnswersFitTheDiscoveryDocuments holds every answer of the simulated cloud against Google's own description of it.
func TestAnswersFitTheDiscoveryDocuments(t *testing.T) {
	schemas := answerSchemas(t)
	answers := 0
	check := func(c *trial.Cloud, tick int) {
		c.At(tick)
		for _, account := range c.World.Accounts[:2] {
			w := &witnessed{base: fault.InMemory(c.Server), answers: map[string][][]byte{}}
			if _, err := c.Read(t, account, w); err != nil {
				t.Fatal(err)
			}
			for id, bodies := range w.answers {
				complaints := map[string]bool{}
				for _, body := range bodies {
					var v any
					if err := json.Unmarshal(body, &v); err != nil {
						t.Fatalf("%s: %v", id, err)
					}
					answers++
					for _, complaint := range schemas[id].in.check(schemas[id].schema, v, "") {
						complaints[complaint] = true
					}
				}
				for i, complaint := range slices.Sorted(maps.Keys(complaints)) {
					if i < 5 {
						t.Errorf("%s%s", id, complaint)
					}
				}
			}
		}
	}
	for _, tick := range []int{faultTick, 70} {
		check(newCloud(t, 2), tick)
		check(newCloud(t, 2, withInventory), tick)
	}
	t.Logf("%d answers of %d methods checked", answers, len(schemas))
}

// TestReadersTakeEveryMember answers every method with every member of its schema set. Readers must take it: all cells end
// complete, and every type has resources.
func TestReadersTakeEveryMember(t *testing.T) {
	schemas := answerSchemas(t)
	c := newCloud(t, 100)
	full := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, _, ok := rest.Match(r.Host, r.Method, r.URL)
		if !ok {
			http.Error(w, "no such method", http.StatusNotFound)
			return
		}
		var answer any
		switch m.ID {
		case "cloudresourcemanager.projects.getAncestry", "cloudresourcemanager.projects.testIamPermissions",
			"serviceusage.services.list": // what decides on everything else stays as it is
			recorder := httptest.NewRecorder()
			c.Server.ServeHTTP(recorder, r)
			answer = json.RawMessage(recorder.Body.Bytes())
		default:
			answer = schemas[m.ID].in.fill(schemas[m.ID].schema, "", map[string]int{})
			strip(answer)
		}
		body, _ := json.Marshal(answer) // maps, lists and strings
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	found := map[string]bool{}
	c.At(faultTick)
	for _, account := range c.World.Accounts[:2] {
		collected, err := c.Read(t, account, fault.InMemory(full))
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range collected.Cells {
			if cause, gap := cell.Gap(); gap {
				t.Errorf("%s %s ends %s: %v", cell.Type, cell.Region, cell.State, cause)
			}
		}
		for _, r := range collected.Resources {
			found[r.Type] = true
			for _, u := range r.Unread {
				if u.Reason == posture.ReasonParseError {
					t.Errorf("%s %s: %s is unread: %v", r.Type, r.ID, u.Path, u.Cause)
				}
			}
		}
	}
	for _, kind := range collect.Filled() {
		if !found[kind] {
			t.Errorf("no %s came of an answer with every member set", kind)
		}
	}
}

// strip takes away what says that an answer is not whole: the schema has it, and a reader is right to heed it.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"unreachable", "warning", "warnings", "missingZones", "nextPageToken", "unreachables"} {
			delete(v, name)
		}
		for _, inner := range v {
			strip(inner)
		}
	case []any:
		for _, inner := range v {
			strip(inner)
		}
	}
}
