package gcp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

func TestInstance(t *testing.T) {
	set := func(pairs ...string) *compute.Metadata {
		m := &compute.Metadata{}
		for i := 0; i < len(pairs); i += 2 {
			m.Items = append(m.Items, &compute.MetadataItems{Key: pairs[i], Value: &pairs[i+1]})
		}
		return m
	}
	const bootstrap = "KUBELET_KEY: -----BEGIN PRIVATE KEY-----"
	for name, test := range map[string]struct {
		instance compute.Instance
		want     func(*schema.Instance)
	}{
		"nothing is set": {compute.Instance{}, func(*schema.Instance) {}},
		"switches are read in all their spellings": {
			compute.Instance{Metadata: set("enable-oslogin", "Yes", "serial-port-enable", "0", "block-project-ssh-keys", " TRUE",
				"enable-osconfig", "perhaps")},
			func(want *schema.Instance) {
				want.MetadataFlags = schema.MetadataFlags{EnableOSLogin: "true", SerialPortEnable: "false", BlockProjectSSHKeys: "true"}
				want.MetadataKeys = []string{"block-project-ssh-keys", "enable-osconfig", "enable-oslogin", "serial-port-enable"}
			},
		},
		"a key without a value is there all the same": {
			compute.Instance{Metadata: &compute.Metadata{Items: []*compute.MetadataItems{{Key: "marker"}}}},
			func(want *schema.Instance) { want.MetadataKeys = []string{"marker"} },
		},
		"a credential under any key": {
			compute.Instance{Metadata: set("kube-env", bootstrap, "app-env", "fine")},
			func(want *schema.Instance) {
				want.MetadataKeys, want.MetadataSuspectKeys = []string{"app-env", "kube-env"}, []string{"kube-env"}
			},
		},
		"GKE's own are none, those of others on its nodes are": {
			compute.Instance{Labels: map[string]string{"goog-gke-node": ""}, Metadata: set("kube-env", bootstrap, "app-env", "DB_PASSWORD=hunter2hunter2")},
			func(want *schema.Instance) {
				want.Tags, want.ManagedByGKE = map[string]string{"goog-gke-node": ""}, true
				want.MetadataKeys, want.MetadataSuspectKeys = []string{"app-env", "kube-env"}, []string{"app-env"}
			},
		},
		"a name alone makes a node, but excuses nothing": {
			compute.Instance{Name: "gke-shop-1", Metadata: set("kube-env", bootstrap)},
			func(want *schema.Instance) {
				want.Name, want.ManagedByGKE = "gke-shop-1", true
				want.MetadataKeys, want.MetadataSuspectKeys = []string{"kube-env"}, []string{"kube-env"}
			},
		},
		"labels tell who made it": {
			compute.Instance{Labels: map[string]string{"goog-gke-node": "", "goog-dataproc-cluster-name": "reports"},
				Metadata: set("created-by", "projects/4711/zones/europe-west1-b/instanceGroupManagers/shop")},
			func(want *schema.Instance) {
				want.Tags = map[string]string{"goog-gke-node": "", "goog-dataproc-cluster-name": "reports"}
				want.ManagedByGKE, want.ManagedByDataproc, want.InstanceGroupMember, want.MetadataKeys = true, true, true, []string{"created-by"}
			},
		},
		"addresses of both families count, and those to come": {
			compute.Instance{NetworkInterfaces: []*compute.NetworkInterface{
				{AccessConfigs: []*compute.AccessConfig{{NatIP: "203.0.113.7"}},
					Ipv6AccessConfigs: []*compute.AccessConfig{{ExternalIpv6: "2600:1900::1"}}},
				{AccessConfigs: []*compute.AccessConfig{{}}}}},
			func(want *schema.Instance) { want.ExternalIPs = []string{"203.0.113.7", "2600:1900::1", "ephemeral"} },
		},
		"the default account": {
			compute.Instance{ServiceAccounts: []*compute.ServiceAccount{{Email: "4711-compute@developer.gserviceaccount.com",
				Scopes: []string{"b", "a"}}}},
			func(want *schema.Instance) {
				want.ServiceAccountEmail, want.ServiceAccountIsDefault, want.Scopes = "4711-compute@developer.gserviceaccount.com", true, []string{"a", "b"}
			},
		},
		"a confidential kind is enough": {
			compute.Instance{MachineType: "zones/b/machineTypes/x9-standard-2",
				ConfidentialInstanceConfig: &compute.ConfidentialInstanceConfig{ConfidentialInstanceType: "TDX"}},
			func(want *schema.Instance) {
				want.MachineType, want.ConfidentialCompute, want.ConfidentialSupported = "x9-standard-2", true, true
			},
		},
		"an unspecified one is not": {
			compute.Instance{MachineType: "e2-medium", ConfidentialInstanceConfig: &compute.ConfidentialInstanceConfig{ConfidentialInstanceType: "CONFIDENTIAL_INSTANCE_TYPE_UNSPECIFIED"}},
			func(want *schema.Instance) { want.MachineType = "e2-medium" },
		},
		"whose key a disk is encrypted with": {
			compute.Instance{Disks: []*compute.AttachedDisk{{DeviceName: "a"},
				{DeviceName: "b", DiskEncryptionKey: &compute.CustomerEncryptionKey{KmsKeyName: "key", Sha256: "x"}},
				{DeviceName: "c", DiskEncryptionKey: &compute.CustomerEncryptionKey{Sha256: "x"}}}},
			func(want *schema.Instance) {
				want.Disks = []schema.AttachedDisk{{Device: "a", Encryption: "platform"}, {Device: "b", Encryption: "cmek"},
					{Device: "c", Encryption: "csek"}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := schema.Instance{Number: "0", Zone: ".", ProjectID: "acme", MachineType: ".", ExternalIPs: []string{}, Scopes: []string{},
				MetadataKeys: []string{}, MetadataSuspectKeys: []string{}, Disks: []schema.AttachedDisk{}}
			test.want(&want)
			if diff := cmp.Diff(want, newInstance("acme", &test.instance)); diff != "" {
				t.Errorf("instance differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfidentialMachineTypes(t *testing.T) {
	for name, want := range map[string]bool{
		"n2d-standard-4": true, "n2d-custom-8-16384": true, "c2d-highcpu-2": true, "c3d-standard-4-lssd": true, "c4d-standard-2": true,
		"c3-standard-8": true,
		"a3-highgpu-1g": true, "g4-standard-48": true, "a3-highgpu-8g": false, "c3-highmem-8": false, "c3-standard-192-metal": false,
		"c4d-standard-384-metal": false,
		"e2-medium":              false, "n2-standard-4": false, "c4-standard-2": false,
	} {
		if canBeConfidential(name) != want {
			t.Errorf("%s: confidential %v, want %v", name, !want, want)
		}
	}
}

func TestSSHKeys(t *testing.T) {
	for text, want := range map[string]int{"": 0, "ada:key": 1, "ada:key\n\nbob:key\n": 2, " \n": 0} {
		if got := lines(text); got != want {
			t.Errorf("lines(%q) = %d, want %d", text, got, want)
		}
	}
}
