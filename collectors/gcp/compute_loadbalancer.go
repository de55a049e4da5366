package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var backendServices = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BackendServiceType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.backendServices.aggregatedList", Permission: "compute.backendServices.list",
			Body: collectors.Redact("oauth2ClientSecret", "oauth2ClientSecretSha256", "accessKey", "customRequestHeaders")},
		{Name: "compute.networkEndpointGroups.aggregatedList", Permission: "compute.networkEndpointGroups.list", Body: collectors.Store},
	},
	Collect: collectBackendServices,
}

func collectBackendServices(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	groups, groupsErr := endpointGroups(ctx, c, api)
	missing := omissions{operation: "compute.backendServices.aggregatedList", of: schema.BackendServiceType}
	list := api.BackendServices.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.BackendServiceAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, b := range in.BackendServices {
				out := newBackendService(path.Base(scope), b)
				var gaps []collectors.Gap
				for _, backend := range b.Backends {
					kind, ok := backendKind(resourcePath(backend.Group), groups)
					if !ok {
						gaps = []collectors.Gap{collectors.Unread(cmp.Or(groupsErr, fmt.Errorf("%s is not listed", backend.Group)), "backend_kinds")}
					} else if !slices.Contains(out.BackendKinds, kind) {
						out.BackendKinds = append(out.BackendKinds, kind)
					}
				}
				slices.Sort(out.BackendKinds)
				emit(resourcePath(b.SelfLink), collectors.In(out.Location, out), gaps...)
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list backend services: %w", err)
	}
	return errors.Join(err, missing.err())
}

// newBackendService takes a share of logged requests of 0 for one that somebody set: the service itself writes out 1, its default.
func newBackendService(location string, b *compute.BackendService) *schema.BackendService {
	out := &schema.BackendService{
		Meta:     posture.Meta{Name: b.Name, CreatedAt: timestamp(b.CreationTimestamp)},
		SelfLink: b.SelfLink, Location: location, LoadBalancingScheme: b.LoadBalancingScheme, Protocol: b.Protocol,
		External: external(b.LoadBalancingScheme), SupportsLogging: b.LoadBalancingScheme != "INTERNAL_SELF_MANAGED",
		SecurityPolicy: resourcePath(b.SecurityPolicy), EdgeSecurityPolicy: resourcePath(b.EdgeSecurityPolicy),
		IAPEnabled: b.Iap != nil && b.Iap.Enabled, HealthCheckCount: int64(len(b.HealthChecks)), BackendKinds: []string{}, UsedBy: []string{},
	}
	if b.LogConfig != nil && b.LogConfig.Enable {
		out.LogEnabled, out.LogSamplePermille = true, permille(b.LogConfig.SampleRate)
	}
	for _, user := range b.UsedBy {
		out.UsedBy = append(out.UsedBy, resourcePath(user.Reference))
	}
	slices.Sort(out.UsedBy)
	return out
}

// external reports whether a load balancing scheme answers the internet.
func external(scheme string) bool { return strings.HasPrefix(scheme, "EXTERNAL") }

// endpointGroups are the types of the project's network endpoint groups.
func endpointGroups(ctx context.Context, c *client, api *compute.Service) (map[string]string, error) {
	out := map[string]string{}
	missing := omissions{operation: "compute.networkEndpointGroups.aggregatedList", of: schema.BackendServiceType}
	list := api.NetworkEndpointGroups.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err := eachPage(list.Do, func(page *compute.NetworkEndpointGroupAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, g := range in.NetworkEndpointGroups {
				out[resourcePath(g.SelfLink)] = g.NetworkEndpointType
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list network endpoint groups: %w", err)
	}
	return out, errors.Join(err, missing.err())
}

// backendKind tells what a backend is by the path of its group. Only groups in regions need their type to tell.
func backendKind(group string, types map[string]string) (kind string, ok bool) {
	switch {
	case strings.Contains(group, "/instanceGroups/"):
		return "instance_group", true
	case strings.Contains(group, "/zones/"):
		return "zonal_neg", true
	case strings.Contains(group, "/global/"):
		return "internet_neg", true
	}
	switch types[group] {
	case "SERVERLESS":
		return "serverless_neg", true
	case "PRIVATE_SERVICE_CONNECT":
		return "psc_neg", true
	case "INTERNET_FQDN_PORT", "INTERNET_IP_PORT":
		return "internet_neg", true
	case "GCE_VM_IP_PORTMAP":
		return "portmap_neg", true
	}
	return "", false
}

var targetProxies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TargetProxyType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.targetHttpsProxies.aggregatedList", Permission: "compute.targetHttpsProxies.list", Body: collectors.Store},
		{Name: "compute.targetHttpProxies.aggregatedList", Permission: "compute.targetHttpProxies.list", Body: collectors.Store},
		{Name: "compute.targetSslProxies.list", Permission: "compute.targetSslProxies.list", Body: collectors.Store},
		{Name: "compute.targetTcpProxies.aggregatedList", Permission: "compute.targetTcpProxies.list", Body: collectors.Store},
	},
	Collect: collectTargetProxies,
}

