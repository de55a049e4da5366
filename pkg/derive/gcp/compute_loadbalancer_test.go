package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const here, elsewhere = "europe-west1", "us-central1"

func TestBackendServiceInUse(t *testing.T) {
	const global, regional = "projects/acme/global/backendServices/b", "projects/acme/regions/europe-west1/backendServices/b"
	backend := func(place, id string, usedBy []string, refused ...string) *posture.Resource {
		return located(place, schema.BackendServiceType, id, &schema.BackendService{UsedBy: usedBy}, refused...)
	}
	urlMap := func(place, id string) *posture.Resource {
		return located(place, schema.URLMapType, "map", &schema.URLMap{BackendServices: []string{id}})
	}
	maps := []*posture.Type{schema.URLMapType}
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		resources []*posture.Resource
		refused   []*posture.Type
		partly    map[string][]*posture.Type
		want      any
	}{
		"a URL map names it": {resources: []*posture.Resource{backend(posture.Global, global, nil), urlMap(posture.Global, global)},
			want: true},
		"a URL map names another": {resources: []*posture.Resource{backend(posture.Global, global, nil), urlMap(posture.Global, regional)},
			want: false},
		"a proxy passes on to it": {resources: []*posture.Resource{backend(posture.Global, global, nil),
			resource(schema.TargetProxyType, "proxy", &schema.TargetProxy{BackendService: global})}, want: true},
		"an address leads straight to it": {resources: []*posture.Resource{backend(here, regional, nil),
			located(here, schema.ForwardingRuleType, "rule", &schema.ForwardingRule{BackendService: regional})}, want: true},
		"the service itself knows of a user": {resources: []*posture.Resource{backend(posture.Global, global, []string{"projects/other/global/urlMaps/m"})},
			want: true},
		"nothing does": {resources: []*posture.Resource{backend(posture.Global, global, nil)}, want: false},
		"maps were not read": {resources: []*posture.Resource{backend(posture.Global, global, nil)}, refused: maps,
			want: "unread: list gcp.compute.url_map"},
		"maps of another region do not matter": {resources: []*posture.Resource{backend(here, regional, nil)},
			partly: map[string][]*posture.Type{elsewhere: maps}, want: false},
		"maps of its own region do": {resources: []*posture.Resource{backend(here, regional, nil)},
			partly: map[string][]*posture.Type{here: maps}, want: "unread: list gcp.compute.url_map"},
		"a user that is known is enough": {resources: []*posture.Resource{backend(here, regional, nil), urlMap(here, regional)}, refused: maps,
			want: true},
		"what the service itself knows is unread": {resources: []*posture.Resource{backend(here, regional, nil, "used_by")},
			want: "unread: read used_by"},
	} {
		cases[name] = derivation{resources: test.resources, refused: test.refused, partly: test.partly,
			want: map[string]any{"in_use": test.want}}
	}
	check(t, cases)
}

func TestTargetProxyTLS(t *testing.T) {
	const id = "projects/acme/global/sslPolicies/p"
	proxy := func(kind, policy string, refused ...string) *posture.Resource {
		return resource(schema.TargetProxyType, "proxy", &schema.TargetProxy{Kind: kind, SSLPolicy: policy}, refused...)
	}
	policy := func(minimum, profile string, refused ...string) *posture.Resource {
		p := &schema.SSLPolicy{MinTLSVersion: minimum, Profile: profile, EnabledFeatures: []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}}
		return resource(schema.SSLPolicyType, id, p, refused...)
	}
	want := func(minimum, profile, features any) map[string]any {
		return map[string]any{"ssl_policy_min_tls": minimum, "ssl_policy_profile": profile, "ssl_policy_features": features}
	}
	none, all := []any{}, []any{"TLS_RSA_WITH_AES_128_CBC_SHA"}
	const unlisted, refusedList = "unread: compute.sslPolicies.aggregatedList", "unread: list gcp.compute.ssl_policy"
	policies := []*posture.Type{schema.SSLPolicyType}
	check(t, map[string]derivation{
		"without a policy the default counts": {resources: []*posture.Resource{proxy("https", "")},
			want: want("TLS_1_0", "COMPATIBLE", none)},
		"the default needs no list": {resources: []*posture.Resource{proxy("ssl", "")}, refused: policies,
			want: want("TLS_1_0", "COMPATIBLE", none)},
		"a policy of a ready-made profile": {resources: []*posture.Resource{proxy("https", id), policy("TLS_1_2", "MODERN")},
			want: want("TLS_1_2", "MODERN", none)},
		"a policy of its own suites": {resources: []*posture.Resource{proxy("ssl", id), policy("TLS_1_2", "CUSTOM")},
			want: want("TLS_1_2", "CUSTOM", all)},
		"plain HTTP has no TLS":     {resources: []*posture.Resource{proxy("http", "")}, want: want("", "", none)},
		"plain TCP has none either": {resources: []*posture.Resource{proxy("tcp", "")}, want: want("", "", none)},
		"policies were not read": {resources: []*posture.Resource{proxy("https", id)}, refused: policies,
			want: want(refusedList, refusedList, refusedList)},
		"a policy that is not listed": {resources: []*posture.Resource{proxy("https", id)},
			want: want(unlisted, unlisted, unlisted)},
		"a region's policies do not matter": {resources: []*posture.Resource{proxy("https", id), policy("TLS_1_2", "MODERN")},
			partly: map[string][]*posture.Type{here: policies}, want: want("TLS_1_2", "MODERN", none)},
		"the suites were not read": {resources: []*posture.Resource{proxy("https", id), policy("TLS_1_2", "CUSTOM", "enabled_features")},
			want: want("TLS_1_2", "CUSTOM", "unread: read enabled_features")},
		"which policy was not read": {resources: []*posture.Resource{proxy("https", id, "ssl_policy")},
			want: want("unread: read ssl_policy", "unread: read ssl_policy", "unread: read ssl_policy")},
	})
}

