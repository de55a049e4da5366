package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appcontainers/armappcontainers/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

var containerApps = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ContainerAppType},
	Operations: []collectors.Operation{
		{Name: "armappcontainers.ContainerAppsClient.NewListBySubscriptionPager", Permission: "Microsoft.App/containerApps/read", Body: collectors.Digest},
		{Name: "armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager", Permission: "Microsoft.App/managedEnvironments/read",
			Body: collectors.Redact("daprAIConnectionString", "daprAIInstrumentationKey", "sharedKey", "certificatePassword", "certificateValue")},
	},
	Collect: collectContainerApps,
}

func collectContainerApps(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armappcontainers.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	environments := map[string]*armappcontainers.ManagedEnvironment{}
	unread := pages(ctx, api.NewManagedEnvironmentsClient().NewListBySubscriptionPager(nil), func(page armappcontainers.ManagedEnvironmentsClientListBySubscriptionResponse) error {
		for _, e := range page.Value {
			environments[idOf(e.ID)] = e
		}
		return nil
	})
	if unread == nil {
		unread = collectors.ErrNotCollected // of an environment that is not listed: it lies in another subscription
	}
	err = pages(ctx, api.NewContainerAppsClient().NewListBySubscriptionPager(nil), func(page armappcontainers.ContainerAppsClientListBySubscriptionResponse) error {
		for _, a := range page.Value {
			out := newContainerApp(a)
			if e := environments[out.EnvironmentID]; e != nil {
				out.Environment = newAppEnvironment(e)
				emit(idOf(a.ID), &out)
			} else {
				emit(idOf(a.ID), &out, collectors.Unread(unread, "environment"))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list container apps: %w", err)
	}
	return nil
}

func newContainerApp(a *armappcontainers.ContainerApp) schema.ContainerApp {
	p := value(a.Properties)
	out := schema.ContainerApp{
		Resource:      resource(a.ID, a.Name, a.Location, a.Tags),
		EnvironmentID: cmp.Or(idOf(p.EnvironmentID), idOf(p.ManagedEnvironmentID)), ClientCertificateMode: "ignore", IdentityType: text(value(a.Identity).Type),
	}
	if ingress := value(p.Configuration).Ingress; ingress != nil {
		out.IngressExternal, out.AllowInsecure = posture.Some(is(ingress.External)), is(ingress.AllowInsecure)
		out.ClientCertificateMode = cmp.Or(text(ingress.ClientCertificateMode), "ignore")
		out.IPRestrictionCount = len(ingress.IPSecurityRestrictions)
	}
	var variables []*armappcontainers.EnvironmentVar
	for _, container := range value(p.Template).Containers {
		variables = append(variables, container.Env...)
	}
	for _, container := range value(p.Template).InitContainers {
		variables = append(variables, container.Env...)
	}
	out.SuspectEnvNames = secretscan.Names(func(yield func(string, string) bool) {
		for _, v := range variables {
			if !yield(text(v.Name), text(v.Value)) {
				return
			}
		}
	})
	return out
}

func newAppEnvironment(e *armappcontainers.ManagedEnvironment) schema.AppEnvironment {
	p := value(e.Properties)
	network := value(p.VnetConfiguration)
	return schema.AppEnvironment{
		Internal: is(network.Internal), SubnetID: idOf(network.InfrastructureSubnetID), LogsDestination: text(value(p.AppLogsConfiguration).Destination),
		ZoneRedundant: is(p.ZoneRedundant), MTLS: is(value(value(p.PeerAuthentication).Mtls).Enabled),
	}
}
