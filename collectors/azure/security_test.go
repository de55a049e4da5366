package azure

import (
	"context"
	"errors"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

// TestWithoutDefender: a subscription that never registered Microsoft.Security answers no calls of it.
func TestWithoutDefender(t *testing.T) {
	c := &client{subscription: "s", credential: nobody{}, options: &arm.ClientOptions{}, providers: registered{on: map[string]bool{"microsoft.storage": true}}}
	var emitted []any
	emit := func(_ string, attributes any, _ ...collectors.Gap) { emitted = append(emitted, attributes) }
	if err := collectSecurityContacts(context.Background(), c, emit); err != nil {
		t.Fatal(err)
	}
	if len(emitted) != 1 {
		t.Fatalf("emitted %d contacts, want the empty one", len(emitted))
	}
	if contact := emitted[0].(*schema.SecurityContact); contact.Enabled || len(contact.Emails) > 0 || contact.AlertMinimalSeverity != "" {
		t.Errorf("the contact says %+v", contact)
	}
	if err := collectAssessments(context.Background(), c, emit); !errors.Is(err, collectors.ErrNotCollected) {
		t.Errorf("assessments: %v; an empty list would say that all is well", err)
	}
}
