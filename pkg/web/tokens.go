package web

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
)

// newToken is a token and its secret, which is told once and not kept.
type newToken struct {
	access.APIToken
	Secret string `json:"secret"`
}

// ReasonIn is embedded by the inputs of acts that take a reason only.
type ReasonIn struct {
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
}

func (s *server) registerTokens(api huma.API) {
	read(s, api, operation{id: "list-tokens", path: "/api/tokens", about: "Everybody's API tokens; their secrets are not kept"},
		func(ctx context.Context, in *struct {
			As
			Page
		}) (out list[access.APIToken], err error) {
			all, err := s.Store.Tokens(ctx, in.at)
			if err != nil {
				return out, err
			}
			return byNumber(ctx, in.Page, all, func(t access.APIToken) int64 { return t.ID })
		})
	act(s, api, operation{id: "revoke-token", path: "/api/tokens/{name}/revoke", about: "End anybody's token"},
		func(ctx context.Context, by access.Actor, in *struct {
			Name string `path:"name" maxLength:"200"`
			ReasonIn
		}) (did, error) {
			return did{true}, s.Store.RevokeToken(ctx, by, in.Name, in.Body.Reason)
		})
	mine := func(ctx context.Context, person string, at time.Time) ([]access.APIToken, error) {
		all, err := s.Store.Tokens(ctx, at)
		return slices.DeleteFunc(all, func(t access.APIToken) bool { return t.Owner != person }), err
	}
	read(s, api, operation{id: "list-my-tokens", path: "/api/me/tokens", about: "The caller's API tokens"},
		func(ctx context.Context, in *struct{ As }) (list[access.APIToken], error) {
			return listed(mine(ctx, person(ctx), in.at))
		})
	act(s, api, operation{id: "create-token", path: "/api/me/tokens", about: "Make an API token that may do no more than its owner; the answer tells its secret, once"},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				Name    string    `json:"name" minLength:"1" maxLength:"100"`
				Roles   []string  `json:"roles" minItems:"1" maxItems:"8"`
				Scopes  []string  `json:"scopes,omitempty" maxItems:"100" doc:"accounts such as aws:111122223333 or gcp:*; empty: all that the owner sees"`
				Expires time.Time `json:"expires_at,omitempty" doc:"90 days from now when left out, 365 at most"`
			}
		}) (newToken, error) {
			t := access.APIToken{Name: in.Body.Name, Owner: by.Person(), Scopes: in.Body.Scopes, Expires: in.Body.Expires}
			for _, role := range in.Body.Roles {
				t.Roles = append(t.Roles, access.Role(role))
			}
			secret, digest := access.NewSecret()
			t, err := s.Store.CreateToken(ctx, by, t, digest)
			return newToken{t, secret}, err
		})
	act(s, api, operation{id: "revoke-my-token", path: "/api/me/tokens/{name}/revoke", about: "End one of the caller's tokens"},
		func(ctx context.Context, by access.Actor, in *struct {
			Name string `path:"name" maxLength:"200"`
			ReasonIn
		}) (did, error) {
			tokens, err := mine(ctx, by.Person(), noTime)
			if err != nil {
				return did{}, err
			}
			if !slices.ContainsFunc(tokens, func(t access.APIToken) bool { return t.Name == in.Name }) {
				return did{}, huma.Error404NotFound("the caller has no token of that name")
			}
			return did{true}, s.Store.RevokeToken(ctx, by, in.Name, in.Body.Reason)
		})
}
