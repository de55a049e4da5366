package azure

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
)

// scripted answers operations with the bodies given for them; "403 SomeCode" is a refusal, and so is the answer to what is not
// in the script. A second body, after a line with "---", answers all calls but the first.
type scripted struct {
	answers map[string]string
	mu      sync.Mutex
	asked   map[string]int
}

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	m, _, _ := rest.Match(r.URL.Host, r.Method, r.URL, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[m.ID]++
	body, rest, more := strings.Cut(s.answers[m.ID], "\n---\n")
	if more && s.asked[m.ID] > 1 {
		body = rest
	}
	if body == "" {
		body = "403 Unscripted"
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r}
	if !strings.HasPrefix(body, "{") {
		status, code, _ := strings.Cut(body, " ")
		resp.StatusCode, _ = strconv.Atoi(status)
		body = `{"error":{"code":"` + code + `","message":"no"}}`
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, nil
}

// emitted is one resource that a reader handed over: its attributes, and by path the code of what left it unread.
type emitted struct {
	attributes any
	unread     map[string]string
}

// readScripted runs a reader's collect function on a tenant that answers as scripted.
func readScripted(t *testing.T, collect func(context.Context, *client, collectors.Emit) error, answers map[string]string) (map[string]emitted,
	error) {
	t.Helper()
	settings := policy.ClientOptions{Cloud: cloud.AzurePublic, Transport: &scripted{answers: answers, asked: map[string]int{}},
		Retry: policy.RetryOptions{MaxRetries: -1}}
	graph, err := newGraph(nobody{}, "https://graph.microsoft.com", settings)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{credential: nobody{}, options: &arm.ClientOptions{ClientOptions: settings, DisableRPRegistration: true}, graph: graph,
		tenant: "acme", subscription: "own"}
	out, mu := map[string]emitted{}, sync.Mutex{}
	err = collect(context.Background(), c, func(id string, attributes any, gaps ...collectors.Gap) {
		mu.Lock()
		defer mu.Unlock()
		e := emitted{attributes, map[string]string{}}
		for _, gap := range gaps {
			for _, path := range gap.Paths {
				e.unread[path] = explain(nil)(gap.Err).Code
			}
		}
		out[id] = e
	})
	return out, err
}

// codeOfError is the code of the answer that an error comes from, "" for none.
func codeOfError(err error) string {
	if err == nil {
		return ""
	}
	return explain(nil)(err).Code
}
