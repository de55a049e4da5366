package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// between stands between the program and a simulated cloud, and changes answers.
type between struct {
	url     string
	extra   atomic.Bool // the inventories have one resource that no service lists
	down    atomic.Bool // the inventories are down
	without atomic.Value
}

func standBetween(t *testing.T, cloud string) *between {
	t.Helper()
	b := &between{}
	b.without.Store("")
	target, err := url.Parse(cloud)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // tells the clouds apart
		},
		ModifyResponse: func(r *http.Response) error {
			asset, graph := strings.Contains(r.Request.URL.Path, ":searchAllResources"), strings.Contains(r.Request.URL.Path, "Microsoft.ResourceGraph")
			buckets := strings.HasSuffix(r.Request.URL.Path, "/storage/v1/b")
			if b.down.Load() && (asset || graph) {
				r.StatusCode = http.StatusForbidden
				r.Body = io.NopCloser(strings.NewReader(`{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}`))
				r.ContentLength = -1
				r.Header.Del("Content-Length")
				return nil
			}
			if !asset && !graph && !buckets || r.StatusCode != http.StatusOK {
				return nil
			}
			var answer map[string]any
			if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
				return err
			}
			for _, list := range []string{"results", "items", "data"} {
				rows, _ := answer[list].([]any)
				if rows == nil {
					continue
				}
				if gone := b.without.Load().(string); gone != "" {
					rows = slices.DeleteFunc(rows, func(row any) bool {
						name, _ := row.(map[string]any)["name"].(string)
						return name == gone || name == "//storage.googleapis.com/"+gone
					})
				}
				if b.extra.Load() && asset {
					rows = append(rows, map[string]any{"name": "//storage.googleapis.com/hidden", "assetType": "storage.googleapis.com/Bucket"})
				}
				if b.extra.Load() && graph {
					rows = append(rows, map[string]any{"id": "/subscriptions/AAAAAAAA-0000-4000-8000-000000000001/resourceGroups/x/providers/Microsoft.KeyVault/vaults/Hidden", "type": "microsoft.keyvault/vaults"})
					answer["totalRecords"] = len(rows)
				}
				answer[list] = rows
			}
			data, err := json.Marshal(answer)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
			r.Header.Del("Content-Length")
			return err
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func TestReconciliation(t *testing.T) {
	cloud := simulated(t)
	b := standBetween(t, "http://"+cloud.Addr)
	t.Setenv("PLUMBLINE_GCP_ENDPOINT", b.url)
	t.Setenv("PLUMBLINE_AZURE_ENDPOINT", b.url)
	db, url := plumbtest.Store(t)
	dir := t.TempDir()
	on := func(args ...string) []string { return append(args, "--database-url", url, "--data-dir", dir) }
	const project, subscription = "acme-production", "aaaaaaaa-0000-4000-8000-000000000001"
	scan := func(args ...string) {
		t.Helper()
		if code, _, errs := command(t, on(append([]string{"scan", "--quota-share", "100", "--reconcile", "--settle", "1ms"}, args...)...)...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, errs)
		}
	}
	scanBoth := func() {
		t.Helper()
		scan("--provider", "gcp", "--project", project)
		scan("--provider", "azure", "--subscription", subscription)
	}
	// built checks a package like an auditor, and returns what it says of lists.
	built := func(name string) (counts map[posture.Key]evidence.Count, p *evidence.Package) {
		t.Helper()
		name = filepath.Join(dir, name)
		if code, _, errs := command(t, on("evidence", "build", "--as-of", time.Now().UTC().Format(time.DateOnly), "--out", name)...); code != 0 {
			t.Fatalf("build: exit code %d: %s", code, errs)
		}
		for _, check := range []string{"verify", "reperform"} {
			if code, out, errs := command(t, "evidence", check, name); code != 0 {
				t.Errorf("%s: exit code %d: %s%s", check, code, out, errs)
			}
		}
		if code, out, errs := command(t, "evidence", "reperform", "--raw", name); code != 0 {
			t.Errorf("reperform --raw: exit code %d: %s%s", code, out, errs)
		}
		p = opened(t, name)
		list, err := evidence.Read[[]evidence.Count](p, evidence.ReconciledFile)
		if err != nil {
			t.Fatal(err)
		}
		counts = map[posture.Key]evidence.Count{}
		for _, c := range list {
			counts[posture.Key{Type: c.Type, Region: c.Region}] = c
		}
		return counts, p
	}
	buckets := posture.Key{Type: "gcp.storage.bucket", Region: posture.Global}
	vaults := posture.Key{Type: "azure.keyvault.vault", Region: posture.Global}

	scanBoth()
	counts, _ := built("matched")
	compared := map[string]int{}
	for key, c := range counts {
		provider, _, _ := strings.Cut(key.Type, ".")
		switch {
		case c.SecondSource == "" && (c.Status != posture.SingleSource || c.SecondCount != nil):
			t.Errorf("no second source, and yet: %+v", c)
		case c.SecondSource != "" && (c.Status != posture.Matched || *c.SecondCount != c.Listed || c.SecondAt.Before(c.ListedAt)):
			t.Errorf("not the same: %+v", c)
		case c.SecondSource != "":
			compared[provider] += c.Listed
		}
	}
	if compared["gcp"] < 10 || compared["azure"] < 20 || counts[buckets].Listed == 0 || counts[vaults].Listed == 0 {
		t.Errorf("resources held against a second source: %v", compared)
	}

	b.extra.Store(true)
	scanBoth()
	counts, p := built("hidden")
	for key, id := range map[posture.Key]string{buckets: "hidden", vaults: "/subscriptions/" + subscription + "/resourcegroups/x/providers/microsoft.keyvault/vaults/hidden"} {
		c := counts[key]
		if c.Status != posture.Unreconciled || !c.Settled || !slices.Equal(c.OnlySecond, []string{id}) || len(c.OnlyFirst) > 0 || *c.SecondCount != c.Listed+1 {
			t.Errorf("%+v", c)
		}
		unknown := 0
		for r, err := range evidence.Rows[evidence.Result](p, evidence.ResultsFile) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Resource.ID != id {
				continue
			}
			if r.Result != posture.Unknown || r.Unread[0].Reason != posture.ReasonUnreconciled {
				t.Errorf("of what only the second source has: %+v", r)
			}
			unknown++
		}
		if unknown == 0 {
			t.Errorf("no rule says that %s is unknown", id)
		}
	}
	if code, out, _ := command(t, on("drift", "--since", "2001-01-01", "--output", "json")...); code == 0 && strings.Contains(out, `"cause": "configuration"`) && strings.Contains(out, "hidden") {
		t.Errorf("what only the second source has counts as a change: %s", out)
	}
	b.extra.Store(false)

	// A bucket with a finding goes: as long as the inventory does not say so, the finding stays.
	findings := func() map[string][]finding.Finding {
		list, err := db.FindingsPage(t.Context(), "gcp:"+project, time.Now().Add(time.Hour), finding.Finding{}, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]finding.Finding{}
		for _, f := range list {
			if f.Resource.Type == buckets.Type {
				out[f.Resource.ID] = append(out[f.Resource.ID], f)
			}
		}
		return out
	}
	victim := ""
	for id, list := range findings() {
		if slices.ContainsFunc(list, func(f finding.Finding) bool { return f.State == finding.Open }) {
			victim = id
		}
	}
	states := func() (open, gone int) {
		for _, f := range findings()[victim] {
			switch f.State {
			case finding.Open:
				open++
			case finding.Gone:
				gone++
			}
		}
		return open, gone
	}
	before, _ := states()
	if before == 0 {
		t.Fatal("no bucket has an open finding")
	}
	b.without.Store(victim)
	b.down.Store(true)
	scan("--provider", "gcp", "--project", project)
	if open, gone := states(); open != before || gone != 0 {
		t.Errorf("the inventory is down: %d findings open, %d gone", open, gone)
	}
	cells, err := db.Cells(t.Context(), "gcp:"+project, 3)
	if err != nil {
		t.Fatal(err)
	}
	cell, _ := posture.IndexCells(cells).Of(buckets.Type, buckets.Region)
	if r := cell.Reconciled; r == nil || r.Status != posture.SingleSource || r.Cause == nil || r.Cause.Reason != posture.ReasonDenied {
		t.Errorf("the inventory is down: %+v", r)
	}
	if c := evidence.CountOf(evidence.Cell{Cell: cell}, 1); c.Status != posture.SingleSource || c.SecondCount != nil || c.Cause == nil {
		t.Errorf("the inventory is down: %+v", c)
	}
	b.down.Store(false)
	scan("--provider", "gcp", "--project", project)
	if open, gone := states(); open != 0 || gone != before {
		t.Errorf("both say that it is gone: %d findings open, %d gone", open, gone)
	}
}
