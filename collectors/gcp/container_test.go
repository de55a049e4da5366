package gcp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

func TestClusters(t *testing.T) {
	type view struct {
		Public, Allowed bool // endpoint, and whether networks are listed
		PublicPools     int
		Pool            string // its private_nodes
		Mode            string
		Open            []string
	}
	for name, test := range map[string]struct {
		cluster, pool, rest string
		want                view
	}{
		"a cluster that says nothing": {want: view{Public: true}},
		"the older settings": {
			cluster: `"privateClusterConfig": {"enablePrivateEndpoint": true}, "masterAuthorizedNetworksConfig": {"enabled": true}`,
			want:    view{Allowed: true}},
		"the newer ones go before": {
			cluster: `"privateClusterConfig": {"enablePrivateEndpoint": true},
				"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": true, "enablePublicEndpoint": true}}`,
			want: view{Public: true}},
		"no address at all is none in public": {
			cluster: `"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enablePublicEndpoint": true}}`},
		"a pool that says no is not one that says nothing": {
			pool: `"networkConfig": {"enablePrivateNodes": false}`, want: view{Public: true, PublicPools: 1, Pool: "false"}},
		"a pool that says yes": {
			pool: `"networkConfig": {"enablePrivateNodes": true, "podRange": "pods"}`, want: view{Public: true, Pool: "true"}},
		"how image checks were switched on in earlier years": {
			cluster: `"binaryAuthorization": {"enabled": true}`, want: view{Public: true, Mode: "PROJECT_SINGLETON_POLICY_ENFORCE"}},
		"the newer switch goes before": {
			cluster: `"binaryAuthorization": {"enabled": true, "evaluationMode": "DISABLED"}`, want: view{Public: true, Mode: "DISABLED"}},
		"a zone that is missing leaves its region open too": {
			rest: `, "missingZones": ["us-central1-a"]`,
			want: view{Public: true, Open: []string{"gcp.container.cluster in us-central1-a", "gcp.container.node_pool in us-central1-a",
				"gcp.container.cluster in us-central1", "gcp.container.node_pool in us-central1"}}},
		"a region that is missing": {
			rest: `, "missingZones": ["us-central1"]`,
			want: view{Public: true, Open: []string{"gcp.container.cluster in us-central1", "gcp.container.node_pool in us-central1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			member := func(text string) string {
				if text == "" {
					return ""
				}
				return ", " + text
			}
			answer := `{"clusters": [{"name": "shop", "location": "europe-west1"` + member(test.cluster) +
				`, "nodePools": [{"name": "main"` + member(test.pool) + `}]}]` + test.rest + `}`
			found, err := readScripted(collectClusters, scripted{listClusters: answer})
			const id = "projects/acme/locations/europe-west1/clusters/shop"
			cluster, ok := found[id].attributes.(*schema.Cluster)
			pool, has := found[id+"/nodePools/main"].attributes.(*schema.NodePool)
			if !ok || !has {
				t.Fatalf("found %v: %v", found, err)
			}
			got := view{cluster.PublicEndpointEnabled, cluster.AuthorizedNetworksEnabled, cluster.PublicNodePoolCount, pool.PrivateNodes,
				cluster.BinaryAuthorizationMode, incomplete(err)}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cluster differs (-want +got):\n%s", diff)
			}
		})
	}
}