func collectTargetProxies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	return errors.Join(
		collectHTTPSProxies(ctx, c, api, emit), collectHTTPProxies(ctx, c, api, emit),
		collectSSLProxies(ctx, c, api, emit), collectTCPProxies(ctx, c, api, emit))
}

func collectHTTPSProxies(ctx context.Context, c *client, api *compute.Service, emit collectors.Emit) error {
	missing := omissions{operation: "compute.targetHttpsProxies.aggregatedList", of: schema.TargetProxyType}
	list := api.TargetHttpsProxies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err := eachPage(list.Do, func(page *compute.TargetHttpsProxyAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.TargetHttpsProxies {
				location := path.Base(scope)
				emit(resourcePath(p.SelfLink), collectors.In(location, &schema.TargetProxy{
					Meta: posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
					Kind: "https", Location: location, SSLPolicy: resourcePath(p.SslPolicy), URLMap: resourcePath(p.UrlMap),
					CertificateNames: certificateNames(p.SslCertificates), CertificateMap: resourcePath(p.CertificateMap),
				}))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list HTTPS proxies: %w", err)
	}
	return errors.Join(err, missing.err())
}

func collectHTTPProxies(ctx context.Context, c *client, api *compute.Service, emit collectors.Emit) error {
	missing := omissions{operation: "compute.targetHttpProxies.aggregatedList", of: schema.TargetProxyType}
	list := api.TargetHttpProxies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err := eachPage(list.Do, func(page *compute.TargetHttpProxyAggregatedList) string {
		missing.page(page.Unreachables, "")
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.TargetHttpProxies {
				location := path.Base(scope)
				emit(resourcePath(p.SelfLink), collectors.In(location, &schema.TargetProxy{
					Meta: posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
					Kind: "http", Location: location, URLMap: resourcePath(p.UrlMap), CertificateNames: []string{},
				}))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list HTTP proxies: %w", err)
	}
	return errors.Join(err, missing.err())
}

// collectSSLProxies reads those that end TLS of other protocols; they are global alone.
func collectSSLProxies(ctx context.Context, c *client, api *compute.Service, emit collectors.Emit) error {
	err := api.TargetSslProxies.List(c.project).MaxResults(largestPage).Pages(ctx, func(page *compute.TargetSslProxyList) error {
		if code := warned(page.Warning); leavesOut(code) {
			return unreachable("compute.targetSslProxies.list", code)
		}
		for _, p := range page.Items {
			emit(resourcePath(p.SelfLink), collectors.In(posture.Global, &schema.TargetProxy{
				Meta: posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
				Kind: "ssl", Location: posture.Global, SSLPolicy: resourcePath(p.SslPolicy), BackendService: resourcePath(p.Service),
				CertificateNames: certificateNames(p.SslCertificates), CertificateMap: resourcePath(p.CertificateMap),
			}))
		}
		return nil
	})
	if err != nil {
		return collectors.IncompleteIn(posture.Global, schema.TargetProxyType, fmt.Errorf("list SSL proxies: %w", err))
	}
	return nil
}

func collectTCPProxies(ctx context.Context, c *client, api *compute.Service, emit collectors.Emit) error {
	missing := omissions{operation: "compute.targetTcpProxies.aggregatedList", of: schema.TargetProxyType}
	list := api.TargetTcpProxies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err := eachPage(list.Do, func(page *compute.TargetTcpProxyAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.TargetTcpProxies {
				location := path.Base(scope)
				emit(resourcePath(p.SelfLink), collectors.In(location, &schema.TargetProxy{
					Meta: posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
					Kind: "tcp", Location: location, BackendService: resourcePath(p.Service), CertificateNames: []string{},
				}))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list TCP proxies: %w", err)
	}
	return errors.Join(err, missing.err())
}

func certificateNames(links []string) []string {
	out := []string{}
	for _, link := range links {
		out = append(out, resourcePath(link))
	}
	return out // the first is what clients without SNI get
}

var sslPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SSLPolicyType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.sslPolicies.aggregatedList", Permission: "compute.sslPolicies.list", Body: collectors.Store},
	},
	Collect: collectSSLPolicies,
}

func collectSSLPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.sslPolicies.aggregatedList", of: schema.SSLPolicyType}
	list := api.SslPolicies.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.SslPoliciesAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, p := range in.SslPolicies {
				emit(resourcePath(p.SelfLink), collectors.In(path.Base(scope), &schema.SSLPolicy{
					Meta:     posture.Meta{Name: p.Name, CreatedAt: timestamp(p.CreationTimestamp)},
					SelfLink: p.SelfLink, MinTLSVersion: p.MinTlsVersion, Profile: p.Profile, EnabledFeatures: ordered(p.EnabledFeatures),
				}))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list SSL policies: %w", err)
	}
	return errors.Join(err, missing.err())
}

var urlMaps = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.URLMapType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.urlMaps.aggregatedList", Permission: "compute.urlMaps.list", Body: collectors.Redact("headerValue")},
	},
	Collect: collectURLMaps,
}

func collectURLMaps(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.urlMaps.aggregatedList", of: schema.URLMapType}
	list := api.UrlMaps.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.UrlMapsAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, m := range in.UrlMaps {
				emit(resourcePath(m.SelfLink), collectors.In(path.Base(scope), newURLMap(m)))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list URL maps: %w", err)
	}
	return errors.Join(err, missing.err())
}

func newURLMap(m *compute.UrlMap) *schema.URLMap {
	out := &schema.URLMap{
		Meta:     posture.Meta{Name: m.Name, CreatedAt: timestamp(m.CreationTimestamp)},
		SelfLink: m.SelfLink, DefaultHTTPSRedirect: toHTTPS(m.DefaultUrlRedirect), AllMatchersHTTPSRedirect: true,
	}
	services := usedServices(m.DefaultService, m.DefaultRouteAction)
	end := func(redirect *compute.HttpRedirectAction, service string, action *compute.HttpRouteAction) {
		out.AllMatchersHTTPSRedirect = out.AllMatchersHTTPSRedirect && toHTTPS(redirect)
		services = append(services, usedServices(service, action)...)
	}
	for _, matcher := range m.PathMatchers {
		end(matcher.DefaultUrlRedirect, matcher.DefaultService, matcher.DefaultRouteAction)
		for _, r := range matcher.PathRules {
			end(r.UrlRedirect, r.Service, r.RouteAction)
		}
		for _, r := range matcher.RouteRules {
			end(r.UrlRedirect, r.Service, r.RouteAction)
		}
	}
	out.BackendServices = slices.Compact(ordered(services))
	return out
}

func toHTTPS(redirect *compute.HttpRedirectAction) bool {
	return redirect != nil && redirect.HttpsRedirect
}

// usedServices are what a request can be sent to, copies of it included.
func usedServices(service string, action *compute.HttpRouteAction) []string {
	links := []string{service}
	if action != nil {
		for _, w := range action.WeightedBackendServices {
			links = append(links, w.BackendService)
		}
		if action.RequestMirrorPolicy != nil {
			links = append(links, action.RequestMirrorPolicy.BackendService)
		}
	}
	var out []string
	for _, link := range links {
		if link != "" {
			out = append(out, resourcePath(link))
		}
	}
	return out
}

var forwardingRules = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ForwardingRuleType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.forwardingRules.aggregatedList", Permission: "compute.forwardingRules.list", Body: collectors.Store},
	},
	Collect: collectForwardingRules,
}

