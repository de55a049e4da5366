package gcp

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

// inventoryOf is a project whose inventory answers as scripted.
func inventoryOf(answers scripted) *client {
	c := &client{project: "acme", number: "4711", node: "projects/acme",
		options: []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: answers})}}
	c.inventory = &inventory{client: c}
	return c
}

func TestPoliciesComeFromTheInventory(t *testing.T) {
	const (
		resources, policies = "cloudasset.searchAllResources", "cloudasset.searchAllIamPolicies"
		topic               = "//pubsub.googleapis.com/projects/acme/topics/orders"
		policy              = `"policy": {"bindings": [{"role": "roles/viewer", "members": ["allUsers"]}, {"role": "roles/editor", "members": ["user:ada@acme.example"]}]}`
	)
	found := []string{"roles/editor", "roles/viewer"}
	asked := []string{"roles/a", "roles/b"}
	for name, test := range map[string]struct {
		answers scripted
		names   []string
		want    []string
	}{
		"a policy that was found": {
			scripted{resources: `{"results": [{"name": "` + topic + `"}]}`, policies: `{"results": [{"resource": "` + topic + `", ` + policy + `}]}`},
			[]string{topic}, found},
		"a known resource without a policy has no bindings": {
			scripted{resources: `{"results": [{"name": "` + topic + `"}]}`, policies: `{}`}, []string{topic}, nil},
		"a resource that is not known is asked for": {
			scripted{resources: `{}`, policies: `{}`}, []string{topic}, asked},
		"a project by its number": {
			scripted{resources: `{"results": [{"name": "//pubsub.googleapis.com/projects/4711/topics/orders"}]}`,
				policies: `{"results": [{"resource": "` + topic + `", ` + policy + `}]}`},
			[]string{topic}, found},
		"a resource that goes by the number": {
			scripted{resources: `{"results": [{"name": "//secretmanager.googleapis.com/projects/acme/secrets/db"}]}`,
				policies: `{"results": [{"resource": "//secretmanager.googleapis.com/projects/acme/secrets/db", ` + policy + `}]}`},
			[]string{"//secretmanager.googleapis.com/projects/4711/secrets/db"}, found},
		"a bucket by its longer name": {
			scripted{resources: `{"results": [{"name": "//storage.googleapis.com/projects/_/buckets/media"}]}`,
				policies: `{"results": [{"resource": "//storage.googleapis.com/projects/_/buckets/media", ` + policy + `}]}`},
			[]string{"//storage.googleapis.com/media"}, found},
		"an account by the one name and its policy by the other": {
			scripted{resources: `{"results": [{"name": "//iam.googleapis.com/projects/acme/serviceAccounts/web@acme.iam.gserviceaccount.com"}]}`,
				policies: `{"results": [{"resource": "//iam.googleapis.com/projects/acme/serviceAccounts/1234", ` + policy + `}]}`},
			[]string{"//iam.googleapis.com/projects/acme/serviceAccounts/web@acme.iam.gserviceaccount.com", "//iam.googleapis.com/projects/acme/serviceAccounts/1234"}, found},
		"policies are refused":  {scripted{resources: `{"results": [{"name": "` + topic + `"}]}`}, []string{topic}, asked},
		"resources are refused": {scripted{policies: `{"results": [{"resource": "` + topic + `", ` + policy + `}]}`}, []string{topic}, asked},
		"everything is refused": {scripted{}, []string{topic}, asked},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(...googleapi.CallOption) (*pubsub.Policy, error) {
				return &pubsub.Policy{Bindings: []*pubsub.Binding{{Role: "roles/b"}, {Role: "roles/a"}}}, nil
			}
			c := inventoryOf(test.answers)
			for range 2 { // the second time without a search
				grants, err := readGrants(t.Context(), c, ask, topicGrants, test.names...)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, b := range grants.Bindings {
					got = append(got, b.Role)
				}
				if !slices.Equal(got, test.want) || grants.Bindings == nil {
					t.Errorf("bindings are %#v, want %v", grants.Bindings, test.want)
				}
			}
		})
	}
}

func TestLocationsInUseComeFromTheInventory(t *testing.T) {
	const search = "cloudasset.searchAllResources"
	services := `{"results": [
		{"name": "//run.googleapis.com/projects/acme/locations/us-east1/services/b", "assetType": "run.googleapis.com/Service"},
		{"name": "//run.googleapis.com/projects/acme/locations/us-east1/services/c", "assetType": "run.googleapis.com/Service"},
		{"name": "//dataproc.googleapis.com/projects/acme/regions/us-west1/clusters/d", "assetType": "dataproc.googleapis.com/Cluster"}]}`
	for name, test := range map[string]struct {
		answers scripted
		asset   string
		want    []string
	}{
		"each once":                        {scripted{search: services}, serviceAsset, []string{"us-east1"}},
		"a region":                         {scripted{search: services}, clusterAsset, []string{"us-west1"}},
		"none":                             {scripted{search: services}, repositoryAsset, nil},
		"a refused search proves nothing":  {scripted{}, serviceAsset, []string{"everywhere"}},
		"a name that does not say a place": {scripted{search: `{"results": [{"name": "//run.googleapis.com/services/b", "assetType": "run.googleapis.com/Service"}]}`}, serviceAsset, []string{"everywhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := inventoryOf(test.answers).inEachLocation(context.Background(), schema.RunServiceType, test.asset,
				func(add func(string)) error { add("everywhere"); return nil },
				func(location string) error { got = append(got, location); return nil })
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("asked in %v (%v), want %v", got, err, test.want)
			}
		})
	}
}
