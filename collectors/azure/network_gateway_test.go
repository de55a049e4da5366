package azure

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

func TestLowestProtocolOfAGateway(t *testing.T) {
	for name, test := range map[string]struct {
		properties   string
		name, lowest string
	}{
		"a first version without a policy":      {`{"sku":{"tier":"WAF"}}`, "AppGwSslPolicy20150501", "TLSv1_0"},
		"a second version names its default":    {`{"sku":{"tier":"WAF_v2"},"defaultPredefinedSslPolicy":"AppGwSslPolicy20220101"}`, "AppGwSslPolicy20220101", "TLSv1_2"},
		"a second version that names none":      {`{"sku":{"tier":"WAF_v2"}}`, "", ""},
		"a predefined policy of 2017":           {`{"sslPolicy":{"policyType":"Predefined","policyName":"AppGwSslPolicy20170401"}}`, "AppGwSslPolicy20170401", "TLSv1_1"},
		"a strict one of 2017":                  {`{"sslPolicy":{"policyType":"Predefined","policyName":"AppGwSslPolicy20170401S"}}`, "AppGwSslPolicy20170401S", "TLSv1_2"},
		"a predefined policy not known yet":     {`{"sslPolicy":{"policyType":"Predefined","policyName":"AppGwSslPolicy20300101"}}`, "AppGwSslPolicy20300101", ""},
		"a custom policy":                       {`{"sslPolicy":{"policyType":"CustomV2","minProtocolVersion":"TLSv1_3"}}`, "", "TLSv1_3"},
		"a custom policy without a minimum":     {`{"sslPolicy":{"policyType":"Custom","cipherSuites":["TLS_RSA_WITH_AES_128_CBC_SHA"]}}`, "", "TLSv1_0"},
		"protocols switched off one by one":     {`{"sslPolicy":{"disabledSslProtocols":["TLSv1_0","TLSv1_1"]}}`, "", "TLSv1_2"},
		"the second is still on":                {`{"sslPolicy":{"disabledSslProtocols":["TLSv1_0"]}}`, "", "TLSv1_1"},
		"a listener's profile takes less":       {`{"sslPolicy":{"minProtocolVersion":"TLSv1_2"},"sslProfiles":[{"properties":{"sslPolicy":{"minProtocolVersion":"TLSv1_0"}}}]}`, "", "TLSv1_0"},
		"a listener's profile takes more":       {`{"sslPolicy":{"minProtocolVersion":"TLSv1_2"},"sslProfiles":[{"properties":{"sslPolicy":{"policyName":"AppGwSslPolicy20220101S"}}}]}`, "", "TLSv1_2"},
		"a profile without a policy of its own": {`{"sslPolicy":{"minProtocolVersion":"TLSv1_2"},"sslProfiles":[{"properties":{}}]}`, "", "TLSv1_2"},
	} {
		policy, lowest := sslPolicy(*parsed[armnetwork.ApplicationGatewayPropertiesFormat](t, test.properties))
		if policy != test.name || lowest != test.lowest {
			t.Errorf("%s: %q from %q, want %q from %q", name, policy, lowest, test.name, test.lowest)
		}
	}
}

