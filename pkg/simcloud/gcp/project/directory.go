package project

import (
	"fmt"

	directory "google.golang.org/api/admin/directory/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// directoryID is the directory of the organization.
const directoryID = "C01acme42"

// The accounts of the organization's directory.
var directoryService = service{
	kinds: []world.Kind{{
		Name: "gcp.user", Sort: inOrganization, Global: true, Count: 8,
		Defects: []world.Defect{{Name: "super", Share: 0.1, Drift: 0.4}, {Name: "one-step", Share: 0.1, Drift: 0.2}, {Name: "may-skip", Share: 0.2, Drift: 0.1},
			{Name: "suspended", Share: 0.1, Drift: 0.15}, {Name: "archived", Share: 0.1}, {Name: "never-came", Share: 0.2}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("gcp.directory.user", userID(it)), map[string]posture.Result{
				"gcp-directory-user-two-step-verification": unless(it.Has("suspended") || it.Has("archived"), failIf(it.Has("one-step") || it.Has("may-skip"))),
			}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			n := 0
			for _, it := range s.Items("gcp.user") {
				if isSuper(it) && !it.Has("suspended") {
					n++
				}
			}
			key := keyOf("gcp.resourcemanager.organization", s.Account.ID)
			return map[world.Judged]posture.Result{{Rule: "gcp-directory-super-admins-limited", Resource: key}: failIf(n < 2 || n > 4)}
		},
	}},
	handle: handleDirectory,
}

func isSuper(it *world.Item) bool { return it.Index < 2 || it.Has("super") }

func userID(it *world.Item) string {
	return fmt.Sprint(100_000_000_000_000_000 + it.Pick(900_000_000, "user"))
}

func handleDirectory(s *gcp.Server, w *states) {
	gcp.List(s, "directory.users.list", "users", func(c gcp.Call) (*directory.Users, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		if c.Query.Get("customer") != directoryID {
			return nil, &gcp.Error{Status: 403, Code: "PERMISSION_DENIED", Message: "Not Authorized to access this resource/api"}
		}
		out := &directory.Users{Kind: "admin#directory#users", Etag: `"acme"`}
		for _, it := range state.Items("gcp.user") {
			u := &directory.User{
				Id: userID(it), PrimaryEmail: it.Name() + "@" + domain, IsAdmin: isSuper(it), IsDelegatedAdmin: it.Index == 5,
				IsEnrolledIn2Sv: !it.Has("one-step"), IsEnforcedIn2Sv: !it.Has("one-step") && !it.Has("may-skip"),
				Suspended: it.Has("suspended"), Archived: it.Has("archived"),
				CreationTime: stamp(state.Long(it, 300)), LastLoginTime: stamp(state.Since(it, 3, "login")),
			}
			if it.Has("never-came") {
				u.LastLoginTime = "1970-01-01T00:00:00.000Z"
			}
			out.Users = append(out.Users, u)
		}
		return out, nil
	})
}
