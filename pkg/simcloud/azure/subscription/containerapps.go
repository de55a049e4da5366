package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appcontainers/armappcontainers/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Apps run in one of two environments: a public one, and one inside a network.
var containerAppsService = service{
	providers: []string{"Microsoft.App"},
	kinds: []world.Kind{{
		Name: "azure.containerapp", Sort: inSubscription, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "no-ingress", Share: 0.2}, {Name: "insecure", Share: 0.3, Drift: 0.1}, {Name: "external", Share: 0.6, Drift: 0.1}, {Name: "inside", Share: 0.4},
			{Name: "restricted", Share: 0.3}, {Name: "secret-in-clear", Share: 0.3}, {Name: "no-identity", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			open := it.Has("external") && !it.Has("inside") && !it.Has("restricted")
			return keyOf("azure.containerapps.app", containerAppID(it)), map[string]posture.Result{
				"azure-containerapps-app-ingress-secure": unless(it.Has("no-ingress"), failIf(it.Has("insecure") || open)),
			}
		},
	}},
	handle: handleContainerApps,
}

func containerAppID(it *world.Item) string {
	return idOf(it, "Microsoft.App/containerApps", "ca-"+it.Name())
}

func environmentID(it *world.Item, name string) string {
	return idOf(it, "Microsoft.App/managedEnvironments", name)
}

func handleContainerApps(s *azure.Server, w *states) {
	azure.List(s, "armappcontainers.ContainerAppsClient.NewListBySubscriptionPager", func(c azure.Call) (*armappcontainers.ContainerAppCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armappcontainers.ContainerAppCollection{}
		for _, it := range state.Items("azure.containerapp") {
			out.Value = append(out.Value, containerApp(it))
		}
		return out, nil
	})
	azure.List(s, "armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager", func(c azure.Call) (*armappcontainers.ManagedEnvironmentsCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		any := state.Find("azure.containerapp", posture.Global, 0)
		environment := func(name string, p *armappcontainers.ManagedEnvironmentProperties) *armappcontainers.ManagedEnvironment {
			p.AppLogsConfiguration = &armappcontainers.AppLogsConfiguration{Destination: to.Ptr("log-analytics")}
			return &armappcontainers.ManagedEnvironment{ID: to.Ptr(environmentID(any, name)), Name: &name, Location: to.Ptr(state.Account.Home()), Properties: p}
		}
		return &armappcontainers.ManagedEnvironmentsCollection{Value: []*armappcontainers.ManagedEnvironment{
			environment("cae-public", &armappcontainers.ManagedEnvironmentProperties{ZoneRedundant: to.Ptr(false)}),
			environment("cae-inside", &armappcontainers.ManagedEnvironmentProperties{
				ZoneRedundant: to.Ptr(true), PeerAuthentication: &armappcontainers.ManagedEnvironmentPropertiesPeerAuthentication{Mtls: &armappcontainers.Mtls{Enabled: to.Ptr(true)}},
				VnetConfiguration: &armappcontainers.VnetConfiguration{Internal: to.Ptr(true), InfrastructureSubnetID: to.Ptr(networkID(state.Find("azure.network", posture.Global, 0)) + "/subnets/app")},
			}),
		}}, nil
	})
}

func containerApp(it *world.Item) *armappcontainers.ContainerApp {
	environment := "cae-public"
	if it.Has("inside") {
		environment = "cae-inside"
	}
	password := &armappcontainers.EnvironmentVar{Name: to.Ptr("DB_PASSWORD"), SecretRef: to.Ptr("db-password")}
	if it.Has("secret-in-clear") {
		password = &armappcontainers.EnvironmentVar{Name: to.Ptr("DB_PASSWORD"), Value: to.Ptr(it.Hex(20, "password"))}
	}
	p := &armappcontainers.ContainerAppProperties{
		EnvironmentID: to.Ptr(environmentID(it, environment)), ManagedEnvironmentID: to.Ptr(environmentID(it, environment)), Configuration: &armappcontainers.Configuration{},
		Template: &armappcontainers.Template{Containers: []*armappcontainers.Container{{
			Name: to.Ptr("app"), Image: to.Ptr("crapp.azurecr.io/app:1.4"), Env: []*armappcontainers.EnvironmentVar{{Name: to.Ptr("LOG_LEVEL"), Value: to.Ptr("info")}, password},
		}}},
	}
	if !it.Has("no-ingress") {
		p.Configuration.Ingress = &armappcontainers.Ingress{
			External: to.Ptr(it.Has("external")), AllowInsecure: to.Ptr(it.Has("insecure")), TargetPort: to.Ptr[int32](8080), Transport: to.Ptr(armappcontainers.IngressTransportMethodAuto),
		}
		if it.Has("restricted") {
			p.Configuration.Ingress.IPSecurityRestrictions = []*armappcontainers.IPSecurityRestrictionRule{
				{Name: to.Ptr("office"), Action: to.Ptr(armappcontainers.ActionAllow), IPAddressRange: to.Ptr("203.0.113.0/24")},
			}
		}
	}
	identity := armappcontainers.ManagedServiceIdentityTypeSystemAssigned
	if it.Has("no-identity") {
		identity = armappcontainers.ManagedServiceIdentityTypeNone
	}
	return &armappcontainers.ContainerApp{
		ID: to.Ptr(containerAppID(it)), Name: to.Ptr("ca-" + it.Name()), Type: to.Ptr("Microsoft.App/containerApps"), Location: to.Ptr(it.Account.Home()),
		Identity: &armappcontainers.ManagedServiceIdentity{Type: &identity}, Tags: labels("team", "app"), Properties: p,
	}
}
