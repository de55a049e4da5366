package azure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/automation/armautomation"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

var automationAccounts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AutomationAccountType},
	Operations: []collectors.Operation{
		{Name: "armautomation.AccountClient.NewListPager", Permission: "Microsoft.Automation/automationAccounts/read", Body: collectors.Store},
		{Name: "armautomation.AccountClient.Get", Permission: "Microsoft.Automation/automationAccounts/read", Body: collectors.Store},
		{Name: "armautomation.VariableClient.NewListByAutomationAccountPager", Permission: "Microsoft.Automation/automationAccounts/variables/read", Body: collectors.Digest}, // holds the values
	},
	Collect: collectAutomation,
}

func collectAutomation(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armautomation.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armautomation.Account
	err = pages(ctx, factory.NewAccountClient().NewListPager(nil), func(page armautomation.AccountClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(a *armautomation.Account) string { return idOf(a.ID) }, func(a *armautomation.Account) error {
		out := schema.AutomationAccount{Resource: resource(a.ID, a.Name, a.Location, a.Tags), UnencryptedSuspectNames: []string{}}
		out.CreatedAt = posture.FromPtr(value(a.Properties).CreationTime)
		var gaps []collectors.Gap
		if err := readAutomationAccount(ctx, factory.NewAccountClient(), &out); err != nil {
			gaps = append(gaps, collectors.Unread(err, "public_network_access", "local_auth_disabled", "key_source", "customer_managed_key", "identity_type"))
		}
		if err := readVariables(ctx, factory.NewVariableClient(), &out); err != nil {
			gaps = append(gaps, collectors.Unread(err, "unencrypted_variables", "unencrypted_suspect_names"))
		}
		emit(idOf(a.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list automation accounts: %w", err)
	}
	return nil
}

// readAutomationAccount reads the settings, which the list of accounts leaves out.
func readAutomationAccount(ctx context.Context, api *armautomation.AccountClient, out *schema.AutomationAccount) error {
	answer, err := api.Get(ctx, out.ResourceGroup, out.Name, nil)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	p := value(answer.Properties)
	out.PublicNetworkAccess = p.PublicNetworkAccess == nil || *p.PublicNetworkAccess
	out.LocalAuthDisabled, out.IdentityType = is(p.DisableLocalAuth), text(value(answer.Identity).Type)
	source := value(p.Encryption).KeySource
	out.KeySource, out.CustomerManagedKey = cmp.Or(text(source), string(armautomation.EncryptionKeySourceTypeMicrosoftAutomation)), inVault(source)
	return nil
}

// readVariables counts the variables that are not encrypted, whose values are in the answer, and lets go of those.
func readVariables(ctx context.Context, api *armautomation.VariableClient, out *schema.AutomationAccount) error {
	err := pages(ctx, api.NewListByAutomationAccountPager(out.ResourceGroup, out.Name, nil), func(page armautomation.VariableClientListByAutomationAccountResponse) error {
		for _, v := range page.Value {
			p := value(v.Properties)
			if is(p.IsEncrypted) {
				continue
			}
			out.UnencryptedVariables++
			if secretscan.Suspect(text(v.Name), strings.Trim(text(p.Value), `"`)) { // JSON
				out.UnencryptedSuspectNames = append(out.UnencryptedSuspectNames, text(v.Name))
			}
		}
		return nil
	})
	slices.Sort(out.UnencryptedSuspectNames)
	if err != nil {
		return fmt.Errorf("list variables: %w", err)
	}
	return nil
}
