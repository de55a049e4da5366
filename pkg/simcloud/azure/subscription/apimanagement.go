package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/apimanagement/armapimanagement/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var apiManagementService = service{
	providers: []string{"Microsoft.ApiManagement"},
	kinds: []world.Kind{{
		Name: "azure.apim", Sort: inSubscription, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "consumption", Share: 0.2}, {Name: "public", Share: 0.3, Drift: 0.1}, {Name: "retired-platform", Share: 0.15}, {Name: "old-tls", Share: 0.3},
			{Name: "plain-api", Share: 0.25, Drift: 0.1}, {Name: "plain-values", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.apimanagement.service", apiManagementID(it)), map[string]posture.Result{
				"azure-apimanagement-service-network-restricted": failIf(it.Has("public") || it.Has("consumption") || it.Has("retired-platform")),
				"azure-apimanagement-service-tls":                failIf(it.Has("old-tls") || it.Has("plain-api")),
				"azure-apimanagement-service-secrets-protected":  failIf(it.Has("plain-values")),
			}
		},
	}},
	handle: handleAPIManagement,
}

func apiManagementName(it *world.Item) string { return "apim-" + it.Name() }

func apiManagementID(it *world.Item) string {
	return idOf(it, "Microsoft.ApiManagement/service", apiManagementName(it))
}

func handleAPIManagement(s *azure.Server, w *states) {
	azure.List(s, "armapimanagement.ServiceClient.NewListPager", func(c azure.Call) (*armapimanagement.ServiceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armapimanagement.ServiceListResult{}
		for _, it := range state.Items("azure.apim") {
			out.Value = append(out.Value, apiManagement(state, it))
		}
		return out, nil
	})
	azure.List(s, "armapimanagement.NamedValueClient.NewListByServicePager", func(c azure.Call) (*armapimanagement.NamedValueCollection, error) {
		it, err := w.item(c, "azure.apim", "serviceName", apiManagementName)
		if err != nil {
			return nil, err
		}
		return &armapimanagement.NamedValueCollection{Value: namedValues(it)}, nil
	})
	azure.List(s, "armapimanagement.APIClient.NewListByServicePager", func(c azure.Call) (*armapimanagement.APICollection, error) {
		it, err := w.item(c, "azure.apim", "serviceName", apiManagementName)
		if err != nil {
			return nil, err
		}
		out := &armapimanagement.APICollection{}
		api := func(name string, current bool, protocols ...armapimanagement.Protocol) {
			a := &armapimanagement.APIContract{
				ID: to.Ptr(apiManagementID(it) + "/apis/" + name), Name: &name, Type: to.Ptr("Microsoft.ApiManagement/service/apis"),
				Properties: &armapimanagement.APIContractProperties{
					DisplayName: &name, Path: &name, APIRevision: to.Ptr("1"), IsCurrent: &current, SubscriptionRequired: to.Ptr(true),
					ServiceURL: to.Ptr("https://" + name + ".acme.example"),
				},
			}
			for _, p := range protocols {
				a.Properties.Protocols = append(a.Properties.Protocols, &p)
			}
			out.Value = append(out.Value, a)
		}
		api("orders", true, armapimanagement.ProtocolHTTPS)
		api("orders;rev=1", false, armapimanagement.ProtocolHTTP, armapimanagement.ProtocolHTTPS) // no longer what callers get
		if it.Has("plain-api") {
			api("status", true, [][]armapimanagement.Protocol{{armapimanagement.ProtocolHTTP, armapimanagement.ProtocolHTTPS}, {armapimanagement.ProtocolWs}}[it.Pick(2, "plain")]...)
		}
		return out, nil
	})
}