func TestTargetProxyRedirects(t *testing.T) {
	const id = "projects/acme/global/urlMaps/m"
	proxy := func(kind string) *posture.Resource {
		return resource(schema.TargetProxyType, "proxy", &schema.TargetProxy{Kind: kind, URLMap: id})
	}
	urlMap := func(byDefault, byMatchers bool, refused ...string) *posture.Resource {
		return resource(schema.URLMapType, id, &schema.URLMap{DefaultHTTPSRedirect: byDefault, AllMatchersHTTPSRedirect: byMatchers}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"redirects_to_https": v} }
	check(t, map[string]derivation{
		"the default and every path": {resources: []*posture.Resource{proxy("http"), urlMap(true, true)}, want: want(true)},
		"the default alone":          {resources: []*posture.Resource{proxy("http"), urlMap(true, false)}, want: want(false)},
		"paths alone":                {resources: []*posture.Resource{proxy("http"), urlMap(false, true)}, want: want(false)},
		"not asked of HTTPS":         {resources: []*posture.Resource{proxy("https"), urlMap(true, true)}, want: want(false)},
		"one that does not is enough": {resources: []*posture.Resource{proxy("http"), urlMap(false, true, "all_matchers_https_redirect")},
			want: want(false)},
		"paths were not read": {resources: []*posture.Resource{proxy("http"), urlMap(true, true, "all_matchers_https_redirect")},
			want: want("unread: read all_matchers_https_redirect")},
		"a map that is not listed": {resources: []*posture.Resource{proxy("http")},
			want: want("unread: compute.urlMaps.aggregatedList")},
		"maps were not read": {resources: []*posture.Resource{proxy("http")}, refused: []*posture.Type{schema.URLMapType},
			want: want("unread: list gcp.compute.url_map")},
		"maps of another region are none": {resources: []*posture.Resource{proxy("http"), urlMap(true, true)},
			partly: map[string][]*posture.Type{here: {schema.URLMapType}}, want: want(true)},
	})
}

func TestTargetProxyExternal(t *testing.T) {
	proxy := func(place string) *posture.Resource {
		return located(place, schema.TargetProxyType, "proxy", &schema.TargetProxy{Kind: "https"})
	}
	leads := func(place, scheme string, refused ...string) *posture.Resource {
		return located(place, schema.ForwardingRuleType, "rule", &schema.ForwardingRule{Target: "proxy", LoadBalancingScheme: scheme}, refused...)
	}
	rules := []*posture.Type{schema.ForwardingRuleType}
	want := func(v any) map[string]any { return map[string]any{"external": v} }
	check(t, map[string]derivation{
		"an external address": {resources: []*posture.Resource{proxy(posture.Global), leads(posture.Global, "EXTERNAL_MANAGED")},
			want: want(true)},
		"a classic one": {resources: []*posture.Resource{proxy(posture.Global), leads(posture.Global, "EXTERNAL")},
			want: want(true)},
		"a regional address, global proxy": {resources: []*posture.Resource{proxy(posture.Global), leads(here, "EXTERNAL")},
			want: want(true)},
		"an internal address": {resources: []*posture.Resource{proxy(here), leads(here, "INTERNAL_MANAGED")},
			want: want(false)},
		"no address": {resources: []*posture.Resource{proxy(here)}, want: want(false)},
		"the scheme was not read": {resources: []*posture.Resource{proxy(here), leads(here, "EXTERNAL", "load_balancing_scheme")},
			want: want("unread: read load_balancing_scheme")},
		"addresses were not read": {resources: []*posture.Resource{proxy(here)}, refused: rules,
			want: want("unread: list gcp.compute.forwarding_rule")},
		"those of another region": {resources: []*posture.Resource{proxy(here)}, partly: map[string][]*posture.Type{elsewhere: rules},
			want: want(false)},
		"any region's, for a global one": {resources: []*posture.Resource{proxy(posture.Global)}, partly: map[string][]*posture.Type{elsewhere: rules},
			want: want("unread: list gcp.compute.forwarding_rule")},
	})
}

func TestCertificateInUse(t *testing.T) {
	certificate := func() *posture.Resource { return resource(schema.SSLCertificateType, "www", &schema.SSLCertificate{}) }
	proxy := func(certificateMap string, refused ...string) *posture.Resource {
		return resource(schema.TargetProxyType, "proxy", &schema.TargetProxy{CertificateNames: []string{"www"}, CertificateMap: certificateMap}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"in_use": v} }
	check(t, map[string]derivation{
		"a proxy shows it": {resources: []*posture.Resource{certificate(), proxy("")}, want: want(true)},
		"a map takes its place": {resources: []*posture.Resource{certificate(), proxy("//certificatemanager.googleapis.com/m")},
			want: want(false)},
		"nothing shows it": {resources: []*posture.Resource{certificate()}, want: want(false)},
		"proxies were not read": {resources: []*posture.Resource{certificate()}, refused: []*posture.Type{schema.TargetProxyType},
			want: want("unread: list gcp.compute.target_proxy")},
		"whether a map does, is unread": {resources: []*posture.Resource{certificate(), proxy("", "certificate_map")},
			want: want("unread: read certificate_map")},
	})
}
