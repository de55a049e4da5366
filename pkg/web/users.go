package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// grantIn gives a person a role.
type grantIn struct {
	Body struct {
		User   string    `json:"user" minLength:"1" maxLength:"200" doc:"e-mail"`
		Role   string    `json:"role" enum:"viewer,on_call,compliance_manager,rule_author,rule_approver,admin,auditor"`
		Scopes []string  `json:"scopes,omitempty" maxItems:"100" doc:"accounts of a viewer, such as aws:111122223333 or gcp:*; empty: all"`
		Audit  string    `json:"audit,omitempty" maxLength:"100" doc:"the one audit of an auditor"`
		Until  time.Time `json:"until,omitempty"`
		MFA    bool      `json:"mfa,omitempty" doc:"good only for a sign-in with several factors"`
		Reason string    `json:"reason,omitempty" maxLength:"1000"`
		Waiver *waiverIn `json:"waiver,omitempty" doc:"for a role that conflicts with one that the person holds; every package prints it"`
	}
}

type waiverIn struct {
	With   string    `json:"with" enum:"viewer,on_call,compliance_manager,rule_author,rule_approver,admin,auditor" doc:"the role held"`
	Reason string    `json:"reason" minLength:"1" maxLength:"1000"`
	Until  time.Time `json:"until" doc:"within a year"`
}

func (s *server) registerUsers(api huma.API) {
	read(s, api, operation{id: "show-me", path: "/api/me", about: "Who the caller is, with roles and the accounts they are good for"},
		func(ctx context.Context, _ *struct{ Known }) (access.Actor, error) { return signin.ActorOf(ctx), nil })
	read(s, api, operation{id: "list-users", path: "/api/users", about: "People with their roles and waivers"},
		func(ctx context.Context, in *struct{ As }) (list[access.Holder], error) {
			return listed(s.Store.Holders(ctx, in.at))
		})
	act(s, api, operation{id: "add-user", path: "/api/users", about: "Add a person"},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				Email string `json:"email" minLength:"3" maxLength:"200"`
				Name  string `json:"name" maxLength:"200"`
			}
		}) (did, error) {
			email, err := access.Email(in.Body.Email)
			if err != nil {
				return did{}, err
			}
			return did{true}, s.Store.AddUser(ctx, by, email, in.Body.Name)
		})
	for _, way := range []struct {
		name     string
		disabled bool
		about    string
	}{{"disable", true, "Keep a person and all their tokens out"}, {"enable", false, "Let a person in again"}} {
		act(s, api, operation{id: way.name + "-user", path: "/api/users/{email}/" + way.name, about: way.about},
			func(ctx context.Context, by access.Actor, in *struct {
				Email string `path:"email" maxLength:"200"`
				ReasonIn
			}) (did, error) {
				email, err := access.Email(in.Email)
				if err != nil {
					return did{}, err
				}
				return did{true}, s.Store.SetDisabled(ctx, by, email, way.disabled, in.Body.Reason)
			})
	}
	act(s, api, operation{id: "grant-role", path: "/api/grants", about: "Give a person a role"},
		func(ctx context.Context, by access.Actor, in *grantIn) (access.Grant, error) {
			b := in.Body
			email, err := access.Email(b.User)
			if err != nil {
				return access.Grant{}, err
			}
			g := access.Grant{User: email, Role: access.Role(b.Role), Scopes: b.Scopes, Audit: b.Audit, MFA: b.MFA, Reason: b.Reason}
			if !b.Until.IsZero() {
				g.Until = posture.Some(b.Until)
			}
			var waivers []access.Waiver
			if w := b.Waiver; w != nil {
				waivers = append(waivers, access.WaiverOf(email, g.Role, access.Role(w.With), w.Reason, w.Until))
			}
			return s.Store.GrantRole(ctx, by, g, waivers...)
		})
	act(s, api, operation{id: "revoke-role", path: "/api/grants/{id}/revoke", about: "Take a role away"},
		func(ctx context.Context, by access.Actor, in *decisionIn) (did, error) {
			return did{true}, s.Store.RevokeRole(ctx, by, in.ID, in.Body.Reason)
		})
}
