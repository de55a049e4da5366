package web

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// operation is one line of the table: what there is, and the action that a caller must be allowed.
type operation struct {
	id, method, path, about string
	action                  access.Action // empty: whoever is signed in
}

// As is embedded by the inputs of reads.
type As struct {
	AsOf        string `query:"as_of" maxLength:"40" doc:"Answer as of this RFC 3339 time or date (its end, UTC); now when left out."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"ETag of the answer that the caller has."`

	at time.Time // zero: now
}

// Resolve reads as_of; huma calls it before the handler.
func (a *As) Resolve(huma.Context) []error {
	if a.AsOf == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, a.AsOf)
	if err != nil {
		day, dayErr := time.Parse(time.DateOnly, a.AsOf)
		if dayErr != nil {
			return []error{&huma.ErrorDetail{Location: "query.as_of", Message: "want an RFC 3339 time such as 2026-03-01T12:00:00Z, or a date", Value: a.AsOf}}
		}
		at = day.AddDate(0, 0, 1).Add(-time.Microsecond)
		if now := time.Now(); day.Before(now) && at.After(now) {
			at = now // today
		}
	}
	if at.After(time.Now().Add(time.Second)) {
		return []error{&huma.ErrorDetail{Location: "query.as_of", Message: "lies in the future: nothing was observed then", Value: a.AsOf}}
	}
	a.at = at
	return nil
}

func (a *As) moment() time.Time { return a.at }
func (a *As) have() string      { return a.IfNoneMatch }

// Page is embedded by the inputs of lists.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many to answer with."`
	Cursor string `query:"cursor" maxLength:"4000" doc:"next of the page before."`
}

// after decodes the cursor into v, which stays as it is without one.
func (p Page) after(v any) error {
	if p.Cursor == "" {
		return nil
	}
	data, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return huma.Error422UnprocessableEntity("query.cursor: not one that this list gave out; begin without it")
	}
	return nil
}

// list is an answer with many items; Next is empty on the last page.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page"`
}

// pageOf cuts items, of which one more than the limit was read, to the page and says where the next begins.
func pageOf[T any](items []T, limit int, position func(T) any) (list[T], error) {
	out := list[T]{Items: items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if len(items) > limit {
		out.Items = items[:limit]
		data, err := json.Marshal(position(items[limit-1]))
		if err != nil {
			return out, err
		}
		out.Next = base64.RawURLEncoding.EncodeToString(data)
	}
	return out, nil
}

// answer is what huma writes.
type answer[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// input is what reads take.
type input interface{ have() string }

// read registers an operation that changes nothing.
func read[In any, P interface {
	*In
	input
}, Out any](s *server, api huma.API, o operation, do func(ctx context.Context, in P) (Out, error)) {
	o.method = http.MethodGet
	add(s, api, o, func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := do(ctx, P(in))
		if err != nil {
			return nil, err
		}
		etag := tag(out)
		if etag != "" && matches(P(in).have(), etag) {
			return nil, huma.Status304NotModified()
		}
		return &answer[Out]{etag, out}, nil
	})
}

func matches(have, etag string) bool {
	for _, one := range strings.Split(have, ",") {
		if one = strings.TrimSpace(one); one == etag || one == "*" {
			return true
		}
	}
	return false
}

// act registers an operation that does something.
func act[In, Out any](s *server, api huma.API, o operation, do func(ctx context.Context, by access.Actor, in *In) (Out, error)) {
	o.method = http.MethodPost
	add(s, api, o, func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := do(ctx, signin.ActorOf(ctx), in)
		if err != nil {
			return nil, err
		}
		return &answer[Out]{Body: out}, nil
	})
}

// add registers an operation behind the question who may do it.
func add[In, Out any](s *server, api huma.API, o operation, do func(ctx context.Context, in *In) (*Out, error)) {
	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.about, Tags: []string{strings.Split(strings.TrimPrefix(o.path, "/api/"), "/")[0]},
		Errors:      []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError},
		Description: fmt.Sprintf("Needs the permission %s.", o.action), MaxBodyBytes: maxBody,
	}
	if o.method == http.MethodGet {
		h.Errors = append(h.Errors, http.StatusNotModified)
	}
	if strings.HasSuffix(o.path, "/attachments") {
		h.MaxBodyBytes = maxUpload
	}
	h.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) { // before the input is even looked at
		scope := cmp.Or(ctx.Param("account"), ctx.Query("account"))
		if err := s.enter(ctx.Context(), o, scope); err != nil {
			known := s.problem(ctx.Context(), o.id, err).(huma.StatusError)
			_ = huma.WriteErr(api, ctx, known.GetStatus(), known.Error()) // the caller has gone
			return
		}
		next(ctx)
	}}
	huma.Register(api, h, func(ctx context.Context, in *In) (*Out, error) {
		out, err := do(ctx, in)
		return out, s.problem(ctx, o.id, err)
	})
}

// enter asks whether the caller may do an operation. Lists of those who may see some accounts only hold these, or name one.
func (s *server) enter(ctx context.Context, o operation, scope string) error {
	if o.action == "" {
		if signin.ActorOf(ctx).ID == "" {
			return s.allow(ctx, access.PostureRead, access.Own)
		}
		return nil
	}
	if scope == "" && narrowed(ctx, o.action) {
		return nil
	}
	return s.allow(ctx, o.action, scope)
}

// narrowed reports whether the caller may do a read in some accounts: lists then hold these only, through visible.
func narrowed(ctx context.Context, action access.Action) bool {
	actor := signin.ActorOf(ctx)
	if action != access.PostureRead || len(actor.Scopes) == 0 {
		return false
	}
	for _, pattern := range actor.Scopes {
		if access.Allows(actor, action, strings.TrimSuffix(pattern, "*")+"0") == nil || access.Allows(actor, action, pattern) == nil {
			return true
		}
	}
	return false
}

// visible reports whether the caller may see an account.
func visible(ctx context.Context, account string) bool {
	return access.InScope(signin.ActorOf(ctx).Scopes, account)
}
