package project

import (
	"fmt"
	"slices"

	"google.golang.org/api/essentialcontacts/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Whom Google writes to.
var essentialContactsService = service{
	kinds: []world.Kind{{
		Name: "gcp.contact", Sort: inOrganization, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "bounces", Share: 0.1, Drift: 0.3}, {Name: "all", Share: 0.1, Drift: 0.2}},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			told := map[string]bool{}
			for _, it := range s.Items("gcp.contact") {
				for _, category := range subscribed(it) {
					told[category] = told[category] || !it.Has("bounces")
				}
			}
			complete := told["ALL"] || told["LEGAL"] && told["SECURITY"] && told["SUSPENSION"] && told["TECHNICAL"]
			key := keyOf("gcp.resourcemanager.organization", s.Account.ID)
			return map[world.Judged]posture.Result{{Rule: "gcp-organization-essential-contacts-complete", Resource: key}: failIf(!complete)}
		},
	}},
	handle: handleEssentialContacts,
}

// subscribed is what a contact is named for.
func subscribed(it *world.Item) []string {
	if it.Has("all") {
		return []string{"ALL"}
	}
	return [][]string{{"SECURITY", "LEGAL"}, {"TECHNICAL"}, {"SUSPENSION", "BILLING"}, {"PRODUCT_UPDATES"}}[it.Index%4]
}

func handleEssentialContacts(s *gcp.Server, w *states) {
	gcp.List(s, "essentialcontacts.organizations.contacts.list", "contacts", func(c gcp.Call) (*essentialcontacts.GoogleCloudEssentialcontactsV1ListContactsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &essentialcontacts.GoogleCloudEssentialcontactsV1ListContactsResponse{}
		for _, it := range state.Items("gcp.contact") {
			contact := &essentialcontacts.GoogleCloudEssentialcontactsV1Contact{
				Name: fmt.Sprintf("%s/contacts/%d", state.Account.ID, 70+it.Index), Email: it.Name() + "@" + domain, LanguageTag: "en",
				NotificationCategorySubscriptions: slices.Clone(subscribed(it)), ValidationState: "VALID", ValidateTime: stamp(state.Long(it, 30)),
			}
			if it.Has("bounces") {
				contact.ValidationState = "INVALID"
			}
			out.Contacts = append(out.Contacts, contact)
		}
		return out, nil
	})
}