func collectForwardingRules(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.forwardingRules.aggregatedList", of: schema.ForwardingRuleType}
	list := api.ForwardingRules.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.ForwardingRuleAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, r := range in.ForwardingRules {
				location := path.Base(scope)
				emit(resourcePath(r.SelfLink), collectors.In(location, &schema.ForwardingRule{
					Meta:     posture.Meta{Name: r.Name, Tags: r.Labels, CreatedAt: timestamp(r.CreationTimestamp)},
					Location: location, LoadBalancingScheme: r.LoadBalancingScheme, IPAddress: r.IPAddress,
					Target: resourcePath(r.Target), BackendService: resourcePath(r.BackendService), PortRange: r.PortRange,
				}))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list forwarding rules: %w", err)
	}
	return errors.Join(err, missing.err())
}

var sslCertificates = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SSLCertificateType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.sslCertificates.aggregatedList", Permission: "compute.sslCertificates.list",
			Body: collectors.Redact("certificate", "privateKey")},
	},
	Collect: collectSSLCertificates,
}

func collectSSLCertificates(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "compute.sslCertificates.aggregatedList", of: schema.SSLCertificateType}
	list := api.SslCertificates.AggregatedList(c.project).MaxResults(largestPage).Context(ctx)
	err = eachPage(list.Do, func(page *compute.SslCertificateAggregatedList) string {
		missing.page(page.Unreachables, warned(page.Warning))
		for scope, in := range page.Items {
			missing.scope(scope, warned(in.Warning))
			for _, s := range in.SslCertificates {
				out := &schema.SSLCertificate{
					Meta:     posture.Meta{Name: s.Name, CreatedAt: timestamp(s.CreationTimestamp)},
					Location: path.Base(scope), CertType: cmp.Or(s.Type, "SELF_MANAGED"), ExpireTime: timestamp(s.ExpireTime),
				}
				if s.Managed != nil {
					out.ManagedStatus = s.Managed.Status
				}
				emit(resourcePath(s.SelfLink), collectors.In(out.Location, out))
			}
		}
		return page.NextPageToken
	})
	if err != nil {
		err = fmt.Errorf("list certificates: %w", err)
	}
	return errors.Join(err, missing.err())
}
