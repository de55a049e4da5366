package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerregistry/armcontainerregistry"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var containerRegistries = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ContainerRegistryType},
	Operations: []collectors.Operation{
		{Name: "armcontainerregistry.RegistriesClient.NewListPager", Permission: "Microsoft.ContainerRegistry/registries/read", Body: collectors.Store},
		queryResources, listResources, resourceByID,
	},
	Collect: collectContainerRegistries,
}

func collectContainerRegistries(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcontainerregistry.NewRegistriesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var registries []*armcontainerregistry.Registry
	err = pagesOf(ctx, c, "microsoft.containerregistry/registries", "", api.NewListPager(nil), func(page armcontainerregistry.RegistriesClientListResponse) error {
		registries = append(registries, page.Value...)
		return nil
	})
	_ = parallel(registries, func(r *armcontainerregistry.Registry) string { return idOf(r.ID) }, func(r *armcontainerregistry.Registry) error {
		out := newContainerRegistry(r)
		// Stable versions of the API leave this out.
		if err := c.member(ctx, idOf(r.ID), "2023-11-01-preview", "anonymousPullEnabled", &out.AnonymousPull); err != nil {
			emit(idOf(r.ID), &out, collectors.Unread(err, "anonymous_pull"))
			return nil
		}
		emit(idOf(r.ID), &out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list container registries: %w", err)
	}
	return nil
}

func newContainerRegistry(r *armcontainerregistry.Registry) schema.ContainerRegistry {
	p := value(r.Properties)
	policies := value(p.Policies)
	on := func(status *armcontainerregistry.PolicyStatus) bool {
		return text(status) == string(armcontainerregistry.PolicyStatusEnabled)
	}
	out := schema.ContainerRegistry{
		Resource: resource(r.ID, r.Name, r.Location, r.Tags), SKU: text(value(r.SKU).Name), AdminUser: is(p.AdminUserEnabled),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		Network:             schema.RegistryNetwork{DefaultAction: cmp.Or(text(value(p.NetworkRuleSet).DefaultAction), "Allow")},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armcontainerregistry.PrivateEndpointConnection) *armcontainerregistry.ConnectionStatus {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
		EncryptionStatus: cmp.Or(text(value(p.Encryption).Status), "disabled"),
		ZoneRedundancy:   text(p.ZoneRedundancy) == string(armcontainerregistry.ZoneRedundancyEnabled),
		TrustPolicy:      on(value(policies.TrustPolicy).Status), QuarantinePolicy: on(value(policies.QuarantinePolicy).Status),
		ExportPolicy: cmp.Or(text(value(policies.ExportPolicy).Status), "enabled"),
	}
	out.CreatedAt = posture.FromPtr(p.CreationDate)
	if keep := value(policies.RetentionPolicy); on(keep.Status) {
		out.RetentionPolicyDays = int(value(keep.Days))
	}
	return out
}
