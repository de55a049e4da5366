package gcp

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestDirectoryUsers(t *testing.T) {
	answers := scripted{
		"cloudresourcemanager.organizations.get": `{"name": "organizations/123", "directoryCustomerId": "C01acme42"}`,
		"directory.users.list": `{"users": [
			{"id": "1", "primaryEmail": "ada@acme.example", "isAdmin": true, "isEnrolledIn2Sv": true, "isEnforcedIn2Sv": true, "lastLoginTime": "2026-02-03T04:05:06.000Z"},
			{"id": "2", "primaryEmail": "bob@acme.example", "isDelegatedAdmin": true, "suspended": true, "archived": true, "lastLoginTime": "1970-01-01T00:00:00.000Z"}]}`,
	}
	c := &client{organization: "organizations/123", node: "organizations/123", options: []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: answers})}}
	got := map[string]any{}
	if err := collectDirectoryUsers(context.Background(), c, func(id string, attributes any, _ ...collectors.Gap) { got[id] = attributes }); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"1": &schema.DirectoryUser{Meta: posture.Meta{Name: "ada@acme.example"}, PrimaryEmail: "ada@acme.example", IsSuperAdmin: true, EnrolledIn2SV: true, EnforcedIn2SV: true,
			LastLogin: posture.Some(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))},
		"2": &schema.DirectoryUser{Meta: posture.Meta{Name: "bob@acme.example"}, PrimaryEmail: "bob@acme.example", IsDelegatedAdmin: true, Suspended: true, Archived: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(posture.Opt[time.Time]{})); diff != "" {
		t.Errorf("users differ (-want +got):\n%s", diff)
	}
	delete(answers, "directory.users.list")
	if err := collectDirectoryUsers(context.Background(), c, func(string, any, ...collectors.Gap) {}); err == nil {
		t.Error("a refused list is not an error")
	}
}
