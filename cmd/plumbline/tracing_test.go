package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
)

func TestScansAreTraced(t *testing.T) {
	var mu sync.Mutex
	var got bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&got, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(collector.Close)
	stop, err := startTracing(t.Context(), collector.URL+"/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { otel.SetTracerProvider(noop.NewTracerProvider()) })
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	set, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	db, _ := plumbtest.Store(t)
	for _, account := range cloud.World.Accounts {
		if account.Sort == "gcp.organization" {
			client := simaws.DialClient(cloud.Addr)
			scanner := demoScanner(cloud, client, account, set, db)
			scanner.Log = slog.New(slog.DiscardHandler)
			if _, err := scanner.Scan(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"scan", "gcp:organizations/123456789012", "cloudresourcemanager.organizations.getIamPolicy", "plumbline"} {
		if !bytes.Contains(got.Bytes(), []byte(want)) {
			t.Errorf("no span tells of %q in %d bytes", want, got.Len())
		}
	}
}
