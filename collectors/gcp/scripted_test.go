package gcp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/api/option"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/rest"
)

// scripted answers every method with the body given for it.
type scripted map[string]string

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	m, _, _ := rest.Match(r.URL.Host, r.Method, r.URL)
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(s[m.ID]))}
	if s[m.ID] == "" {
		resp.StatusCode = http.StatusForbidden
	}
	return resp, nil
}

// emitted is one resource that a reader handed over: its attributes, and the paths that are unread.
type emitted struct {
	attributes any
	unread     []string
}

// readScripted runs a reader's collect function on a project that answers as scripted.
func readScripted(collect func(context.Context, *client, collectors.Emit) error, answers scripted) (map[string]emitted, error) {
	c := &client{project: "acme", node: "projects/acme", options: []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: answers})}}
	out, mu := map[string]emitted{}, sync.Mutex{}
	err := collect(context.Background(), c, func(id string, attributes any, gaps ...collectors.Gap) {
		mu.Lock()
		defer mu.Unlock()
		e := emitted{attributes: attributes.(collectors.At).Attributes}
		for _, gap := range gaps {
			e.unread = append(e.unread, gap.Paths...)
		}
		out[id] = e
	})
	return out, err
}

// incomplete lists the cells that an error of a reader leaves open: "gcp.sql.instance in us-central1".
func incomplete(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, incomplete(e)...)
		}
		return out
	}
	var one *collectors.TypeError
	switch {
	case errors.As(err, &one):
		return []string{strings.TrimSuffix(one.Type.Name+" in "+one.Region, " in ")}
	case err != nil:
		return []string{"all"}
	}
	return nil
}
