package azure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/apimanagement/armapimanagement/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

var apiManagementServices = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.APIManagementServiceType},
	Operations: []collectors.Operation{
		{Name: "armapimanagement.ServiceClient.NewListPager", Permission: "Microsoft.ApiManagement/service/read", Body: collectors.Redact("certificatePassword", "encodedCertificate")},
		{Name: "armapimanagement.NamedValueClient.NewListByServicePager", Permission: "Microsoft.ApiManagement/service/namedValues/read", Body: collectors.Digest}, // holds the values
		{Name: "armapimanagement.APIClient.NewListByServicePager", Permission: "Microsoft.ApiManagement/service/apis/read", Body: collectors.Redact("serviceUrl")},
	},
	Collect: collectAPIManagement,
}

func collectAPIManagement(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armapimanagement.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armapimanagement.ServiceResource
	err = pages(ctx, factory.NewServiceClient().NewListPager(nil), func(page armapimanagement.ServiceClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(s *armapimanagement.ServiceResource) string { return idOf(s.ID) }, func(s *armapimanagement.ServiceResource) error {
		out := newAPIManagementService(s)
		var gaps []collectors.Gap
		if err := readNamedValues(ctx, factory.NewNamedValueClient(), &out); err != nil {
			gaps = append(gaps, collectors.Unread(err, "plaintext_named_values", "plaintext_suspect_names"))
		}
		if err := readAPIs(ctx, factory.NewAPIClient(), &out); err != nil {
			gaps = append(gaps, collectors.Unread(err, "http_apis"))
		}
		emit(idOf(s.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list services: %w", err)
	}
	return nil
}

func newAPIManagementService(s *armapimanagement.ServiceResource) schema.APIManagementService {
	p := value(s.Properties)
	out := schema.APIManagementService{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), SKU: text(value(s.SKU).Name), VirtualNetworkType: cmp.Or(text(p.VirtualNetworkType), "None"),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), LegacyTLSEnabled: legacyTLS(p.CustomProperties),
		PlatformVersion: text(p.PlatformVersion), PlaintextSuspectNames: []string{}, Zones: list(s.Zones),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armapimanagement.RemotePrivateEndpointConnectionWrapper) *armapimanagement.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
	}
	out.CreatedAt = posture.FromPtr(p.CreatedAtUTC)
	out.DeveloperPortal = text(p.DeveloperPortalStatus) != string(armapimanagement.DeveloperPortalStatusDisabled) && out.SKU != string(armapimanagement.SKUTypeConsumption)
	return out
}

// legacyTLS looks through settings such as "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls10".
func legacyTLS(settings map[string]*string) bool {
	for name, on := range settings {
		last := strings.ToLower(name[strings.LastIndex(name, ".")+1:])
		if slices.Contains([]string{"ssl30", "tls10", "tls11"}, last) && strings.EqualFold(text(on), "true") {
			return true
		}
	}
	return false
}

// readNamedValues counts the values that anybody who may look at the service can read, and lets go of them.
func readNamedValues(ctx context.Context, api *armapimanagement.NamedValueClient, out *schema.APIManagementService) error {
	err := pages(ctx, api.NewListByServicePager(out.ResourceGroup, out.Name, nil), func(page armapimanagement.NamedValueClientListByServiceResponse) error {
		for _, v := range page.Value {
			p := value(v.Properties)
			if is(p.Secret) || text(value(p.KeyVault).SecretIdentifier) != "" {
				continue
			}
			out.PlaintextNamedValues++
			if secretscan.Suspect(text(p.DisplayName), text(p.Value)) {
				out.PlaintextSuspectNames = append(out.PlaintextSuspectNames, text(v.Name))
			}
		}
		return nil
	})
	slices.Sort(out.PlaintextSuspectNames)
	if err != nil {
		return fmt.Errorf("list named values: %w", err)
	}
	return nil
}

func readAPIs(ctx context.Context, api *armapimanagement.APIClient, out *schema.APIManagementService) error {
	err := pages(ctx, api.NewListByServicePager(out.ResourceGroup, out.Name, nil), func(page armapimanagement.APIClientListByServiceResponse) error {
		for _, a := range page.Value {
			p := value(a.Properties)
			current := p.IsCurrent == nil || *p.IsCurrent
			if current && slices.ContainsFunc(p.Protocols, func(s *armapimanagement.Protocol) bool { return text(s) == "http" || text(s) == "ws" }) {
				out.HTTPAPIs++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list APIs: %w", err)
	}
	return nil
}