func namedValues(it *world.Item) []*armapimanagement.NamedValueContract {
	value := func(name string) *armapimanagement.NamedValueContract {
		return &armapimanagement.NamedValueContract{
			ID: to.Ptr(apiManagementID(it) + "/namedValues/" + name), Name: &name, Type: to.Ptr("Microsoft.ApiManagement/service/namedValues"),
			Properties: &armapimanagement.NamedValueContractProperties{DisplayName: &name, Secret: to.Ptr(false)},
		}
	}
	hidden, kept := value("backend-password"), value("payment-key")
	hidden.Properties.Secret = to.Ptr(true) // and the answer leaves the value out
	kept.Properties.Secret = to.Ptr(it.Pick(2, "kept") == 0)
	kept.Properties.KeyVault = &armapimanagement.KeyVaultContractProperties{SecretIdentifier: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/secrets/payment")}
	out := []*armapimanagement.NamedValueContract{hidden, kept}
	if it.Has("plain-values") {
		address, password := value("backend-url"), value("legacy-password")
		address.Properties.Value, password.Properties.Value = to.Ptr("https://orders.acme.example"), to.Ptr("correct-horse-"+it.Hex(8, "password"))
		out = append(out, address)
		if it.Pick(3, "password") > 0 {
			out = append(out, password)
		}
	}
	return out
}

func apiManagement(state *world.State, it *world.Item) *armapimanagement.ServiceResource {
	created := state.Long(it, 500)
	sku, platform := armapimanagement.SKUTypePremium, armapimanagement.PlatformVersionStv2
	if it.Has("retired-platform") {
		platform = armapimanagement.PlatformVersionStv1
	}
	p := &armapimanagement.ServiceProperties{
		ProvisioningState: to.Ptr("Succeeded"), CreatedAtUTC: &created, PublisherEmail: to.Ptr("apis@acme.example"), PublisherName: to.Ptr("Acme"), PlatformVersion: &platform,
		GatewayURL: to.Ptr("https://" + apiManagementName(it) + ".azure-api.net"), DeveloperPortalStatus: to.Ptr(armapimanagement.DeveloperPortalStatusDisabled),
		VirtualNetworkType: to.Ptr(armapimanagement.VirtualNetworkTypeNone), PublicNetworkAccess: to.Ptr(armapimanagement.PublicNetworkAccessEnabled), CustomProperties: map[string]*string{},
	}
	for _, protocol := range []string{"Protocols.Tls10", "Protocols.Tls11", "Backend.Protocols.Tls10", "Backend.Protocols.Tls11", "Backend.Protocols.Ssl30"} {
		p.CustomProperties["Microsoft.WindowsAzure.ApiManagement.Gateway.Security."+protocol] = to.Ptr("False")
	}
	if it.Has("old-tls") {
		switched := []string{"Protocols.Tls10", "Backend.Protocols.Tls11", "Backend.Protocols.Ssl30"}[it.Pick(3, "tls")]
		p.CustomProperties["Microsoft.WindowsAzure.ApiManagement.Gateway.Security."+switched] = to.Ptr("True")
	} else if it.Pick(2, "unsaid") == 0 {
		p.CustomProperties = nil
	}
	if it.Pick(2, "portal") == 0 {
		p.DeveloperPortalStatus = to.Ptr(armapimanagement.DeveloperPortalStatusEnabled)
	}
	out := &armapimanagement.ServiceResource{
		ID: to.Ptr(apiManagementID(it)), Name: to.Ptr(apiManagementName(it)), Type: to.Ptr("Microsoft.ApiManagement/service"), Location: to.Ptr(it.Account.Home()),
		Etag: to.Ptr("AAAAAAF" + it.Hex(4, "etag")), Tags: labels("team", "integration"), Properties: p,
	}
	if it.Has("consumption") {
		sku = armapimanagement.SKUTypeConsumption
		p.DeveloperPortalStatus, p.VirtualNetworkType, p.PublicNetworkAccess = nil, nil, nil
		if !it.Has("retired-platform") {
			p.PlatformVersion = to.Ptr(armapimanagement.PlatformVersionMtv1)
		}
	} else {
		out.Zones = []*string{to.Ptr("1"), to.Ptr("2")}
		if !it.Has("public") {
			encloseAPIManagement(it, p)
		}
	}
	out.SKU = &armapimanagement.ServiceSKUProperties{Name: &sku, Capacity: to.Ptr[int32](1)}
	return out
}

// encloseAPIManagement puts the service into a network, behind private endpoints, or closes its public address.
func encloseAPIManagement(it *world.Item, p *armapimanagement.ServiceProperties) {
	switch it.Pick(4, "closed") {
	case 0:
		p.VirtualNetworkType = to.Ptr(armapimanagement.VirtualNetworkTypeInternal)
	case 1:
		p.VirtualNetworkType = to.Ptr(armapimanagement.VirtualNetworkTypeExternal)
	case 2:
		p.PublicNetworkAccess = to.Ptr(armapimanagement.PublicNetworkAccessDisabled)
	default:
		p.PrivateEndpointConnections = []*armapimanagement.RemotePrivateEndpointConnectionWrapper{{
			ID: to.Ptr(apiManagementID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
			Properties: &armapimanagement.PrivateEndpointConnectionWrapperProperties{
				PrivateLinkServiceConnectionState: &armapimanagement.PrivateLinkServiceConnectionState{Status: to.Ptr(armapimanagement.PrivateEndpointServiceConnectionStatusApproved)},
			},
		}}
	}
}
