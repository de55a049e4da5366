package azure

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestMachineSettings(t *testing.T) {
	type settings struct {
		Patch, Assessment string
		KeysOnly          posture.Opt[bool]
		Unread            string
	}
	yes, no := posture.Some(true), posture.Some(false)
	const linux, windows = `"storageProfile":{"osDisk":{"osType":"Linux"}}`, `"storageProfile":{"osDisk":{"osType":"Windows"}}`
	for name, test := range map[string]struct {
		properties string
		want       settings
	}{
		"Linux of which nothing is set":     {linux + `,"osProfile":{}`, settings{"ImageDefault", "ImageDefault", no, ""}},
		"Linux with keys and patches":       {linux + `,"osProfile":{"linuxConfiguration":{"disablePasswordAuthentication":true,"patchSettings":{"patchMode":"AutomaticByPlatform","assessmentMode":"AutomaticByPlatform"}}}`, settings{"AutomaticByPlatform", "AutomaticByPlatform", yes, ""}},
		"Windows of which nothing is set":   {windows + `,"osProfile":{}`, settings{"AutomaticByOS", "ImageDefault", posture.Opt[bool]{}, ""}},
		"Windows without automatic updates": {windows + `,"osProfile":{"windowsConfiguration":{"enableAutomaticUpdates":false}}`, settings{"Manual", "ImageDefault", posture.Opt[bool]{}, ""}},
		"Windows with a mode":               {windows + `,"osProfile":{"windowsConfiguration":{"enableAutomaticUpdates":true,"patchSettings":{"patchMode":"Manual"}}}`, settings{"Manual", "ImageDefault", posture.Opt[bool]{}, ""}},
		"Linux from a disk":                 {linux, settings{"ImageDefault", "ImageDefault", no, "patch_mode patch_assessment_mode ssh_password_disabled"}},
		"Windows from a disk":               {windows, settings{"AutomaticByOS", "ImageDefault", posture.Opt[bool]{}, "patch_mode patch_assessment_mode"}},
	} {
		out, gaps := newVirtualMachine(parsed[armcompute.VirtualMachine](t, `{"properties":{`+test.properties+`}}`))
		got := settings{out.PatchMode, out.PatchAssessmentMode, out.SSHPasswordDisabled, ""}
		for _, g := range gaps {
			got.Unread = strings.Join(g.Paths, " ")
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: settings differ (-want +got):\n%s", name, diff)
		}
	}
}

// TestMachineDetails: extensions that the list only names are asked for, and the state of machines comes from a list of its own.
func TestMachineDetails(t *testing.T) {
	const (
		listMachines  = "armcompute.VirtualMachinesClient.NewListAllPager"
		askExtensions = "armcompute.VirtualMachineExtensionsClient.List"
		id            = "/subscriptions/own/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web"
		agent         = `{"id":"` + id + `/extensions/ama","properties":{"publisher":"Microsoft.Azure.Monitor","type":"AzureMonitorLinuxAgent","settings":{"token":"t"}}}`
		running       = `{"value":[{"id":"` + id + `","properties":{"instanceView":{"statuses":[{"code":"ProvisioningState/succeeded"},{"code":"PowerState/running"}]}}}]}`
	)
	machine := func(resources string) string {
		return `{"value":[{"id":"` + id + `","name":"web","properties":{"osProfile":{}},"resources":[` + resources + `]}]}`
	}
	known := []string{"Microsoft.Azure.Monitor/AzureMonitorLinuxAgent"}
	for name, test := range map[string]struct {
		answers    map[string]string
		extensions []string
		power      string
		unread     map[string]string
	}{
		"a list that describes extensions": {map[string]string{listMachines: machine(agent) + "\n---\n" + running}, known, "running", map[string]string{}},
		"a list that names them":           {map[string]string{listMachines: machine(`{"id":"`+id+`/extensions/ama"}`) + "\n---\n" + running, askExtensions: `{"value":[` + agent + `]}`}, known, "running", map[string]string{}},
		"extensions were refused": {map[string]string{listMachines: machine(`{"id":"`+id+`/extensions/ama"}`) + "\n---\n" + running, askExtensions: "403 Refused"}, []string{}, "running",
			map[string]string{"extensions": "Refused"}},
		"states were refused":               {map[string]string{listMachines: machine(agent) + "\n---\n" + "403 Refused"}, known, "", map[string]string{"power_state": "Refused"}},
		"a machine that has no state there": {map[string]string{listMachines: machine(agent) + "\n---\n" + `{"value":[]}`}, known, "", map[string]string{"power_state": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectVirtualMachines, test.answers)
			if err != nil {
				t.Fatal(err)
			}
			m := got[strings.ToLower(id)]
			a := m.attributes.(*schema.VirtualMachine)
			if diff := cmp.Diff(test.extensions, a.Extensions); diff != "" || a.PowerState != test.power {
				t.Errorf("state is %q; extensions differ (-want +got):\n%s", a.PowerState, diff)
			}
			if diff := cmp.Diff(test.unread, m.unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
}
