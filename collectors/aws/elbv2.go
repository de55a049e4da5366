package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func elbv2Readers() []collectors.Reader[*client] { return []collectors.Reader[*client]{loadBalancers} }

var loadBalancers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LoadBalancerType, schema.ListenerType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "ElasticLoadBalancingv2.DescribeLoadBalancers", Permission: "elasticloadbalancing:DescribeLoadBalancers", Body: collectors.Store},
		{Name: "ElasticLoadBalancingv2.DescribeLoadBalancerAttributes", Permission: "elasticloadbalancing:DescribeLoadBalancerAttributes", Body: collectors.Store},
		{Name: "ElasticLoadBalancingv2.DescribeListeners", Permission: "elasticloadbalancing:DescribeListeners", Body: collectors.Redact("ClientSecret")},
		{Name: "ElasticLoadBalancingv2.DescribeRules", Permission: "elasticloadbalancing:DescribeRules", Body: collectors.Redact("ClientSecret")},
		{Name: "ElasticLoadBalancingv2.DescribeSSLPolicies", Permission: "elasticloadbalancing:DescribeSSLPolicies", Body: collectors.Store},
	},
	Collect: collectLoadBalancers,
}

func collectLoadBalancers(ctx context.Context, c *client, emit collectors.Emit) error {
	api := elbv2.NewFromConfig(c.config)
	policies := sync.OnceValues(func() (map[string][]string, error) { return tlsProtocols(ctx, api) })
	var mu sync.Mutex
	var unlisted error // listeners that could not be listed
	var group errgroup.Group
	group.SetLimit(8)
	list := elbv2.NewDescribeLoadBalancersPaginator(api, &elbv2.DescribeLoadBalancersInput{PageSize: sdk.Int32(400)})
	err := pages(ctx, list, func(page *elbv2.DescribeLoadBalancersOutput) error {
		for _, lb := range page.LoadBalancers {
			group.Go(func() error {
				if err := readLoadBalancer(ctx, api, lb, policies, emit); err != nil {
					mu.Lock()
					defer mu.Unlock()
					unlisted = errors.Join(unlisted, err)
				}
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // the errors are in unlisted
	if err != nil {
		return fmt.Errorf("list load balancers: %w", err)
	}
	return collectors.Incomplete(schema.ListenerType, unlisted)
}

// readLoadBalancer emits a load balancer and its listeners. The error says that the listeners could not be listed.
func readLoadBalancer(ctx context.Context, api *elbv2.Client, lb types.LoadBalancer, policies func() (map[string][]string, error), emit collectors.Emit) error {
	id := sdk.ToString(lb.LoadBalancerArn)
	balancer := &schema.LoadBalancer{
		Meta:             posture.Meta{Name: sdk.ToString(lb.LoadBalancerName), CreatedAt: posture.FromPtr(lb.CreatedTime)},
		LBType:           string(lb.Type),
		Scheme:           string(lb.Scheme),
		SecurityGroupIDs: lb.SecurityGroups,
	}
	a := &answer{service: elbv2.ServiceID, operation: "DescribeLoadBalancers", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	balancer.State = string(required(a, "state", lb.State).Code)
	for _, zone := range lb.AvailabilityZones {
		balancer.AvailabilityZones = append(balancer.AvailabilityZones, sdk.ToString(zone.ZoneName))
	}
	a.gaps = append(a.gaps, readLoadBalancerAttributes(ctx, api, id, balancer)...)

	found := 0
	list := elbv2.NewDescribeListenersPaginator(api, &elbv2.DescribeListenersInput{LoadBalancerArn: lb.LoadBalancerArn, PageSize: sdk.Int32(400)})
	err := pages(ctx, list, func(page *elbv2.DescribeListenersOutput) error {
		for _, l := range page.Listeners {
			found++
			if l.Protocol == types.ProtocolEnumHttps || l.Protocol == types.ProtocolEnumTls {
				balancer.TLSListenerCount++
			}
			emitListener(ctx, api, l, balancer, policies, emit)
		}
		return nil
	})
	if err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "listener_count", "tls_listener_count"))
		err = fmt.Errorf("list listeners of %s: %w", balancer.Name, err)
	}
	balancer.ListenerCount = int64(found)
	emit(id, balancer, a.gaps...)
	return err
}

// readLoadBalancerAttributes reads what is told as keys and values. A key that is missing though every load balancer of
// the kind has it is unread; others are settings the kind does not have.
func readLoadBalancerAttributes(ctx context.Context, api *elbv2.Client, id string, b *schema.LoadBalancer) []collectors.Gap {
	list, err := api.DescribeLoadBalancerAttributes(ctx, &elbv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &id})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "access_logs_enabled", "access_logs_bucket", "deletion_protection",
			"drop_invalid_headers", "desync_mode", "cross_zone_enabled")}
	}
	told := map[string]string{}
	for _, attribute := range list.Attributes {
		told[sdk.ToString(attribute.Key)] = sdk.ToString(attribute.Value)
	}
	a := &answer{service: elbv2.ServiceID, operation: "DescribeLoadBalancerAttributes"}
	get := func(path, key string, kinds ...string) string {
		value, there := told[key]
		if !there && slices.Contains(kinds, b.LBType) {
			a.gaps = append(a.gaps, collectors.Unread(a.lacks(key), path))
		}
		return value
	}
	b.AccessLogsEnabled = get("access_logs_enabled", "access_logs.s3.enabled", "application", "network") == "true"
	b.AccessLogsBucket = get("access_logs_bucket", "access_logs.s3.bucket")
	b.DeletionProtection = get("deletion_protection", "deletion_protection.enabled", "application", "network", "gateway") == "true"
	b.DropInvalidHeaders = get("drop_invalid_headers", "routing.http.drop_invalid_header_fields.enabled", "application") == "true"
	b.DesyncMode = get("desync_mode", "routing.http.desync_mitigation_mode", "application")
	b.CrossZoneEnabled = get("cross_zone_enabled", "load_balancing.cross_zone.enabled", "application", "network", "gateway") == "true"
	return a.gaps
}

