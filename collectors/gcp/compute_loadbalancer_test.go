package gcp

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

func TestProxiesThatAreNotRead(t *testing.T) {
	const path = "projects/acme/global/"
	item := func(collection string) string {
		return `{"selfLink": "https://www.googleapis.com/compute/v1/` + path + collection + `/p"}`
	}
	aggregated := func(collection string) string {
		return `{"items": {"global": {"` + collection + `": [` + item(collection) + `]}}}`
	}
	for name, test := range map[string]struct {
		refused string
		found   int
		open    []string
	}{
		"none":                        {"", 4, nil},
		"HTTPS":                       {"compute.targetHttpsProxies.aggregatedList", 3, []string{"all"}},
		"HTTP":                        {"compute.targetHttpProxies.aggregatedList", 3, []string{"all"}},
		"TCP":                         {"compute.targetTcpProxies.aggregatedList", 3, []string{"all"}},
		"SSL, which are global alone": {"compute.targetSslProxies.list", 3, []string{"gcp.compute.target_proxy in global"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := scripted{
				"compute.targetHttpsProxies.aggregatedList": aggregated("targetHttpsProxies"),
				"compute.targetHttpProxies.aggregatedList":  aggregated("targetHttpProxies"),
				"compute.targetTcpProxies.aggregatedList":   aggregated("targetTcpProxies"),
				"compute.targetSslProxies.list":             `{"items": [` + item("targetSslProxies") + `]}`,
			}
			delete(answers, test.refused)
			found, err := readScripted(collectTargetProxies, answers)
			if diff := cmp.Diff(test.open, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if len(found) != test.found {
				t.Errorf("found %v, want %d", slices.Sorted(maps.Keys(found)), test.found)
			}
		})
	}
}

func TestBackendKinds(t *testing.T) {
	const url = "https://www.googleapis.com/compute/v1/projects/acme/"
	service := func(groups ...string) string {
		backends := ""
		for i, g := range groups {
			if i > 0 {
				backends += ", "
			}
			backends += `{"group": "` + url + g + `"}`
		}
		return `{"items": {"global": {"backendServices": [{"selfLink": "` + url + `global/backendServices/b", "backends": [` + backends + `]}]}}}`
	}
	const regional = "regions/europe-west1/networkEndpointGroups/g"
	group := func(kind string) string {
		return `{"items": {"regions/europe-west1": {"networkEndpointGroups": [{"selfLink": "` + url + regional + `", "networkEndpointType": "` + kind + `"}]}}}`
	}
	for name, test := range map[string]struct {
		services, groups string
		want             []string
		unread           []string
	}{
		"machines": {
			service("zones/europe-west1-b/instanceGroups/g", "zones/europe-west1-c/instanceGroups/g"), `{}`, []string{"instance_group"}, nil},
		"endpoints in a zone":              {service("zones/europe-west1-b/networkEndpointGroups/g"), `{}`, []string{"zonal_neg"}, nil},
		"endpoints outside":                {service("global/networkEndpointGroups/g"), `{}`, []string{"internet_neg"}, nil},
		"endpoints outside, from a region": {service(regional), group("INTERNET_FQDN_PORT"), []string{"internet_neg"}, nil},
		"without servers":                  {service(regional), group("SERVERLESS"), []string{"serverless_neg"}, nil},
		"services of others":               {service(regional), group("PRIVATE_SERVICE_CONNECT"), []string{"psc_neg"}, nil},
		"of two kinds": {
			service(regional, "zones/europe-west1-b/instanceGroups/g"), group("SERVERLESS"), []string{"instance_group", "serverless_neg"}, nil},
		"none":                              {service(), `{}`, []string{}, nil},
		"a group that is not listed":        {service(regional), `{}`, []string{}, []string{"backend_kinds"}},
		"groups were not read":              {service(regional), "", []string{}, []string{"backend_kinds"}},
		"groups that the path tells enough": {service("zones/europe-west1-b/instanceGroups/g"), "", []string{"instance_group"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readScripted(collectBackendServices, scripted{
				"compute.backendServices.aggregatedList": test.services, "compute.networkEndpointGroups.aggregatedList": test.groups})
			if err != nil {
				t.Fatal(err)
			}
			got := found["projects/acme/global/backendServices/b"]
			if diff := cmp.Diff(test.want, got.attributes.(*schema.BackendService).BackendKinds); diff != "" {
				t.Errorf("kinds differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.unread, got.unread); diff != "" {
				t.Errorf("unread paths differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackendServiceLogs(t *testing.T) {
	for name, test := range map[string]struct {
		logs     *compute.BackendServiceLogConfig
		enabled  bool
		permille int64
	}{
		"nothing is said of them":      {nil, false, 0},
		"off":                          {&compute.BackendServiceLogConfig{SampleRate: 1}, false, 0},
		"all":                          {&compute.BackendServiceLogConfig{Enable: true, SampleRate: 1}, true, 1000},
		"one in a million is not none": {&compute.BackendServiceLogConfig{Enable: true, SampleRate: 0.000001}, true, 1},
		"none":                         {&compute.BackendServiceLogConfig{Enable: true}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := newBackendService("global", &compute.BackendService{LogConfig: test.logs})
			if got.LogEnabled != test.enabled || got.LogSamplePermille != test.permille {
				t.Errorf("enabled %v, %d of a thousand; want %v, %d", got.LogEnabled, got.LogSamplePermille, test.enabled, test.permille)
			}
		})
	}
}

func TestURLMap(t *testing.T) {
	secure, plain := &compute.HttpRedirectAction{HttpsRedirect: true}, &compute.HttpRedirectAction{HostRedirect: "www.example.org"}
	const service = "projects/acme/global/backendServices/"
	matcher := func(m compute.PathMatcher) compute.UrlMap {
		return compute.UrlMap{DefaultUrlRedirect: secure, PathMatchers: []*compute.PathMatcher{&m}}
	}
	for name, test := range map[string]struct {
		urlMap                compute.UrlMap
		byDefault, byMatchers bool
		services              []string
	}{
		"redirects everything":            {compute.UrlMap{DefaultUrlRedirect: secure}, true, true, []string{}},
		"redirects to another host only":  {compute.UrlMap{DefaultUrlRedirect: plain}, false, true, []string{}},
		"serves everything":               {compute.UrlMap{DefaultService: service + "a"}, false, true, []string{service + "a"}},
		"a host of its own redirects too": {matcher(compute.PathMatcher{DefaultUrlRedirect: secure}), true, true, []string{}},
		"a host of its own is served":     {matcher(compute.PathMatcher{DefaultService: service + "a"}), true, false, []string{service + "a"}},
		"a path of a host is served": {
			matcher(compute.PathMatcher{DefaultUrlRedirect: secure, PathRules: []*compute.PathRule{{Service: service + "a"}}}),
			true, false, []string{service + "a"}},
		"every path of a host redirects": {
			matcher(compute.PathMatcher{DefaultUrlRedirect: secure, PathRules: []*compute.PathRule{{UrlRedirect: secure}}}), true, true, []string{}},
		"a route of a host is served": {
			matcher(compute.PathMatcher{DefaultUrlRedirect: secure, RouteRules: []*compute.HttpRouteRule{{Service: service + "a"}}}),
			true, false, []string{service + "a"}},
		"weighted services and copies are used": {compute.UrlMap{DefaultRouteAction: &compute.HttpRouteAction{
			WeightedBackendServices: []*compute.WeightedBackendService{{BackendService: service + "b"}, {BackendService: service + "a"}},
			RequestMirrorPolicy:     &compute.RequestMirrorPolicy{BackendService: service + "c"},
		}}, false, true, []string{service + "a", service + "b", service + "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := &schema.URLMap{DefaultHTTPSRedirect: test.byDefault, AllMatchersHTTPSRedirect: test.byMatchers, BackendServices: test.services}
			if diff := cmp.Diff(want, newURLMap(&test.urlMap)); diff != "" {
				t.Errorf("map differs (-want +got):\n%s", diff)
			}
		})
	}
}
