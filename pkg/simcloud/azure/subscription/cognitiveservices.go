package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var cognitiveService = service{
	providers: []string{"Microsoft.CognitiveServices"},
	kinds: []world.Kind{{
		Name: "azure.cognitive", Sort: inSubscription, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "open", Share: 0.3, Drift: 0.1}, {Name: "keys", Share: 0.4}, {Name: "platform-key", Share: 0.5}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.cognitiveservices.account", cognitiveID(it)), map[string]posture.Result{
				"azure-cognitiveservices-account-secured": failIf(it.Has("open") || it.Has("keys")),
				"azure-cognitiveservices-account-cmk":     failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleCognitive,
}

func cognitiveID(it *world.Item) string {
	return idOf(it, "Microsoft.CognitiveServices/accounts", "ai-"+it.Name())
}

func handleCognitive(s *azure.Server, w *states) {
	azure.List(s, "armcognitiveservices.AccountsClient.NewListPager", func(c azure.Call) (*armcognitiveservices.AccountListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcognitiveservices.AccountListResult{}
		for _, it := range state.Items("azure.cognitive") {
			out.Value = append(out.Value, cognitive(it))
		}
		return out, nil
	})
}

func cognitive(it *world.Item) *armcognitiveservices.Account {
	kind := []string{"OpenAI", "AIServices", "FormRecognizer"}[it.Pick(3, "kind")]
	p := &armcognitiveservices.AccountProperties{
		ProvisioningState: to.Ptr(armcognitiveservices.ProvisioningStateSucceeded), CustomSubDomainName: to.Ptr("ai-" + it.Name()), DisableLocalAuth: to.Ptr(!it.Has("keys")),
		Endpoint: to.Ptr("https://ai-" + it.Name() + ".cognitiveservices.azure.com/"), PublicNetworkAccess: to.Ptr(armcognitiveservices.PublicNetworkAccessEnabled),
		NetworkACLs:                   &armcognitiveservices.NetworkRuleSet{DefaultAction: to.Ptr(armcognitiveservices.NetworkRuleActionAllow)},
		RestrictOutboundNetworkAccess: to.Ptr(it.Pick(2, "outbound") == 0),
		Encryption:                    &armcognitiveservices.Encryption{KeySource: to.Ptr(armcognitiveservices.KeySourceMicrosoftKeyVault)},
	}
	switch {
	case it.Has("open") && it.Pick(2, "open") == 0:
		p.PublicNetworkAccess, p.NetworkACLs = nil, nil
	case it.Has("open"):
	case it.Pick(2, "closed") == 0:
		p.PublicNetworkAccess = to.Ptr(armcognitiveservices.PublicNetworkAccessDisabled)
	default:
		p.NetworkACLs.DefaultAction = to.Ptr(armcognitiveservices.NetworkRuleActionDeny)
		p.NetworkACLs.IPRules = []*armcognitiveservices.IPRule{{Value: to.Ptr("198.51.100.0/24")}}
	}
	if it.Has("platform-key") {
		p.Encryption = []*armcognitiveservices.Encryption{nil, {KeySource: to.Ptr(armcognitiveservices.KeySourceMicrosoftCognitiveServices)}}[it.Pick(2, "key")]
	} else {
		p.Encryption.KeyVaultProperties = &armcognitiveservices.KeyVaultProperties{KeyName: to.Ptr("ai"), KeyVaultURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/")}
	}
	if it.Pick(2, "storage") == 0 {
		p.UserOwnedStorage = []*armcognitiveservices.UserOwnedStorage{{ResourceID: to.Ptr(idOf(it, "Microsoft.Storage/storageAccounts", "stai"))}}
	}
	if it.Pick(2, "endpoint") == 0 {
		p.PrivateEndpointConnections = []*armcognitiveservices.PrivateEndpointConnection{{
			ID: to.Ptr(cognitiveID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
			Properties: &armcognitiveservices.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armcognitiveservices.PrivateLinkServiceConnectionState{
				Status: to.Ptr(armcognitiveservices.PrivateEndpointServiceConnectionStatusApproved),
			}},
		}}
	}
	return &armcognitiveservices.Account{
		ID: to.Ptr(cognitiveID(it)), Name: to.Ptr("ai-" + it.Name()), Type: to.Ptr("Microsoft.CognitiveServices/accounts"), Location: to.Ptr(it.Account.Home()), Kind: &kind,
		SKU: &armcognitiveservices.SKU{Name: to.Ptr("S0")}, Tags: labels("team", "assist"), Properties: p,
	}
}
