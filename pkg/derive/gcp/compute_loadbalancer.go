package gcp

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// backendServices: whether anything leads to them.
func backendServices(inv *derive.Inventory) {
	maps := derive.ByEach(derive.Of[schema.URLMap](inv, schema.URLMapType), "backend_services",
		func(m derive.Item[schema.URLMap]) []string { return m.V.BackendServices })
	proxies := derive.ByRead(derive.Of[schema.TargetProxy](inv, schema.TargetProxyType), "backend_service",
		func(p derive.Item[schema.TargetProxy]) string { return p.V.BackendService })
	rules := derive.ByRead(derive.Of[schema.ForwardingRule](inv, schema.ForwardingRuleType), "backend_service",
		func(r derive.Item[schema.ForwardingRule]) string { return r.V.BackendService })
	for _, b := range derive.Of[schema.BackendService](inv, schema.BackendServiceType).Items {
		derive.Set(b, "in_use", &b.V.InUse, derive.Or(
			derive.Not(none(derive.Read(b, "used_by", b.V.UsedBy))),
			derive.Exists(within(b.Region, maps.All(b.ID)), whichever), derive.Exists(within(b.Region, proxies.All(b.ID)), whichever),
			derive.Exists(within(b.Region, rules.All(b.ID)), whichever)))
	}
}

// targetProxies: the TLS they speak, where plain HTTP is sent to, and whether the internet reaches them.
func targetProxies(inv *derive.Inventory) {
	policies := derive.ByID(derive.Of[schema.SSLPolicy](inv, schema.SSLPolicyType))
	maps := derive.ByID(derive.Of[schema.URLMap](inv, schema.URLMapType))
	rules := derive.ByRead(derive.Of[schema.ForwardingRule](inv, schema.ForwardingRuleType), "target",
		func(r derive.Item[schema.ForwardingRule]) string { return r.V.Target })
	const listPolicies, listMaps = "compute.sslPolicies.aggregatedList", "compute.urlMaps.aggregatedList"
	for _, p := range derive.Of[schema.TargetProxy](inv, schema.TargetProxyType).Items {
		kind := derive.Read(p, "kind", p.V.Kind)
		tls := derive.Or(is(kind, "https"), is(kind, "ssl"))
		ofPolicy := func(otherwise string, value func(derive.Item[schema.SSLPolicy]) derive.Val[string]) derive.Val[string] {
			return derive.Then(tls, func(tls bool) derive.Val[string] {
				if !tls {
					return derive.Known("")
				}
				return derive.Then(derive.Read(p, "ssl_policy", p.V.SSLPolicy), func(id string) derive.Val[string] {
					if id == "" {
						return derive.Known(otherwise)
					}
					return derive.Named(policies.All(id).In(p.Region), listPolicies, value)
				})
			})
		}
		derive.Set(p, "ssl_policy_min_tls", &p.V.SSLPolicyMinTLS, ofPolicy("TLS_1_0", func(s derive.Item[schema.SSLPolicy]) derive.Val[string] {
			return derive.Read(s, "min_tls_version", s.V.MinTLSVersion)
		}))
		profile := ofPolicy("COMPATIBLE", func(s derive.Item[schema.SSLPolicy]) derive.Val[string] {
			return derive.Read(s, "profile", s.V.Profile)
		})
		derive.Set(p, "ssl_policy_profile", &p.V.SSLPolicyProfile, profile)
		derive.Set(p, "ssl_policy_features", &p.V.SSLPolicyFeatures, derive.Then(is(profile, "CUSTOM"), func(custom bool) derive.Val[[]string] {
			if !custom {
				return derive.Known([]string{})
			}
			return derive.Then(derive.Read(p, "ssl_policy", p.V.SSLPolicy), func(id string) derive.Val[[]string] {
				return derive.Named(policies.All(id).In(p.Region), listPolicies, func(s derive.Item[schema.SSLPolicy]) derive.Val[[]string] {
					return derive.Read(s, "enabled_features", s.V.EnabledFeatures)
				})
			})
		}))
		derive.Set(p, "redirects_to_https", &p.V.RedirectsToHTTPS, derive.Then(is(kind, "http"), func(plain bool) derive.Val[bool] {
			if !plain {
				return derive.Known(false)
			}
			return derive.Then(derive.Read(p, "url_map", p.V.URLMap), func(id string) derive.Val[bool] {
				return derive.Named(maps.All(id).In(p.Region), listMaps, func(m derive.Item[schema.URLMap]) derive.Val[bool] {
					return derive.And(derive.Read(m, "default_https_redirect", m.V.DefaultHTTPSRedirect),
						derive.Read(m, "all_matchers_https_redirect", m.V.AllMatchersHTTPSRedirect))
				})
			})
		}))
		derive.Set(p, "external", &p.V.External, derive.Exists(within(p.Region, rules.All(p.ID)), answersInternet))
	}
}

func answersInternet(r derive.Item[schema.ForwardingRule]) derive.Val[bool] {
	return derive.Map(derive.Read(r, "load_balancing_scheme", r.V.LoadBalancingScheme), func(scheme string) bool {
		return strings.HasPrefix(scheme, "EXTERNAL")
	})
}

// sslCertificates: whether a proxy shows them to its clients. One with a certificate map shows only what the map holds.
func sslCertificates(inv *derive.Inventory) {
	proxies := derive.ByEach(derive.Of[schema.TargetProxy](inv, schema.TargetProxyType), "certificate_names",
		func(p derive.Item[schema.TargetProxy]) []string { return p.V.CertificateNames })
	for _, c := range derive.Of[schema.SSLCertificate](inv, schema.SSLCertificateType).Items {
		shows := func(p derive.Item[schema.TargetProxy]) derive.Val[bool] {
			return is(derive.Read(p, "certificate_map", p.V.CertificateMap), "")
		}
		derive.Set(c, "in_use", &c.V.InUse, derive.Exists(within(c.Region, proxies.All(c.ID)), shows))
	}
}

// within narrows what may refer to a thing: to one in a region only what lies in that region, to a global one also regional
// things, such as a forwarding rule of the standard network tier.
func within[T any](location string, l derive.List[T]) derive.List[T] {
	if location == posture.Global {
		return l
	}
	return l.In(location)
}

// whichever fits every resource: for lists that hold nothing else.
func whichever[T any](derive.Item[T]) derive.Val[bool] { return derive.Known(true) }
