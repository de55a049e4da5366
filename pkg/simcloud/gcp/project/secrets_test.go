package project_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/rest"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// planter puts secrets into the answers of the simulated cloud, wherever people put them. Each has a mark to find it by.
type planter struct {
	mu      sync.Mutex
	base    http.RoundTripper
	planted map[string]int // secrets in the answers, by method
	n       int
}

var mark = regexp.MustCompile(`pl4nted\d{5}`)

// secret is the next one: a password, or something that gives itself away by its form.
func (p *planter) secret() string {
	p.n++
	core := fmt.Sprintf("pl4nted%05d", p.n)
	switch p.n % 5 {
	case 0:
		return "postgres://orders:" + core + "@10.30.0.7/orders"
	case 1:
		return "-----BEGIN " + "PRIVATE KEY-----\n" + core + "\n-----END " + "PRIVATE KEY-----"
	case 2:
		return "AIza" + "SyB" + core + strings.Repeat("x", 20)
	case 3:
		return "Server=db;Password=" + core + ";"
	}
	return core
}

// plantings say where a method's answers get secrets: at every object at the path, the members that put adds.
var plantings = []struct {
	method string
	path   string
	put    func(at map[string]any, secret func() string)
}{
	{"run.projects.locations.services.list", "services.*.template.containers.*", func(at map[string]any, secret func() string) {
		list, _ := at["env"].([]any)
		for _, name := range leaky {
			list = append(list, map[string]any{"name": name, "value": secret()})
		}
		at["env"], at["args"], at["command"] = list, []any{"--token", secret()}, []any{"serve", secret()}
		at["startupProbe"] = map[string]any{"httpGet": map[string]any{"httpHeaders": []any{map[string]any{"name": "Authorization", "value": secret()}}}}
		at["sourceCode"] = map[string]any{"inlinedSource": map[string]any{"sources": []any{map[string]any{"filename": "main.js", "content": secret()}}}}
	}},
	{"run.projects.locations.services.list", "services.*", func(at map[string]any, secret func() string) {
		at["annotations"] = map[string]any{"note": secret()}
		at["buildConfig"] = map[string]any{"environmentVariables": map[string]any{"NPM_TOKEN": secret()}}
	}},
	{"cloudfunctions.projects.locations.functions.list", "functions.*.serviceConfig.environmentVariables", plantVariables},
	{"cloudfunctions.projects.locations.functions.list", "functions.*.buildConfig", func(at map[string]any, secret func() string) {
		at["environmentVariables"] = map[string]any{"NPM_TOKEN": secret()}
		at["sourceToken"] = secret()
	}},
	{"cloudfunctions.projects.locations.functions.list", "functions.*.buildConfig.source.storageSource", func(at map[string]any, secret func() string) {
		at["sourceUploadUrl"] = "https://storage.googleapis.com/uploads/1?X-Goog-Signature=" + secret()
	}},
	{"dataproc.projects.regions.clusters.list", "clusters.*.config.gceClusterConfig.metadata", plantVariables},
	{"dataproc.projects.regions.clusters.list", "clusters.*.config.softwareConfig.properties", plantVariables},
	{"clouddeploy.projects.locations.targets.list", "targets.*.deployParameters", plantVariables},
	{"clouddeploy.projects.locations.deliveryPipelines.list", "deliveryPipelines.*.serialPipeline.stages.*", func(at map[string]any, secret func() string) {
		at["deployParameters"] = []any{map[string]any{"values": map[string]any{"password": secret()}}}
	}},
	{"pubsub.projects.topics.list", "topics.*", func(at map[string]any, secret func() string) {
		at["messageTransforms"] = []any{map[string]any{"javascriptUdf": map[string]any{"functionName": "f", "code": "const token = '" + secret() + "'"}}}
	}},
	{"compute.instances.aggregatedList", "items.*.instances.*", plantMetadata("metadata")},
	{"compute.projects.get", "", plantMetadata("commonInstanceMetadata")},
}

// leaky are the names of variables that hold a secret afterwards.
var leaky = []string{"ADMIN_PASSWORD", "DB_PASSWORD_2", "PRIVATE_KEY", "SESSION_SECRET", "UPSTREAM_TOKEN"}

