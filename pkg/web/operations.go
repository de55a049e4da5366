package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// operation is what there is; permissions.go says who may do it.
type operation struct{ id, path, about string }

// noTime asks the store for now.
var noTime time.Time

// Known is embedded by the inputs of reads.
type Known struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"ETag of the answer that the caller has."`
}

func (k *Known) have() string            { return k.IfNoneMatch }
func (k *Known) resolve(time.Time) error { return nil }

// As is embedded by the inputs of reads of what has a history.
type As struct {
	Known
	AsOf string `query:"as_of" maxLength:"40" doc:"Answer as of this RFC 3339 time or date (its end, UTC); now when left out."`

	at time.Time // zero: now
}

// resolve reads as_of. Nothing is known of the future.
func (a *As) resolve(now time.Time) error {
	if a.AsOf == "" {
		return nil
	}
	wrong := func(message string) error {
		return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "query.as_of", Message: message, Value: a.AsOf})
	}
	at, err := time.Parse(time.RFC3339, a.AsOf)
	if day, dayErr := time.Parse(time.DateOnly, a.AsOf); dayErr == nil {
		at, err = day.AddDate(0, 0, 1).Add(-time.Microsecond), nil
		if day.Before(now) && at.After(now) {
			at = now // today
		}
	}
	switch {
	case err != nil:
		return wrong("want an RFC 3339 time such as 2026-03-01T12:00:00Z, or a date")
	case at.After(now):
		return wrong("lies in the future: nothing was observed then")
	}
	a.at = at
	return nil
}

// or is the time to answer as of, or now.
func (a *As) or(now time.Time) time.Time {
	if a.at.IsZero() {
		return now
	}
	return a.at
}

// Page is embedded by the inputs of lists.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many to answer with."`
	Cursor string `query:"cursor" maxLength:"8000" doc:"next of the page before, with the same filters."`
}

// cursor is where a page begins: after Position, in the list that was asked for.
type cursor struct {
	List     string          `json:"l"`
	Position json.RawMessage `json:"p"`
}

// listKey is under which requests carry the digest of the path and filters of their list.
type listKey struct{}

func listOf(ctx huma.Context) string {
	u := ctx.URL()
	filters := u.Query()
	filters.Del("cursor")
	filters.Del("limit")
	sum := sha256.Sum256([]byte(u.Path + "?" + filters.Encode()))
	return hex.EncodeToString(sum[:6])
}

// after decodes the cursor into v, which stays as it is without one. A cursor of another list, or one that no list gave out, is refused.
func (p Page) after(ctx context.Context, v any) error {
	if p.Cursor == "" {
		return nil
	}
	var c cursor
	data, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err == nil {
		err = json.Unmarshal(c.Position, v)
	}
	if err == nil && c.List == ctx.Value(listKey{}) {
		if again, err := encode(c.List, v); err == nil && again == p.Cursor {
			return nil
		}
	}
	return huma.Error422UnprocessableEntity("validation failed",
		&huma.ErrorDetail{Location: "query.cursor", Message: "not one that this list gave out for these filters: begin without it"})
}

func encode(list string, position any) (string, error) {
	at, err := plain(position)
	if err != nil {
		return "", err
	}
	data, err := plain(cursor{list, at})
	return base64.RawURLEncoding.EncodeToString(data), err
}

// plain is JSON without escapes for HTML, which would make long cursors of strange names.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// list is an answer with many items; Next is empty on the last page.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page"`
}

// listed is a list that has one page.
func listed[T any](items []T, err error) (list[T], error) {
	return list[T]{Items: append([]T{}, items...)}, err
}

// pageOf cuts items, of which one more than the limit was read, to the page and says where the next begins.
func pageOf[T any](ctx context.Context, items []T, limit int, position func(T) any) (out list[T], err error) {
	out.Items = append([]T{}, items[:min(len(items), limit)]...)
	if len(items) > limit {
		of, _ := ctx.Value(listKey{}).(string)
		out.Next, err = encode(of, position(items[limit-1]))
	}
	return out, err
}