func TestRedirectedListeners(t *testing.T) {
	const (
		listeners = `"httpListeners":[{"id":"/H","properties":{"protocol":"Http","frontendIPConfiguration":{"id":"/P"}}},{"id":"/S","properties":{"protocol":"Https"}}],
			"redirectConfigurations":[{"id":"/R","properties":{"targetListener":{"id":"/S"}}},{"id":"/U","properties":{"targetUrl":"https://acme.example"}},{"id":"/N","properties":{"targetListener":{"id":"/H"}}}]`
		toHTTPS = `{"redirectConfiguration":{"id":"/R"}}`
	)
	for name, test := range map[string]struct {
		rules string
		want  int
	}{
		"a rule that leads to the HTTPS listener": {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"redirectConfiguration":{"id":"/R"}}}]`, 0},
		"a rule that leads to an HTTPS address":   {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"redirectConfiguration":{"id":"/U"}}}]`, 0},
		"a rule that leads to plain HTTP":         {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"redirectConfiguration":{"id":"/N"}}}]`, 1},
		"a rule that serves":                      {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"backendAddressPool":{"id":"/B"}}}]`, 1},
		"one rule of two serves": {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"backendAddressPool":{"id":"/B"}}},
			{"properties":{"httpListener":{"id":"/H"},"redirectConfiguration":{"id":"/R"}}}]`, 1},
		"paths that all lead there": {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"urlPathMap":{"id":"/M"}}}],
			"urlPathMaps":[{"id":"/M","properties":{"defaultRedirectConfiguration":{"id":"/R"},"pathRules":[{"properties":` + toHTTPS + `}]}}]`, 0},
		"a path that serves": {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"urlPathMap":{"id":"/M"}}}],
			"urlPathMaps":[{"id":"/M","properties":{"defaultRedirectConfiguration":{"id":"/R"},"pathRules":[{"properties":{}}]}}]`, 1},
		"the other paths serve": {`"requestRoutingRules":[{"properties":{"httpListener":{"id":"/H"},"urlPathMap":{"id":"/M"}}}],
			"urlPathMaps":[{"id":"/M","properties":{"pathRules":[{"properties":` + toHTTPS + `}]}}]`, 1},
		"no rule at all": {`"requestRoutingRules":[]`, 1},
	} {
		g := parsed[armnetwork.ApplicationGateway](t, `{"properties":{"sku":{"tier":"WAF_v2"},`+listeners+`,`+test.rules+`}}`)
		if got := newApplicationGateway(g).HTTPListenerWithoutRedirect; got != test.want {
			t.Errorf("%s: %d listeners without redirection, want %d", name, got, test.want)
		}
	}
}

func TestPublicFrontend(t *testing.T) {
	frontends := `"frontendIPConfigurations":[{"id":"/P","properties":{"publicIPAddress":{"id":"/IP"}}},{"id":"/I","properties":{"subnet":{"id":"/S"}}}]`
	for name, test := range map[string]struct {
		listeners string
		want      bool
	}{
		"a listener on the public address":    {`"httpListeners":[{"properties":{"frontendIPConfiguration":{"id":"/p"}}}]`, true},
		"a TCP listener there":                {`"listeners":[{"properties":{"frontendIPConfiguration":{"id":"/P"}}}]`, true},
		"all listeners on the inner one":      {`"httpListeners":[{"properties":{"frontendIPConfiguration":{"id":"/I"}}}]`, false},
		"an address on which nothing listens": {`"httpListeners":[]`, false},
	} {
		g := parsed[armnetwork.ApplicationGateway](t, `{"properties":{`+frontends+`,`+test.listeners+`}}`)
		if got := newApplicationGateway(g).PublicFrontend; got != test.want {
			t.Errorf("%s: public is %v", name, got)
		}
	}
}

func TestVPNClientAuthentication(t *testing.T) {
	for name, test := range map[string]struct {
		clients string
		want    []string
		dial    bool
	}{
		"types are named":           {`{"vpnClientAddressPool":{"addressPrefixes":["172.16.0.0/24"]},"vpnAuthenticationTypes":["Certificate","AAD"]}`, []string{"AAD", "Certificate"}, true},
		"an old one by certificate": {`{"vpnClientAddressPool":{"addressPrefixes":["172.16.0.0/24"]},"vpnClientRootCertificates":[{"name":"root"}]}`, []string{"Certificate"}, true},
		"an old one by RADIUS":      {`{"vpnClientAddressPool":{"addressPrefixes":["172.16.0.0/24"]},"radiusServerAddress":"10.0.0.4"}`, []string{"Radius"}, true},
		"nobody dials in":           {`{"vpnClientAddressPool":{"addressPrefixes":[]}}`, []string{}, false},
	} {
		got := newVPNGateway(parsed[armnetwork.VirtualNetworkGateway](t, `{"properties":{"vpnClientConfiguration":`+test.clients+`}}`))
		if diff := cmp.Diff(test.want, got.ClientAuthTypes); diff != "" || got.PointToSite != test.dial {
			t.Errorf("%s: point to site is %v; types differ (-want +got):\n%s", name, got.PointToSite, diff)
		}
	}
}

// TestFirewallPolicies: what a firewall does comes from its policy; of a policy that is not there nothing is known.
func TestFirewallPolicies(t *testing.T) {
	firewall := func(policy string) string {
		return `{"value":[{"id":"/subscriptions/own/F","name":"f","properties":{"threatIntelMode":"Alert","firewallPolicy":` + policy + `}}]}`
	}
	const policies = `{"value":[{"id":"/subscriptions/own/P","properties":{"threatIntelMode":"Deny","intrusionDetection":{"mode":"Alert"},"dnsSettings":{"enableProxy":true}}}]}`
	lost := func(code string) map[string]string {
		return map[string]string{"threat_intel_mode": code, "idps_mode": code, "dns_proxy": code}
	}
	for name, test := range map[string]struct {
		firewall, policies string
		want               [2]string // threat intelligence and intrusion detection, of one that is known
		unread             map[string]string
	}{
		"its policy":                       {firewall(`{"id":"/subscriptions/own/p"}`), policies, [2]string{"Deny", "Alert"}, map[string]string{}},
		"its own settings without one":     {firewall(`null`), policies, [2]string{"Alert", "Off"}, map[string]string{}},
		"policies do not matter then":      {firewall(`null`), "403 Refused", [2]string{"Alert", "Off"}, map[string]string{}},
		"policies were not listed":         {firewall(`{"id":"/subscriptions/own/p"}`), "403 Refused", [2]string{}, lost("Refused")},
		"a policy of another subscription": {firewall(`{"id":"/subscriptions/other/p"}`), policies, [2]string{}, lost("")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectFirewalls, map[string]string{
				"armnetwork.AzureFirewallsClient.NewListAllPager": test.firewall, "armnetwork.FirewallPoliciesClient.NewListAllPager": test.policies})
			if err != nil {
				t.Fatal(err)
			}
			f := got["/subscriptions/own/f"]
			if diff := cmp.Diff(test.unread, f.unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
			if a := f.attributes.(*schema.Firewall); len(test.unread) == 0 && [2]string{a.ThreatIntelMode, a.IDPSMode} != test.want {
				t.Errorf("modes are %s and %s, want %v", a.ThreatIntelMode, a.IDPSMode, test.want)
			}
		})
	}
}
