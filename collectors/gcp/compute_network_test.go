package gcp

import (
	"testing"

	"google.golang.org/api/compute/v1"
)

func TestNetworkPath(t *testing.T) {
	c := &client{project: "acme", number: "4711"}
	for link, want := range map[string]string{
		"https://www.googleapis.com/compute/v1/projects/acme/global/networks/web":     "projects/acme/global/networks/web",
		"https://compute.googleapis.com/compute/v1/projects/acme/global/networks/web": "projects/acme/global/networks/web",
		"https://www.googleapis.com/compute/v1/projects/4711/global/networks/web":     "projects/acme/global/networks/web",
		"https://www.googleapis.com/compute/v1/projects/47110/global/networks/web":    "projects/47110/global/networks/web",
		"https://www.googleapis.com/compute/v1/projects/other/global/networks/web":    "projects/other/global/networks/web",
		"projects/acme/global/networks/web":                                           "projects/acme/global/networks/web",
	} {
		if got := networkPath(c, link); got != want {
			t.Errorf("networkPath(%q) is %q, want %q", link, got, want)
		}
	}
}

func TestSubnetworkFlowLogs(t *testing.T) {
	for name, test := range map[string]struct {
		subnetwork compute.Subnetwork
		enabled    bool
		permille   int64
	}{
		"nothing is said of them":        {compute.Subnetwork{}, false, 0},
		"on":                             {compute.Subnetwork{LogConfig: &compute.SubnetworkLogConfig{Enable: true, FlowSampling: 0.5}}, true, 500},
		"off":                            {compute.Subnetwork{LogConfig: &compute.SubnetworkLogConfig{FlowSampling: 0.5}}, false, 0},
		"on by the older switch":         {compute.Subnetwork{EnableFlowLogs: true}, true, 0},
		"the newer switch goes first":    {compute.Subnetwork{EnableFlowLogs: true, LogConfig: &compute.SubnetworkLogConfig{}}, false, 0},
		"next to none is more than none": {compute.Subnetwork{LogConfig: &compute.SubnetworkLogConfig{Enable: true, FlowSampling: 0.0001}}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := newSubnetwork(&client{}, &test.subnetwork)
			if got.FlowLogsEnabled != test.enabled || got.FlowSamplingPermille != test.permille {
				t.Errorf("enabled %v, %d of a thousand; want %v, %d", got.FlowLogsEnabled, got.FlowSamplingPermille, test.enabled, test.permille)
			}
		})
	}
}
