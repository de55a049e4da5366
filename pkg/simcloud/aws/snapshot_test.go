package aws

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/declared"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
)

// Some SDK modules carry sample responses which another encoder wrote. Read by the real client and written again here,
// they must come out the same, whatever that client would overlook.
func TestOtherEncodersResponsesComeOutTheSame(t *testing.T) {
	for service, names := range declared.Operations() {
		files := filepath.Join(moduleDir(t, service), "response_snapshot")
		for _, name := range names {
			snapshot, err := os.ReadFile(filepath.Join(files, name+".response.snap"))
			if err != nil {
				continue // most modules carry none; TestRoundTrip does without
			}
			t.Run(service+" "+name, func(t *testing.T) {
				_, message, _ := bytes.Cut(snapshot, []byte("\n")) // the first line is the status
				head, body, _ := bytes.Cut(message, []byte("\n\n"))
				output := readBy(t, service, name, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for line := range strings.Lines(string(head)) {
						key, value, _ := strings.Cut(line, ":")
						w.Header().Set(textproto.TrimString(key), textproto.TrimString(value))
					}
					_, _ = w.Write(body) // in memory
				}))
				s := newServer(t)
				s.handlers[operation{service, name}] = func(scope, *wire.Call) (any, error) { return output, nil }
				var written bytes.Buffer
				readBy(t, service, name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s.ServeHTTP(copied{w, &written}, r)
				}))
				if diff := cmp.Diff(plain(t, service, body), plain(t, service, written.Bytes())); diff != "" {
					t.Errorf("body differs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// readBy returns what the real client makes of a handler's answer.
func readBy(t *testing.T, service, name string, h http.Handler) any {
	t.Helper()
	method := reflect.ValueOf(client(service, inMemory(h))).MethodByName(name)
	input := reflect.New(method.Type().In(1).Elem())
	fill(input.Elem(), name, 0)
	results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
	if err, _ := results[1].Interface().(error); err != nil {
		t.Fatal(err)
	}
	return results[0].Interface()
}

type copied struct {
	http.ResponseWriter
	copy io.Writer
}

func (c copied) Write(p []byte) (int, error) {
	_, _ = c.copy.Write(p) // a buffer
	return c.ResponseWriter.Write(p)
}

// plain parses a body, so that order and spacing do not matter.
func plain(t *testing.T, service string, body []byte) any {
	t.Helper()
	var value any
	var err error
	if service == "cloudwatch" {
		value, err = cbor.Decode(body)
	} else {
		err = json.Unmarshal(body, &value)
	}
	if err != nil {
		t.Fatalf("parse %q: %v", body, err)
	}
	return value
}

func moduleDir(t *testing.T, service string) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(dir))
}
