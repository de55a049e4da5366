package gcp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/alloydb/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestUnreachableLocationsOfAlloyDB(t *testing.T) {
	for name, test := range map[string]struct {
		unreachable string
		want        []string
	}{
		"none": {`[]`, nil},
		"a location leaves only its own lists open": {`["us-central1"]`, []string{"us-central1"}},
		"a location may come with its path":         {`["projects/acme/locations/us-central1"]`, []string{"us-central1"}},
		"a cluster leaves its location open":        {`["projects/acme/locations/us-east4/clusters/orders"]`, []string{"us-east4"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := scripted{
				"alloydb.projects.locations.clusters.list": `{"clusters": [{"name": "projects/acme/locations/europe-west1/clusters/orders"}],
					"unreachable": ` + test.unreachable + `}`,
				"alloydb.projects.locations.clusters.instances.list": `{"unreachable": ` + test.unreachable + `}`,
			}
			clusters, clustersErr := readScripted(collectAlloyClusters, answers)
			_, instancesErr := readScripted(collectAlloyInstances, answers)
			var want, wantInstances []string
			for _, place := range test.want {
				want, wantInstances = append(want, "gcp.alloydb.cluster in "+place), append(wantInstances, "gcp.alloydb.instance in "+place)
			}
			if diff := cmp.Diff(want, incomplete(clustersErr)); diff != "" {
				t.Errorf("incomplete cells of clusters differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantInstances, incomplete(instancesErr)); diff != "" {
				t.Errorf("incomplete cells of instances differ (-want +got):\n%s", diff)
			}
			if len(clusters) != 1 {
				t.Errorf("the reachable cluster is not there: %v", clusters)
			}
		})
	}
}

func TestAlloyDBCluster(t *testing.T) {
	const key = "projects/acme/locations/europe-west1/keyRings/data/cryptoKeys/databases"
	for name, test := range map[string]struct {
		cluster alloydb.Cluster
		want    schema.AlloyDBCluster
	}{
		"backups of which nothing is said are the service's own": {
			alloydb.Cluster{},
			schema.AlloyDBCluster{ContinuousBackupEnabled: true, ContinuousBackupDays: 14, AutomatedBackupEnabled: true},
		},
		"a configuration that does not enable them switches them off": {
			alloydb.Cluster{ContinuousBackupConfig: &alloydb.ContinuousBackupConfig{RecoveryWindowDays: 7},
				AutomatedBackupPolicy: &alloydb.AutomatedBackupPolicy{}},
			schema.AlloyDBCluster{},
		},
		"the window is the cluster's own where it has one": {
			alloydb.Cluster{ContinuousBackupConfig: &alloydb.ContinuousBackupConfig{Enabled: true, RecoveryWindowDays: 7}},
			schema.AlloyDBCluster{ContinuousBackupEnabled: true, ContinuousBackupDays: 7, AutomatedBackupEnabled: true},
		},
		"a key in use is named by its version": {
			alloydb.Cluster{EncryptionInfo: &alloydb.EncryptionInfo{KmsKeyVersions: []string{key + "/cryptoKeyVersions/3"}}},
			schema.AlloyDBCluster{KMSKeyName: key, ContinuousBackupEnabled: true, ContinuousBackupDays: 14, AutomatedBackupEnabled: true},
		},
		"the configured key goes first": {
			alloydb.Cluster{EncryptionConfig: &alloydb.EncryptionConfig{KmsKeyName: key},
				EncryptionInfo: &alloydb.EncryptionInfo{KmsKeyVersions: []string{"another/cryptoKeyVersions/1"}}},
			schema.AlloyDBCluster{KMSKeyName: key, ContinuousBackupEnabled: true, ContinuousBackupDays: 14, AutomatedBackupEnabled: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.cluster.Name, test.want.Meta = "projects/acme/locations/europe-west1/clusters/orders", posture.Meta{Name: "orders"}
			if diff := cmp.Diff(&test.want, newAlloyCluster(&test.cluster)); diff != "" {
				t.Errorf("cluster differs (-want +got):\n%s", diff)
			}
		})
	}
}
