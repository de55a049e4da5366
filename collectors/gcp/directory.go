package gcp

import (
	"context"
	"fmt"

	directory "google.golang.org/api/admin/directory/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var directoryUsers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DirectoryUserType},
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.organizations.get", Permission: "resourcemanager.organizations.get", Body: collectors.Store},
		{Name: "directory.users.list", Permission: "OAuth scope " + directory.AdminDirectoryUserReadonlyScope, Body: collectors.Store},
	},
	Collect: collectDirectoryUsers,
}

// collectDirectoryUsers lists the accounts of the directory that the organization belongs to. It asks for the few members it
// needs: the rest is nobody's business here.
func collectDirectoryUsers(ctx context.Context, c *client, emit collectors.Emit) error {
	hierarchy, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	o, err := hierarchy.Organizations.Get(c.organization).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read organization: %w", err)
	}
	api, err := directory.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list := api.Users.List().Customer(o.DirectoryCustomerId).Projection("basic").MaxResults(500).Fields("nextPageToken",
		"users(id,primaryEmail,isAdmin,isDelegatedAdmin,isEnrolledIn2Sv,isEnforcedIn2Sv,suspended,archived,lastLoginTime,creationTime)")
	err = list.Pages(ctx, func(page *directory.Users) error {
		for _, u := range page.Users {
			out := schema.DirectoryUser{
				Meta:         posture.Meta{Name: u.PrimaryEmail, CreatedAt: timestamp(u.CreationTime)},
				PrimaryEmail: u.PrimaryEmail, IsSuperAdmin: u.IsAdmin, IsDelegatedAdmin: u.IsDelegatedAdmin,
				EnrolledIn2SV: u.IsEnrolledIn2Sv, EnforcedIn2SV: u.IsEnforcedIn2Sv, Suspended: u.Suspended, Archived: u.Archived,
				LastLogin: timestamp(u.LastLoginTime),
			}
			if at, ok := out.LastLogin.Get(); ok && at.Unix() <= 0 { // 1970 stands for never
				out.LastLogin = timestamp("")
			}
			emit(u.Id, &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	return nil
}
