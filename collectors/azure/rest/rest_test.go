package rest

import (
	"net/http"
	"net/url"
	"testing"
)

func TestMatch(t *testing.T) {
	const arm, rg = "management.azure.com", "/subscriptions/s/resourceGroups/rg/providers/"
	for name, test := range map[string]struct{ path, apiName, want string }{
		"an operation by its path":                   {"/subscriptions/s/providers/Microsoft.Compute/disks", "", "armcompute.DisksClient.NewListPager"},
		"Resource Manager ignores case":              {"/SUBSCRIPTIONS/s/providers/microsoft.compute/DISKS", "DisksClient.NewListPager", "armcompute.DisksClient.NewListPager"},
		"a resource by its id":                       {rg + "Microsoft.ContainerRegistry/registries/cr", "Client.GetByID", "armresources.Client.GetByID"},
		"a resource by its id, when nobody says how": {rg + "Microsoft.ContainerRegistry/registries/cr", "", "armresources.Client.GetByID"},
		"another call is not that one":               {rg + "Microsoft.ContainerRegistry/registries/cr", "RegistriesClient.Get", ""},
		"a further page may lie below the list":      {"/subscriptions/s/providers/Microsoft.Compute/disks/page_2", "DisksClient.NewListPager", "armcompute.DisksClient.NewListPager"},
		"but not of another list":                    {"/subscriptions/s/providers/Microsoft.Compute/disks/page_2", "SnapshotsClient.NewListPager", ""},
		"and only when the list is named":            {"/subscriptions/s/providers/Microsoft.Compute/disks/page_2", "", "armresources.Client.GetByID"},
		"a name goes before a longer path":           {rg + "Microsoft.Compute/virtualMachines/vm/extensions", "Client.GetByID", "armresources.Client.GetByID"},
	} {
		u := &url.URL{Path: test.path}
		if m, _, _ := Match(arm, http.MethodGet, u, test.apiName); m.ID != test.want {
			t.Errorf("%s: %q, want %q", name, m.ID, test.want)
		}
	}
}
