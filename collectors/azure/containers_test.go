package azure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestKubernetesVersionSupported(t *testing.T) {
	const versions = `{"values":[{"version":"1.30","capabilities":{"supportPlan":["AKSLongTermSupport"]}},
		{"version":"1.34","capabilities":{"supportPlan":["KubernetesOfficial","AKSLongTermSupport"]}},{"version":"1.35","isPreview":true,"capabilities":{"supportPlan":["KubernetesOfficial"]}}]}`
	for name, test := range map[string]struct {
		properties, versions string
		want                 bool
		unread               map[string]string
	}{
		"a version of today":             {`"currentKubernetesVersion":"1.34.1"`, versions, true, map[string]string{}},
		"an old one":                     {`"currentKubernetesVersion":"1.30.14"`, versions, false, map[string]string{}},
		"an old one with longer support": {`"currentKubernetesVersion":"1.30.14","supportPlan":"AKSLongTermSupport"`, versions, true, map[string]string{}},
		"one that is gone":               {`"currentKubernetesVersion":"1.3.9"`, versions, false, map[string]string{}},
		"a preview":                      {`"currentKubernetesVersion":"1.35.0"`, versions, false, map[string]string{}},
		"only the wanted one is known":   {`"kubernetesVersion":"1.34"`, versions, true, map[string]string{}},
		"versions were refused":          {`"currentKubernetesVersion":"1.34.1"`, "403 Refused", false, map[string]string{"version_supported": "Refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectKubernetesClusters, map[string]string{
				"armcontainerservice.ManagedClustersClient.NewListPager":           `{"value":[{"id":"/S/AKS","location":"westeurope","properties":{` + test.properties + `}}]}`,
				"armcontainerservice.ManagedClustersClient.ListKubernetesVersions": test.versions,
			})
			if err != nil {
				t.Fatal(err)
			}
			k := got["/s/aks"]
			if v := k.attributes.(*schema.KubernetesCluster).VersionSupported; v != test.want {
				t.Errorf("supported is %v", v)
			}
			if diff := cmp.Diff(test.unread, k.unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVersionsAreAskedOnce: two clusters in one region share the answer, which a second request would not get.
func TestVersionsAreAskedOnce(t *testing.T) {
	got, err := readScripted(t, collectKubernetesClusters, map[string]string{
		"armcontainerservice.ManagedClustersClient.NewListPager":           `{"value":[{"id":"/a","location":"westeurope"},{"id":"/b","location":"westeurope"}]}`,
		"armcontainerservice.ManagedClustersClient.ListKubernetesVersions": `{"values":[]}` + "\n---\n" + "403 Repeated",
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d clusters, %v", len(got), err)
	}
	for id, k := range got {
		if len(k.unread) > 0 {
			t.Errorf("unread of %s: %v", id, k.unread)
		}
	}
}

func TestAnonymousPull(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		want   bool
		unread map[string]string
	}{
		"on":        {`{"properties":{"anonymousPullEnabled":true}}`, true, map[string]string{}},
		"off":       {`{"properties":{"anonymousPullEnabled":false}}`, false, map[string]string{}},
		"never set": {`{"properties":{}}`, false, map[string]string{}},
		"refused":   {"403 Refused", false, map[string]string{"anonymous_pull": "Refused"}},
		"a version of the API that was withdrawn": {"400 NoRegisteredProviderFound", false, map[string]string{"anonymous_pull": "NoRegisteredProviderFound"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectContainerRegistries, map[string]string{
				"armcontainerregistry.RegistriesClient.NewListPager": `{"value":[{"id":"/S/CR"}]}`, "armresources.Client.GetByID": test.answer,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := got["/s/cr"]
			if on := r.attributes.(*schema.ContainerRegistry).AnonymousPull; on != test.want {
				t.Errorf("anonymous pull is %v", on)
			}
			if diff := cmp.Diff(test.unread, r.unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContainerApp(t *testing.T) {
	const environments = `{"value":[{"id":"/S/Env","properties":{"vnetConfiguration":{"internal":true},"zoneRedundant":true}}]}`
	app := func(more string) string {
		return `{"value":[{"id":"/S/App","properties":{"environmentId":"/s/env",` + more + `}}]}`
	}
	ingress := `"configuration":{"ingress":{"external":true,"ipSecurityRestrictions":[{"name":"office"}]}}`
	variables := `"template":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"correct-horse-7"},{"name":"LOG_LEVEL","value":"info"},{"name":"API_KEY","secretRef":"key"}]}],
		"initContainers":[{"env":[{"name":"DB_PASSWORD","value":"correct-horse-7"}]}]}`
	inside := schema.AppEnvironment{Internal: true, ZoneRedundant: true}
	for name, test := range map[string]struct {
		app, environments string
		want              schema.ContainerApp
		unread            map[string]string
	}{
		"no ingress": {app(`"configuration":{}`), environments, schema.ContainerApp{SuspectEnvNames: []string{}, Environment: inside}, map[string]string{}},
		"an ingress": {app(ingress), environments, schema.ContainerApp{IngressExternal: posture.Some(true), IPRestrictionCount: 1, SuspectEnvNames: []string{}, Environment: inside}, map[string]string{}},
		"a password in clear text, told by name once": {app(variables), environments,
			schema.ContainerApp{SuspectEnvNames: []string{"DB_PASSWORD"}, Environment: inside}, map[string]string{}},
		"environments were refused": {app(ingress), "403 Refused", schema.ContainerApp{IngressExternal: posture.Some(true), IPRestrictionCount: 1, SuspectEnvNames: []string{}},
			map[string]string{"environment": "Refused"}},
		"an environment that is not listed": {app(ingress), `{"value":[]}`, schema.ContainerApp{IngressExternal: posture.Some(true), IPRestrictionCount: 1, SuspectEnvNames: []string{}},
			map[string]string{"environment": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectContainerApps, map[string]string{
				"armappcontainers.ContainerAppsClient.NewListBySubscriptionPager": test.app, "armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager": test.environments,
			})
			if err != nil {
				t.Fatal(err)
			}
			a := got["/s/app"]
			test.want.EnvironmentID, test.want.ClientCertificateMode = "/s/env", "ignore"
			if diff := cmp.Diff(&test.want, a.attributes); diff != "" {
				t.Errorf("the app differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.unread, a.unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
}
