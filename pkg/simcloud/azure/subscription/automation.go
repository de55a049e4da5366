package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/automation/armautomation"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var automationService = service{
	providers: []string{"Microsoft.Automation"},
	kinds: []world.Kind{{
		Name: "azure.automation", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "plain-variables", Share: 0.3, Drift: 0.15}, {Name: "public", Share: 0.3, Drift: 0.1}, {Name: "keys", Share: 0.2}, {Name: "no-identity", Share: 0.2},
			{Name: "platform-key", Share: 0.5}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.automation.account", automationID(it)), map[string]posture.Result{
				"azure-automation-account-variables-encrypted": failIf(it.Has("plain-variables")),
				"azure-automation-account-secured":             failIf(it.Has("public") || it.Has("keys") || it.Has("no-identity")),
				"azure-data-services-cmk":                      failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleAutomation,
}

func automationName(it *world.Item) string { return "aa-" + it.Name() }

func automationID(it *world.Item) string {
	return idOf(it, "Microsoft.Automation/automationAccounts", automationName(it))
}

func handleAutomation(s *azure.Server, w *states) {
	azure.List(s, "armautomation.AccountClient.NewListPager", func(c azure.Call) (*armautomation.AccountListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armautomation.AccountListResult{}
		for _, it := range state.Items("azure.automation") {
			a := automationAccount(state, it)
			a.Identity, a.Properties = nil, &armautomation.AccountProperties{CreationTime: a.Properties.CreationTime, LastModifiedTime: a.Properties.LastModifiedTime}
			out.Value = append(out.Value, a)
		}
		return out, nil
	})
	azure.Handle(s, "armautomation.AccountClient.Get", func(c azure.Call) (*armautomation.Account, error) {
		it, err := w.item(c, "azure.automation", "automationAccountName", automationName)
		if err != nil {
			return nil, err
		}
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return automationAccount(state, it), nil
	})
	azure.List(s, "armautomation.VariableClient.NewListByAutomationAccountPager", func(c azure.Call) (*armautomation.VariableListResult, error) {
		it, err := w.item(c, "azure.automation", "automationAccountName", automationName)
		if err != nil {
			return nil, err
		}
		out := &armautomation.VariableListResult{}
		variable := func(name, value string, encrypted bool) {
			v := &armautomation.Variable{
				ID: to.Ptr(automationID(it) + "/variables/" + name), Name: &name, Type: to.Ptr("Microsoft.Automation/AutomationAccounts/Variables"),
				Properties: &armautomation.VariableProperties{IsEncrypted: &encrypted},
			}
			if !encrypted {
				v.Properties.Value = to.Ptr(`"` + value + `"`)
			}
			out.Value = append(out.Value, v)
		}
		variable("SqlPassword", "", true)
		variable("Webhook", "", true)
		if it.Has("plain-variables") {
			variable("Environment", "production", false)
			if it.Pick(2, "password") == 0 {
				variable("DomainJoinPassword", "correct-horse-"+it.Hex(8, "password"), false)
			}
		}
		return out, nil
	})
}

func automationAccount(state *world.State, it *world.Item) *armautomation.Account {
	created := state.Long(it, 700)
	p := &armautomation.AccountProperties{
		State: to.Ptr(armautomation.AutomationAccountStateOk), CreationTime: &created, LastModifiedTime: &created, SKU: &armautomation.SKU{Name: to.Ptr(armautomation.SKUNameEnumBasic)},
		DisableLocalAuth: to.Ptr(!it.Has("keys")), PublicNetworkAccess: to.Ptr(false),
		Encryption: &armautomation.EncryptionProperties{KeySource: to.Ptr(armautomation.EncryptionKeySourceTypeMicrosoftAutomation)},
	}
	if it.Has("public") {
		p.PublicNetworkAccess = []*bool{nil, to.Ptr(true)}[it.Pick(2, "public")]
	}
	if !it.Has("platform-key") {
		p.Encryption.KeySource = to.Ptr(armautomation.EncryptionKeySourceTypeMicrosoftKeyvault)
		p.Encryption.KeyVaultProperties = &armautomation.KeyVaultProperties{KeyName: to.Ptr("runbooks"), KeyvaultURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net")}
	}
	out := &armautomation.Account{
		ID: to.Ptr(automationID(it)), Name: to.Ptr(automationName(it)), Type: to.Ptr("Microsoft.Automation/AutomationAccounts"), Location: to.Ptr(it.Account.Home()),
		Tags: labels("team", "operations"), Properties: p,
	}
	if !it.Has("no-identity") {
		out.Identity = &armautomation.Identity{Type: to.Ptr(armautomation.ResourceIdentityTypeSystemAssigned), PrincipalID: to.Ptr(objectID(it, "own"))}
	}
	return out
}
