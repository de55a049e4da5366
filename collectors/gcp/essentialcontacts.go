package gcp

import (
	"context"
	"fmt"
	"path"
	"slices"

	"google.golang.org/api/essentialcontacts/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var contacts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ContactType},
	Operations: []collectors.Operation{
		{Name: "essentialcontacts.organizations.contacts.list", Permission: "essentialcontacts.contacts.list", Body: collectors.Store},
	},
	Collect: collectContacts,
}

func collectContacts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := essentialcontacts.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list := api.Organizations.Contacts.List(c.organization).PageSize(100)
	err = list.Pages(ctx, func(page *essentialcontacts.GoogleCloudEssentialcontactsV1ListContactsResponse) error {
		for _, contact := range page.Contacts {
			out := schema.Contact{
				Meta: posture.Meta{Name: contact.Email}, Email: contact.Email, ValidationState: contact.ValidationState,
				Categories: append([]string{}, contact.NotificationCategorySubscriptions...),
			}
			slices.Sort(out.Categories)
			emit(path.Base(contact.Name), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list contacts: %w", err)
	}
	return nil
}
