package project

import (
	"fmt"
	"strconv"

	"google.golang.org/api/osconfig/v1"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// What VM Manager knows of the machines.
var osConfigService = service{api: "osconfig.googleapis.com", handle: handleOSConfig}

func handleOSConfig(s *gcp.Server, w *states) {
	gcp.List(s, "osconfig.projects.locations.instances.inventories.list", "inventories", func(c gcp.Call) (*osconfig.ListInventoriesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &osconfig.ListInventoriesResponse{}
		for _, it := range reporting(state, c.Params["locationsId"]) {
			out.Inventories = append(out.Inventories, &osconfig.Inventory{
				Name: reportName(it) + "/inventory", UpdateTime: reportedAt(state, it),
				OsInfo: &osconfig.InventoryOsInfo{ShortName: "debian", Version: []string{"12", "13"}[it.Pick(2, "os")],
					Hostname: instanceName(it), Architecture: "x86_64"},
			})
		}
		return out, nil
	})
	gcp.List(s, "osconfig.projects.locations.instances.vulnerabilityReports.list", "vulnerabilityReports",
		func(c gcp.Call) (*osconfig.ListVulnerabilityReportsResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			out := &osconfig.ListVulnerabilityReportsResponse{}
			for _, it := range reporting(state, c.Params["locationsId"]) {
				if it.Pick(4, "clean") == 0 && !it.Has("vulnerable") {
					continue // nothing was ever found
				}
				report := &osconfig.VulnerabilityReport{Name: reportName(it) + "/vulnerabilityReport", UpdateTime: reportedAt(state, it),
					HighestUpgradableCveSeverity: []string{"NONE", "LOW", "MEDIUM"}[it.Pick(3, "worst")]}
				if it.Has("vulnerable") {
					report.HighestUpgradableCveSeverity = []string{"HIGH", "CRITICAL"}[it.Pick(2, "worst")]
				}
				for n := range it.Pick(3, "holes") + 1 {
					report.Vulnerabilities = append(report.Vulnerabilities, &osconfig.VulnerabilityReportVulnerability{
						Details: &osconfig.VulnerabilityReportVulnerabilityDetails{Cve: fmt.Sprintf("CVE-2025-%d", 10000+10*it.Index+n)},
					})
				}
				out.VulnerabilityReports = append(out.VulnerabilityReports, report)
			}
			return out, nil
		})
}

// reporting are the machines of a zone on which the agent runs, or once ran.
func reporting(state *world.State, zone string) []*world.Item {
	var out []*world.Item
	for _, it := range state.Items("gcp.instance") {
		if zoneOf(it) == zone && !it.Has("silent") && !it.Has("gke") {
			out = append(out, it)
		}
	}
	return out
}

func reportName(it *world.Item) string {
	return "projects/" + Number(it.Account.ID) + "/locations/" + zoneOf(it) + "/instances/" + strconv.FormatUint(numberOf(it), 10)
}

func reportedAt(state *world.State, it *world.Item) string {
	if it.Has("silent-since") {
		return stamp(state.Long(it, 10))
	}
	return stamp(state.Since(it, 6, "report"))
}