func emitListener(ctx context.Context, api *elbv2.Client, l types.Listener, b *schema.LoadBalancer, policies func() (map[string][]string, error), emit collectors.Emit) {
	listener := &schema.Listener{
		Meta:            posture.Meta{Name: b.Name + ":" + strconv.Itoa(int(sdk.ToInt32(l.Port)))},
		LoadBalancerARN: sdk.ToString(l.LoadBalancerArn),
		LBType:          b.LBType,
		Protocol:        string(l.Protocol),
		Port:            int64(sdk.ToInt32(l.Port)),
		SSLPolicy:       sdk.ToString(l.SslPolicy),
	}
	for _, certificate := range l.Certificates {
		listener.CertificateARNs = append(listener.CertificateARNs, sdk.ToString(certificate.CertificateArn))
	}
	for _, action := range l.DefaultActions {
		listener.DefaultActionTypes = append(listener.DefaultActionTypes, string(action.Type))
		if action.RedirectConfig != nil {
			listener.DefaultRedirectProtocol = sdk.ToString(action.RedirectConfig.Protocol)
		}
	}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	var err error
	if listener.RedirectsToHTTPS, err = redirectsToHTTPS(ctx, api, l); err != nil {
		gaps = append(gaps, collectors.Unread(err, "redirects_to_https"))
	}
	if l.Protocol == types.ProtocolEnumHttps || l.Protocol == types.ProtocolEnumTls {
		if listener.MinimumTLS, err = minimumTLS(policies, listener.SSLPolicy); err != nil {
			gaps = append(gaps, collectors.Unread(err, "minimum_tls"))
		}
	}
	emit(sdk.ToString(l.ListenerArn), listener, gaps...)
}

// redirectsToHTTPS looks at the rules only when the default action leaves it open: one that redirects to HTTPS is enough,
// one that serves plain HTTP decides against.
func redirectsToHTTPS(ctx context.Context, api *elbv2.Client, l types.Listener) (bool, error) {
	switch {
	case l.Protocol != types.ProtocolEnumHttp:
		return false, nil
	case slices.ContainsFunc(l.DefaultActions, toHTTPS):
		return true, nil
	case !slices.ContainsFunc(l.DefaultActions, keepsHTTPShut):
		return false, nil
	}
	shut, rules := true, 0
	list := elbv2.NewDescribeRulesPaginator(api, &elbv2.DescribeRulesInput{ListenerArn: l.ListenerArn, PageSize: sdk.Int32(400)})
	err := pages(ctx, list, func(page *elbv2.DescribeRulesOutput) error {
		for _, rule := range page.Rules {
			rules++
			shut = shut && slices.ContainsFunc(rule.Actions, keepsHTTPShut)
		}
		return nil
	})
	switch {
	case !shut: // the rules read so far decide
		return false, nil
	case err == nil && rules == 0:
		return false, (&answer{service: elbv2.ServiceID, operation: "DescribeRules"}).lacks("the default rule")
	}
	return shut, err
}

func toHTTPS(action types.Action) bool {
	return action.Type == types.ActionTypeEnumRedirect && action.RedirectConfig != nil &&
		strings.EqualFold(sdk.ToString(action.RedirectConfig.Protocol), "HTTPS")
}

func keepsHTTPShut(action types.Action) bool {
	return action.Type == types.ActionTypeEnumFixedResponse || toHTTPS(action)
}

// tlsProtocols maps the names of the region's TLS policies to the protocols they allow. The SDK has no paginator for them.
func tlsProtocols(ctx context.Context, api *elbv2.Client) (map[string][]string, error) {
	out := map[string][]string{}
	input := &elbv2.DescribeSSLPoliciesInput{PageSize: sdk.Int32(400)}
	for {
		page, err := api.DescribeSSLPolicies(ctx, input)
		if err != nil {
			return nil, err
		}
		for _, p := range page.SslPolicies {
			out[sdk.ToString(p.Name)] = p.SslProtocols
		}
		if sdk.ToString(page.NextMarker) == "" {
			return out, nil
		}
		input.Marker = page.NextMarker
	}
}

func minimumTLS(policies func() (map[string][]string, error), name string) (string, error) {
	if name == "" {
		return "", (&answer{service: elbv2.ServiceID, operation: "DescribeListeners"}).lacks("SslPolicy")
	}
	all, err := policies()
	if err != nil {
		return "", err
	}
	for _, protocol := range []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"} {
		if slices.Contains(all[name], protocol) {
			return protocol, nil
		}
	}
	return "", (&answer{service: elbv2.ServiceID, operation: "DescribeSSLPolicies"}).lacks("policy " + name)
}