// newest reads a page's items of a list that read gives out from its newest on: those that want is true for, until there is one more
// than the limit.
func newest[T any](limit int, read func(n int) ([]T, error), want func(T) bool) ([]T, error) {
	for n := 2 * (limit + 1); ; n *= 4 {
		all, err := read(n)
		if err != nil {
			return nil, err
		}
		wanted := slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !want(v) })
		if len(wanted) > limit || len(all) < n {
			return wanted, nil
		}
	}
}

// byNumber is a page of a whole list that is sorted by number; it begins after the cursor.
func byNumber[T any](ctx context.Context, p Page, all []T, number func(T) int64) (out list[T], err error) {
	var last int64
	if err := p.after(ctx, &last); err != nil {
		return out, err
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(v T) bool { return number(v) <= last })
	return pageOf(ctx, rest, p.Limit, func(v T) any { return number(v) })
}

// answer is what huma writes.
type answer[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// input is what reads take.
type input interface {
	have() string
	resolve(now time.Time) error
}

// read registers an operation that changes nothing.
func read[In any, P interface {
	*In
	input
}, Out any](s *server, api huma.API, o operation, do func(ctx context.Context, in P) (Out, error)) {
	add(s, api, http.MethodGet, o, func(ctx context.Context, in *In) (*answer[Out], error) {
		if err := P(in).resolve(s.Store.Clock()); err != nil {
			return nil, err
		}
		out, err := do(ctx, P(in))
		if err != nil {
			return nil, err
		}
		etag, err := tag(out)
		if err != nil {
			return nil, err
		}
		if matches(P(in).have(), etag) {
			return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"ETag": {etag}})
		}
		return &answer[Out]{etag, out}, nil
	})
}

// tag is the ETag of an answer.
func tag(v any) (string, error) {
	h := sha256.New()
	err := json.NewEncoder(h).Encode(v)
	return `W/"` + hex.EncodeToString(h.Sum(nil)[:12]) + `"`, err
}

func matches(have, etag string) bool {
	for one := range strings.SplitSeq(have, ",") {
		if one = strings.TrimSpace(one); one == "*" || one != "" && strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// did is the answer of acts that return nothing.
type did struct {
	Done bool `json:"done"`
}

// act registers an operation that does something.
func act[In, Out any](s *server, api huma.API, o operation, do func(ctx context.Context, by access.Actor, in *In) (Out, error)) {
	add(s, api, http.MethodPost, o, func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := do(ctx, signin.ActorOf(ctx), in)
		if err != nil {
			return nil, err
		}
		return &answer[Out]{Body: out}, nil
	})
}

// add registers an operation behind the question who may do it.
func add[In, Out any](s *server, api huma.API, method string, o operation, do func(ctx context.Context, in *In) (*Out, error)) {
	h := huma.Operation{
		OperationID: o.id, Method: method, Path: o.path, Summary: o.about, Tags: []string{strings.Split(o.path, "/")[2]},
		Errors: []int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
			http.StatusInternalServerError, http.StatusGatewayTimeout,
		},
		MaxBodyBytes: maxBody, Description: "For everybody who has signed in.",
	}
	if p := permissions[o.id]; p.scope != everybody {
		h.Description = fmt.Sprintf("Needs the permission %s.", p.Action)
	}
	if method == http.MethodGet {
		h.Errors = append(h.Errors, http.StatusNotModified)
	} else {
		h.Errors = append(h.Errors, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if strings.HasSuffix(o.path, "/attachments") {
		h.MaxBodyBytes = maxUpload
	}
	h.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		setName(ctx.Context(), o.id)
		if err := s.enter(ctx, o.id); err != nil {
			var known huma.StatusError
			if errors.As(s.problem(ctx.Context(), o.id, err), &known) {
				_ = huma.WriteErr(api, ctx, known.GetStatus(), known.Error()) // otherwise the caller has gone
			}
			return
		}
		next(huma.WithValue(ctx, listKey{}, listOf(ctx)))
		if r, _ := humago.Unwrap(ctx); r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // its temporary files; net/http does not know of this copy of the request
		}
	}}
	huma.Register(api, h, func(ctx context.Context, in *In) (*Out, error) {
		out, err := do(ctx, in)
		return out, s.problem(ctx, o.id, err)
	})
}