func plantVariables(at map[string]any, secret func() string) {
	for _, name := range leaky {
		at[name] = secret()
	}
}

func plantMetadata(member string) func(map[string]any, func() string) {
	return func(at map[string]any, secret func() string) {
		at[member] = map[string]any{"items": []any{
			map[string]any{"key": "startup-script", "value": "#!/bin/sh\nexport DB_PASSWORD='" + secret() + "'\n"},
			map[string]any{"key": "api-key", "value": secret()},
		}}
	}
}

// objects are those at a path whose parts are members, or "*" for every member or element.
func objects(v any, path string) []map[string]any {
	if path == "" {
		if object, ok := v.(map[string]any); ok {
			return []map[string]any{object}
		}
		return nil
	}
	part, rest, _ := strings.Cut(path, ".")
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if part == "*" || part == name {
				out = append(out, objects(inner, rest)...)
			}
		}
	case []any:
		for _, inner := range v {
			out = append(out, objects(inner, rest)...)
		}
	}
	return out
}

// RoundTrip implements http.RoundTripper.
func (p *planter) RoundTrip(r *http.Request) (*http.Response, error) {
	m, _, _ := rest.Match(r.URL.Host, r.Method, r.URL)
	resp, err := p.base.RoundTrip(r)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.n
	for _, planting := range plantings {
		if planting.method == m.ID {
			for _, object := range objects(answer, planting.path) {
				planting.put(object, p.secret)
			}
		}
	}
	p.planted[m.ID] += p.n - before
	if p.n > before {
		body, err = json.Marshal(answer)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

// TestNoSecretLeavesTheReaders: of the secrets in what the cloud answers not one is in the resources, in the bodies that are
// kept, or in what the verdicts say.
func TestNoSecretLeavesTheReaders(t *testing.T) {
	c := newCloud(t, 100)
	c.At(faultTick)
	p := &planter{base: fault.InMemory(c.Server), planted: map[string]int{}}
	journal := transport.NewJournal()
	opened, err := c.Open(context.Background(), c.World.Accounts[1], p, transport.Options{Clock: c.Clock, Journal: journal, RedactKey: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(context.Background(), opened, c.Clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, planting := range plantings {
		if p.planted[planting.method] == 0 {
			t.Errorf("no secret in the answers of %s: nothing is proved of it", planting.method)
		}
	}
	look := func(where string, text []byte) {
		for _, found := range mark.FindAll(text, 3) {
			t.Errorf("%s holds secret %s: %.300s", where, found, text)
		}
	}
	types := map[string]*posture.Type{}
	for _, kind := range collected.Types {
		types[kind.Name] = kind
	}
	for _, r := range collected.Resources {
		text, err := json.Marshal(map[string]any{"id": r.ID, "attributes": types[r.Type].Encode(r.Attributes, nil), "unread": r.Unread})
		if err != nil {
			t.Fatal(err)
		}
		look(r.Type, text)
	}
	sealing, _, err := c.Judge.Judge(collected, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sealing.Resources {
		look("sealed "+r.Key.Type, r.JSON)
	}
	failing := 0
	for _, v := range sealing.Verdicts {
		look("verdict of "+v.RuleID, []byte(v.Reason))
		if v.RuleID == "gcp-run-service-no-plaintext-secrets" && v.Result == posture.Fail {
			failing++
		}
	}
	if failing == 0 {
		t.Error("no service fails for its secrets")
	}
	for _, body := range journal.Bodies() {
		look("stored body", body.Data)
	}
	calls, err := json.Marshal(journal.Calls())
	if err != nil {
		t.Fatal(err)
	}
	look("journal", calls)
	suspects := map[string][]string{}
	for _, r := range collected.Resources {
		switch a := r.Attributes.(type) {
		case *schema.RunService:
			suspects[r.ID] = a.EnvSuspectNames
		case *schema.Function:
			suspects[r.ID] = a.EnvSuspectNames
		}
	}
	for id, names := range suspects {
		for _, name := range leaky {
			if !slices.Contains(names, name) {
				t.Errorf("%s: %s is not among the suspects %v", id, name, names)
			}
		}
	}
}
