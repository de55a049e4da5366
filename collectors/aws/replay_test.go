package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/cbor"
	"golang.org/x/tools/txtar"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var update = flag.Bool("update", false, "rewrite the want.json sections of testdata")

// TestReplay serves each testdata/*.txtar to the readers of the types its comment names ("reader: aws.cloudtrail.trail") and
// compares what they emit with the section want.json. A section answers one call and is named
//
//	CloudTrail.GetTrailStatus [text that the request's URL or body holds] [status code]
//
// The text may be left out; calls take the first unused section that fits. Sections that nobody asks for fail the test, as
// do calls without a section.
func TestReplay(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { replay(t, path) })
	}
}

func replay(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(string(archive.Comment), "reader:")
	name, _, _ = strings.Cut(strings.TrimSpace(name), "\n")
	reader := readerOf(t, strings.TrimSpace(name))
	server := &sections{used: map[int]bool{}}
	want := -1
	for i, f := range archive.Files {
		if f.Name == "want.json" {
			want = i
			continue
		}
		server.add(f)
	}
	c := testClient(server, reader.Operations)
	got := map[string]any{}
	var mu sync.Mutex
	explain := explain(operationsByName(reader.Operations))
	err = reader.Collect(context.Background(), c, func(id string, attributes any, gaps ...collectors.Gap) {
		mu.Lock()
		defer mu.Unlock()
		var unread []posture.Unread
		for _, g := range gaps {
			for _, p := range g.Paths {
				unread = append(unread, posture.Unread{Path: p, Cause: explain(g.Err)})
			}
		}
		slices.SortFunc(unread, func(a, b posture.Unread) int { return strings.Compare(a.Path, b.Path) })
		for _, fills := range reader.Fills {
			if fills.Is(attributes) {
				got[fills.Name+" "+id] = map[string]any{"attributes": fills.Encode(attributes, unread), "unread": unread}
			}
		}
	})
	if err != nil {
		cause := explain(err)
		got["error"] = map[string]any{"text": err.Error(), "cause": cause}
	}
	for i, s := range server.list {
		if !server.used[i] {
			t.Errorf("section %q was never asked for", s.name)
		}
	}
	encoded, _ := json.MarshalIndent(got, "", "  ")
	encoded = append(encoded, '\n')
	if *update {
		if want < 0 {
			archive.Files = append(archive.Files, txtar.File{Name: "want.json"})
			want = len(archive.Files) - 1
		}
		archive.Files[want].Data = encoded
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 {
		t.Fatal("no section want.json; run with -update and read what it writes")
	}
	if !bytes.Equal(archive.Files[want].Data, encoded) {
		t.Errorf("got:\n%s\nwant:\n%s", encoded, archive.Files[want].Data)
	}
}

func readerOf(t *testing.T, typeName string) collectors.Reader[*client] {
	for _, r := range readers() {
		for _, fills := range r.Fills {
			if fills.Name == typeName {
				return r
			}
		}
	}
	t.Fatalf("no reader fills %q", typeName)
	panic("unreachable")
}

func operationsByName(list []collectors.Operation) map[string]collectors.Operation {
	out := map[string]collectors.Operation{}
	for _, op := range list {
		out[op.Name] = op
	}
	return out
}

// testClient is a client of account 111122223333 in eu-west-1 that sends through base, without waiting between tries.
func testClient(base transport.Doer, operations []collectors.Operation) *client {
	config := sdk.Config{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:  transport.New(base, wire{}, transport.Options{Operations: operations, Clock: instant{}, Attempts: 2}),
		Retryer:     func() sdk.Retryer { return &refresh{} },
	}
	return &client{
		config: config, account: "111122223333", partition: "aws", region: "eu-west-1",
		regions:   []string{"eu-west-1", "us-east-1"},
		redactKey: []byte("test"),
		sleep:     instant{}.Sleep,
		identity:  &sts.GetCallerIdentityOutput{Account: sdk.String("111122223333"), Arn: sdk.String("arn:aws:sts::111122223333:assumed-role/plumbline/scan")},
		opened:    &openedRegions{status: map[string]string{"eu-west-1": "opt-in-not-required", "us-east-1": "opt-in-not-required", "ap-east-1": "not-opted-in"}},
	}
}

// instant is a clock that stands still and never waits.
type instant struct{}

func (instant) Now() time.Time                                   { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
func (instant) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

type section struct {
	name, operation, holds string
	status                 int
	body                   []byte
}

// sections is a Doer that answers from a fixture.
type sections struct {
	mu   sync.Mutex
	list []section
	used map[int]bool
}

func (s *sections) add(f txtar.File) {
	words := strings.Fields(f.Name)
	sec := section{name: f.Name, operation: words[0], status: 200, body: bytes.TrimSpace(f.Data)}
	for _, w := range words[1:] {
		if status, err := strconv.Atoi(w); err == nil && len(w) == 3 {
			sec.status = status
		} else {
			sec.holds = w
		}
	}
	s.list = append(s.list, sec)
}

func (s *sections) Do(req *http.Request) (*http.Response, error) {
	target := wire{}.Identify(req)
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	text := req.URL.String() + "\n" + string(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sec := range s.list {
		if s.used[i] || sec.operation != target.Operation || !strings.Contains(text, sec.holds) {
			continue
		}
		s.used[i] = true
		return respond(req, sec)
	}
	return nil, fmt.Errorf("no section for %s: %s", target.Operation, text)
}

func respond(req *http.Request, sec section) (*http.Response, error) {
	header := http.Header{"X-Amzn-Requestid": {"request-1"}}
	body := sec.body
	switch {
	case req.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return nil, err
		}
		body = cbor.Encode(toCBOR(value))
		header.Set("Content-Type", "application/cbor")
		header.Set("Smithy-Protocol", "rpc-v2-cbor")
	case bytes.HasPrefix(body, []byte("<")):
		header.Set("Content-Type", "text/xml")
	default:
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{
		StatusCode: sec.status, Header: header, Request: req,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func toCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case map[string]any:
		out := cbor.Map{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = toCBOR(v[k])
		}
		return out
	case []any:
		out := cbor.List{}
		for _, e := range v {
			out = append(out, toCBOR(e))
		}
		return out
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case float64:
		if v == float64(int64(v)) && v >= 0 {
			return cbor.Uint(uint64(v))
		}
		return cbor.Float64(v)
	default:
		return &cbor.Nil{}
	}
}
