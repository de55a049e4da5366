package project

import (
	"slices"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Load balancers: web ones, global and regional, with two addresses each, one of which speaks HTTP only to redirect, and global ones
// that pass on TLS or TCP.
var balancerService = service{
	api: "compute.googleapis.com",
	kinds: []world.Kind{
		{Name: "gcp.balancer", Sort: inProject, Global: true, Count: 6, Defects: balancerDefects, Expect: expectBackend, ExpectMore: expectFront("gcp.balancer")},
		{Name: "gcp.regional-balancer", Sort: inProject, Count: 3, Defects: balancerDefects, Expect: expectBackend, ExpectMore: expectFront("gcp.regional-balancer")},
		{Name: "gcp.tls-balancer", Sort: inProject, Global: true, Count: 3,
			Defects: append(slices.Clone(balancerDefects), world.Defect{Name: "plain", Share: 0.4}), Expect: expectBackend, ExpectMore: expectFront("gcp.tls-balancer")},
	},
	handle: handleBalancers,
}

var balancerDefects = []world.Defect{
	{Name: "internal", Share: 0.2}, {Name: "detached", Share: 0.15}, {Name: "unlogged", Share: 0.2, Drift: 0.1}, {Name: "none-sampled", Share: 0.1},
	{Name: "unguarded", Share: 0.4, Drift: 0.1}, {Name: "signed-in", Share: 0.2}, {Name: "default-tls", Share: 0.15, Drift: 0.1},
	{Name: "old-tls", Share: 0.15}, {Name: "weak-suites", Share: 0.15}, {Name: "own-suites", Share: 0.2}, {Name: "plain-http", Share: 0.15, Drift: 0.1},
	{Name: "plain-path", Share: 0.15}, {Name: "managed", Share: 0.4}, {Name: "expiring", Share: 0.15, Drift: 0.15}, {Name: "pending", Share: 0.1},
	{Name: "stuck", Share: 0.1},
}

// web balancers read HTTP, the others do not.
func web(it *world.Item) bool { return it.Kind != "gcp.tls-balancer" }

func expectBackend(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	return balancerKey(it, "gcp.compute.backend_service", "backendServices", ""), map[string]posture.Result{
		"gcp-backend-service-logging-enabled": unless(it.Has("internal"), failIf(it.Has("unlogged") || it.Has("none-sampled"))),
		"gcp-backend-service-armor-attached": unless(!web(it) || it.Has("internal") || it.Has("detached"),
			failIf(it.Has("unguarded") && !it.Has("signed-in"))),
	}
}

// expectFront is what must be said of the proxies and certificates of a kind of balancer.
func expectFront(kind string) func(*world.State) map[world.Judged]posture.Result {
	return func(s *world.State) map[world.Judged]posture.Result {
		out := map[world.Judged]posture.Result{}
		proxy := func(it *world.Item, collection, suffix string, tls, redirect posture.Result) {
			key := balancerKey(it, "gcp.compute.target_proxy", collection, suffix)
			out[world.Judged{Rule: "gcp-target-proxy-strong-tls", Resource: key}] = unless(it.Has("internal"), tls)
			out[world.Judged{Rule: "gcp-target-http-proxy-redirects", Resource: key}] = unless(it.Has("internal"), redirect)
		}
		for _, it := range s.Items(kind) {
			weak := failIf(it.Has("default-tls") || it.Has("old-tls") || it.Has("weak-suites"))
			shown := false
			switch {
			case it.Has("detached"):
			case web(it):
				proxy(it, "targetHttpsProxies", "", weak, posture.DoesNotApply)
				proxy(it, "targetHttpProxies", "-http", posture.DoesNotApply, failIf(it.Has("plain-http") || it.Has("plain-path")))
				shown = true
			case it.Has("plain"):
				proxy(it, "targetTcpProxies", "", posture.DoesNotApply, posture.DoesNotApply)
			default:
				proxy(it, "targetSslProxies", "", weak, posture.DoesNotApply)
				shown = true
			}
			lapses := it.Has("expiring") && (!it.Has("managed") || it.Has("stuck")) || it.Has("managed") && it.Has("pending")
			out[world.Judged{Rule: "gcp-ssl-certificate-not-expiring", Resource: balancerKey(it, "gcp.compute.ssl_certificate", "sslCertificates", "")}] =
				unless(!shown, failIf(lapses))
		}
		return out
	}
}

func balancerKey(it *world.Item, typeName, collection, suffix string) posture.Key {
	return in(it.Region, typeName, computePath(it, collection, balancerName(it)+suffix))
}

func balancerName(it *world.Item) string {
	if web(it) {
		return it.Name()
	}
	return it.Name() + "-stream"
}

// balancer is everything that one load balancer consists of. What it lacks is nil.
type balancer struct {
	service     *compute.BackendService
	group       *compute.NetworkEndpointGroup
	https       *compute.TargetHttpsProxy
	http        *compute.TargetHttpProxy
	ssl         *compute.TargetSslProxy
	tcp         *compute.TargetTcpProxy
	policy      *compute.SslPolicy
	certificate *compute.SslCertificate
	maps        []*compute.UrlMap
	rules       []*compute.ForwardingRule
}

func handleBalancers(s *gcp.Server, w *states) {
	listAggregated(s, w, "compute.backendServices.aggregatedList", "compute#backendServiceAggregatedList", "backendServices",
		partsOf(func(b balancer) []*compute.BackendService { return some(b.service) }))
	listAggregated(s, w, "compute.networkEndpointGroups.aggregatedList", "compute#networkEndpointGroupAggregatedList", "networkEndpointGroups",
		partsOf(func(b balancer) []*compute.NetworkEndpointGroup { return some(b.group) }))
	listAggregated(s, w, "compute.targetHttpsProxies.aggregatedList", "compute#targetHttpsProxyAggregatedList", "targetHttpsProxies",
		partsOf(func(b balancer) []*compute.TargetHttpsProxy { return some(b.https) }))
	listAggregated(s, w, "compute.targetHttpProxies.aggregatedList", "compute#targetHttpProxyAggregatedList", "targetHttpProxies",
		partsOf(func(b balancer) []*compute.TargetHttpProxy { return some(b.http) }))
	listAggregated(s, w, "compute.targetTcpProxies.aggregatedList", "compute#targetTcpProxyAggregatedList", "targetTcpProxies",
		partsOf(func(b balancer) []*compute.TargetTcpProxy { return some(b.tcp) }))
	listAggregated(s, w, "compute.sslPolicies.aggregatedList", "compute#sslPoliciesAggregatedList", "sslPolicies",
		partsOf(func(b balancer) []*compute.SslPolicy { return some(b.policy) }))
	listAggregated(s, w, "compute.urlMaps.aggregatedList", "compute#urlMapsAggregatedList", "urlMaps",
		partsOf(func(b balancer) []*compute.UrlMap { return b.maps }))
	listAggregated(s, w, "compute.forwardingRules.aggregatedList", "compute#forwardingRuleAggregatedList", "forwardingRules",
		partsOf(func(b balancer) []*compute.ForwardingRule { return b.rules }))
	listAggregated(s, w, "compute.sslCertificates.aggregatedList", "compute#sslCertificateAggregatedList", "sslCertificates",
		partsOf(func(b balancer) []*compute.SslCertificate { return some(b.certificate) }))
	gcp.List(s, "compute.targetSslProxies.list", "items", func(c gcp.Call) (*compute.TargetSslProxyList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		proxies := partsOf(func(b balancer) []*compute.TargetSslProxy { return some(b.ssl) })(state)
		return &compute.TargetSslProxyList{Kind: "compute#targetSslProxyList", Items: proxies[posture.Global]}, nil
	})
}

// partsOf collects one sort of part from all balancers, by place.
func partsOf[T any](pick func(balancer) []T) func(*world.State) map[string][]T {
	return func(state *world.State) map[string][]T {
		out := map[string][]T{}
		for _, kind := range []string{"gcp.balancer", "gcp.regional-balancer", "gcp.tls-balancer"} {
			for _, it := range state.Items(kind) {
				out[it.Region] = append(out[it.Region], pick(newBalancer(state, it))...)
			}
		}
		return out
	}
}

func some[T any](part *T) []*T {
	if part == nil {
		return nil
	}
	return []*T{part}
}

func newBalancer(state *world.State, it *world.Item) balancer {
	name := balancerName(it)
	link := func(collection, suffix string) string { return computeURL + computePath(it, collection, name+suffix) }
	scheme, region := "EXTERNAL_MANAGED", ""
	switch {
	case it.Has("internal"):
		scheme = "INTERNAL_MANAGED"
	case it.Region == posture.Global && it.Pick(2, "classic") == 0:
		scheme = "EXTERNAL"
	}
	if it.Region != posture.Global {
		region = computeURL + "projects/" + it.Account.ID + "/regions/" + it.Region
	}
	made := stamp(state.Long(it, 80))
	out := balancer{
		service: newBackend(it, scheme), certificate: newCertificate(state, it),
		policy: &compute.SslPolicy{Kind: "compute#sslPolicy", Id: numberOf(it), Name: name, CreationTimestamp: made, Region: region,
			SelfLink: link("sslPolicies", ""), MinTlsVersion: "TLS_1_2", Profile: "MODERN",
			EnabledFeatures: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
	}
	out.service.CreationTimestamp, out.service.SelfLink, out.service.Region = made, link("backendServices", ""), region
	switch {
	case it.Has("old-tls"):
		out.policy.MinTlsVersion = "TLS_1_0"
	case it.Has("weak-suites"):
		out.policy.Profile = "CUSTOM"
		out.policy.CustomFeatures = []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"}
		out.policy.EnabledFeatures = out.policy.CustomFeatures
	case it.Has("own-suites"):
		out.policy.Profile, out.policy.CustomFeatures = "CUSTOM", out.policy.EnabledFeatures
	}
	policy := out.policy.SelfLink
	if it.Has("default-tls") {
		policy = ""
	}
	if it.Pick(2, "serverless") == 0 && region != "" {
		out.group = &compute.NetworkEndpointGroup{Kind: "compute#networkEndpointGroup", Id: numberOf(it), Name: name, CreationTimestamp: made, Region: region,
			SelfLink: link("networkEndpointGroups", ""), NetworkEndpointType: "SERVERLESS", CloudRun: &compute.NetworkEndpointGroupCloudRun{Service: "shop"}}
		if it.Pick(4, "psc") == 0 {
			out.group.NetworkEndpointType, out.group.CloudRun = "PRIVATE_SERVICE_CONNECT", nil
			out.group.PscTargetService = "europe-west1-cloudkms.googleapis.com"
		}
		out.service.Backends[0].Group, out.service.HealthChecks = out.group.SelfLink, nil
	}
	if it.Has("detached") {
		return out
	}
	front := func(suffix, target, ports string) {
		out.rules = append(out.rules, &compute.ForwardingRule{Kind: "compute#forwardingRule", Id: numberOf(it), Name: name + suffix,
			CreationTimestamp: made, Region: region, SelfLink: link("forwardingRules", suffix),
			IPAddress: "203.0.113.7", IPProtocol: "TCP", LoadBalancingScheme: scheme, NetworkTier: "PREMIUM",
			PortRange: ports, Target: target, Labels: map[string]string{"team": "web"}})
	}
	certificates := []string{out.certificate.SelfLink}
	switch {
	case web(it):
		out.https = &compute.TargetHttpsProxy{Kind: "compute#targetHttpsProxy", Id: numberOf(it), Name: name, CreationTimestamp: made, Region: region,
			SelfLink: link("targetHttpsProxies", ""), UrlMap: link("urlMaps", ""), SslPolicy: policy, SslCertificates: certificates, QuicOverride: "NONE"}
		out.http = &compute.TargetHttpProxy{Kind: "compute#targetHttpProxy", Id: numberOf(it), Name: name + "-http", CreationTimestamp: made, Region: region,
			SelfLink: link("targetHttpProxies", "-http"), UrlMap: link("urlMaps", "-http")}
		out.maps = newURLMaps(it, made, region, link)
		front("", out.https.SelfLink, "443-443")
		front("-http", out.http.SelfLink, "80-80")
		if it.Pick(2, "told") == 0 {
			out.service.UsedBy = []*compute.BackendServiceUsedBy{{Reference: out.maps[0].SelfLink}}
		}
	case it.Has("plain"):
		out.tcp = &compute.TargetTcpProxy{Kind: "compute#targetTcpProxy", Id: numberOf(it), Name: name, CreationTimestamp: made, Service: out.service.SelfLink,
			SelfLink: link("targetTcpProxies", ""), ProxyHeader: "NONE"}
		front("", out.tcp.SelfLink, "5222-5222")
	default:
		out.ssl = &compute.TargetSslProxy{Kind: "compute#targetSslProxy", Id: numberOf(it), Name: name, CreationTimestamp: made, Service: out.service.SelfLink,
			SelfLink: link("targetSslProxies", ""), SslPolicy: policy, SslCertificates: certificates, ProxyHeader: "NONE"}
		front("", out.ssl.SelfLink, "443-443")
	}
	return out
}

func newBackend(it *world.Item, scheme string) *compute.BackendService {
	b := &compute.BackendService{
		Kind: "compute#backendService", Id: numberOf(it), Name: balancerName(it), LoadBalancingScheme: scheme, TimeoutSec: 30, SessionAffinity: "NONE",
		Protocol: []string{"HTTP", "HTTPS", "HTTP2", "GRPC"}[it.Pick(4, "protocol")], PortName: "http",
		HealthChecks: []string{computeURL + "projects/" + it.Account.ID + "/global/healthChecks/web"},
		Backends: []*compute.Backend{{Group: computeURL + "projects/" + it.Account.ID + "/zones/europe-west1-b/instanceGroups/web", BalancingMode: "UTILIZATION",
			MaxUtilization: 0.8, CapacityScaler: 1}},
		CustomRequestHeaders: []string{"X-Origin-Token: " + Planted},
		LogConfig:            &compute.BackendServiceLogConfig{Enable: true, SampleRate: 1, OptionalMode: "EXCLUDE_ALL_OPTIONAL"},
	}
	if !web(it) {
		b.Protocol = "SSL"
		if it.Has("plain") {
			b.Protocol = "TCP"
		}
		b.PortName = strings.ToLower(b.Protocol)
	}
	switch it.Pick(4, "backend") {
	case 0:
		b.Backends[0].Group = computeURL + "projects/" + it.Account.ID + "/zones/europe-west1-b/networkEndpointGroups/web"
	case 1:
		if it.Region == posture.Global {
			b.Backends[0].Group = computeURL + "projects/" + it.Account.ID + "/global/networkEndpointGroups/partner"
		}
	}
	switch {
	case it.Has("unlogged"):
		b.LogConfig = &compute.BackendServiceLogConfig{}
		if it.Pick(2, "log") == 0 {
			b.LogConfig = nil
		}
	case it.Has("none-sampled"):
		b.LogConfig.SampleRate, b.LogConfig.ForceSendFields = 0, []string{"SampleRate"}
	case it.Pick(3, "sample") == 0:
		b.LogConfig.SampleRate = 0.0001
	}
	if !it.Has("unguarded") {
		b.SecurityPolicy = computeURL + computePath(it, "securityPolicies", "web")
	}
	if it.Pick(2, "edge") == 0 && web(it) && it.Region == posture.Global {
		b.EdgeSecurityPolicy = computeURL + computePath(it, "securityPolicies", "edge")
	}
	if it.Has("signed-in") {
		b.Iap = &compute.BackendServiceIAP{Enabled: true, Oauth2ClientId: "1234-web.apps.googleusercontent.com", Oauth2ClientSecretSha256: Planted}
	}
	return b
}

// newURLMaps are the map of a web balancer, and the one that sends plain HTTP to HTTPS.
func newURLMaps(it *world.Item, made, region string, link func(collection, suffix string) string) []*compute.UrlMap {
	secure := &compute.HttpRedirectAction{HttpsRedirect: true, RedirectResponseCode: "MOVED_PERMANENTLY_DEFAULT"}
	service := link("backendServices", "")
	main := &compute.UrlMap{
		Kind: "compute#urlMap", Id: numberOf(it), Name: balancerName(it), CreationTimestamp: made, SelfLink: link("urlMaps", ""), Region: region,
		DefaultUrlRedirect: &compute.HttpRedirectAction{HostRedirect: "www.acme.example", RedirectResponseCode: "FOUND"},
		HostRules:          []*compute.HostRule{{Hosts: []string{"www.acme.example"}, PathMatcher: "shop"}},
		HeaderAction: &compute.HttpHeaderAction{RequestHeadersToAdd: []*compute.HttpHeaderOption{
			{HeaderName: "X-Edge-Token", HeaderValue: Planted, Replace: true}}},
	}
	switch it.Pick(3, "routes") {
	case 0:
		main.DefaultUrlRedirect, main.DefaultService = nil, service
		main.HostRules = nil
	case 1:
		main.PathMatchers = []*compute.PathMatcher{{Name: "shop", DefaultUrlRedirect: secure, RouteRules: []*compute.HttpRouteRule{{Priority: 1,
			MatchRules:  []*compute.HttpRouteRuleMatch{{PrefixMatch: "/cart"}},
			RouteAction: &compute.HttpRouteAction{WeightedBackendServices: []*compute.WeightedBackendService{{BackendService: service, Weight: 100}}}}}}}
	default:
		main.PathMatchers = []*compute.PathMatcher{{Name: "shop", DefaultUrlRedirect: secure,
			PathRules: []*compute.PathRule{{Paths: []string{"/*"}, Service: service}}}}
	}
	plain := &compute.UrlMap{
		Kind: "compute#urlMap", Id: numberOf(it) + 1, Name: balancerName(it) + "-http", CreationTimestamp: made, SelfLink: link("urlMaps", "-http"), Region: region,
		DefaultUrlRedirect: secure,
	}
	if it.Has("plain-http") {
		plain.DefaultUrlRedirect, plain.DefaultService = nil, service
	}
	if it.Has("plain-path") {
		plain.HostRules = []*compute.HostRule{{Hosts: []string{"*"}, PathMatcher: "all"}}
		plain.PathMatchers = []*compute.PathMatcher{{Name: "all", DefaultUrlRedirect: secure,
			PathRules: []*compute.PathRule{{Paths: []string{"/status"}, Service: service}}}}
	}
	return []*compute.UrlMap{main, plain}
}

// newCertificate is renewed every sixty days; one that is about to expire has at most twenty left.
func newCertificate(state *world.State, it *world.Item) *compute.SslCertificate {
	c := &compute.SslCertificate{
		Kind: "compute#sslCertificate", Id: numberOf(it), Name: balancerName(it), CreationTimestamp: stamp(state.Long(it, 70)), Type: "SELF_MANAGED",
		SelfLink: computeURL + computePath(it, "sslCertificates", balancerName(it)), SubjectAlternativeNames: []string{"www.acme.example"},
		Certificate: "-----BEGIN CERTIFICATE-----\n" + Planted, ExpireTime: stamp(state.Since(it, 60, "certificate").AddDate(0, 0, 120)),
	}
	if it.Region != posture.Global {
		c.Region = computeURL + "projects/" + it.Account.ID + "/regions/" + it.Region
	}
	if it.Has("expiring") {
		c.ExpireTime = stamp(state.Since(it, 15, "last days").AddDate(0, 0, 20))
	}
	if !it.Has("managed") {
		c.SelfManaged = &compute.SslCertificateSelfManagedSslCertificate{Certificate: c.Certificate}
		return c
	}
	c.Type = "MANAGED"
	c.Managed = &compute.SslCertificateManagedSslCertificate{Domains: c.SubjectAlternativeNames, Status: "ACTIVE",
		DomainStatus: map[string]string{"www.acme.example": "ACTIVE"}}
	switch {
	case it.Has("pending"):
		c.Managed.Status, c.Managed.DomainStatus, c.ExpireTime = "PROVISIONING", map[string]string{"www.acme.example": "PROVISIONING"}, ""
	case it.Has("stuck"):
		c.Managed.Status = "RENEWAL_FAILED"
	}
	return c
}
