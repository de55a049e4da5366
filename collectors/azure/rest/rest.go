// Package rest knows the addresses of Azure's operations: which operation a request calls, from the paths in the SDK's client
// sources and a table of Microsoft Graph's. It needs no SDK, so that the transport and the simulated cloud share it.
package rest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The kinds of hosts that requests go to.
const (
	ARM   = "arm"   // Azure Resource Manager
	Graph = "graph" // Microsoft Graph
	Vault = "vault" // a Key Vault's own address
)

// Method is one operation.
type Method struct {
	ID   string // package, client and method: "armstorage.AccountsClient.NewListPager"; "graph.users"
	Host string // ARM, Graph or Vault
	Verb string
	Path string // "/subscriptions/{subscriptionId}/providers/Microsoft.Storage/storageAccounts"
}

// spanning are the variables that stand for a whole resource id, slashes included.
var spanning = []string{"scope", "scopeId", "resourceUri", "resourceId", "resourceScope", "managementGroupScope"}

// compiled is a method and what recognises its path; ARM ignores case.
type compiled struct {
	Method
	path  *regexp.Regexp
	below *regexp.Regexp // path and more
	names []string
	fixed int // characters outside variables
	// What a path must have before it is worth a closer look: so many slashes (or more, where a variable spans some), and the
	// longest fixed part, in lower case.
	slashes  int
	spans    bool
	fragment string
}

var variable = regexp.MustCompile(`\{[^}]+\}`)

var table = sync.OnceValue(func() []compiled {
	var out []compiled
	for _, m := range Methods() {
		c := compiled{Method: m, fixed: len(variable.ReplaceAllString(m.Path, ""))}
		pattern, rest := "(?i)^", m.Path
		for {
			at := variable.FindStringIndex(rest)
			if at == nil {
				break
			}
			name := rest[at[0]+1 : at[1]-1]
			pattern += regexp.QuoteMeta(rest[:at[0]])
			if slices.Contains(spanning, name) {
				c.spans = true
				pattern += "(.+)"
			} else {
				pattern += "([^/]+)"
			}
			c.names = append(c.names, name)
			rest = rest[at[1]:]
		}
		pattern += regexp.QuoteMeta(rest)
		c.path, c.below = regexp.MustCompile(pattern+"$"), regexp.MustCompile(pattern+"/.+$")
		c.slashes = strings.Count(m.Path, "/")
		for _, part := range variable.Split(strings.ToLower(m.Path), -1) {
			if len(part) > len(c.fragment) {
				c.fragment = part
			}
		}
		out = append(out, c)
	}
	return out
})

// HostOf says which kind a host is.
func HostOf(host string) string {
	switch {
	case strings.HasPrefix(host, "graph.") || strings.Contains(host, "microsoftgraph."):
		return Graph
	case strings.Contains(host, ".vault."):
		return Vault
	}
	return ARM
}

// Match returns the operation that a request calls and what its path says. apiName is the SDK's own name of it, without the
// package ("AccountsClient.NewListPager"), or "". Operations with more fixed text are preferred. A further page of a list that
// apiName names may lie below the list's path: where a link leads to is the service's choice.
func Match(host, verb string, u *url.URL, apiName string) (m Method, params map[string]string, ok bool) {
	kind, path := HostOf(host), u.EscapedPath()
	lower, slashes := strings.ToLower(path), strings.Count(path, "/")
	best := -1
	for _, c := range table() {
		if c.Host != kind || c.Verb != verb || slashes < c.slashes || !strings.Contains(lower, c.fragment) {
			continue
		}
		named := apiName != "" && strings.HasSuffix(c.ID, "."+apiName)
		listed := named && strings.HasSuffix(c.ID, "Pager")
		if slashes > c.slashes && !c.spans && !listed {
			continue
		}
		found := c.path.FindStringSubmatch(path)
		if found == nil && listed {
			found = c.below.FindStringSubmatch(path)
		}
		if found == nil {
			continue
		}
		if c.fixed <= 1 && apiName != "" && !named {
			continue // "/{resourceId}" is the path of everything
		}
		score := c.fixed
		if named {
			score += 1 << 20
		}
		if score <= best {
			continue
		}
		best, m, ok = score, c.Method, true
		params = map[string]string{}
		for i, name := range c.names {
			text, err := url.PathUnescape(found[i+1])
			if err != nil {
				text = found[i+1]
			}
			params[name] = text
		}
	}
	return m, params, ok
}

// Methods lists every operation that a reader may call.
func Methods() []Method { return slices.Concat(methods, graphMethods, armMethods) }

// graphMethods are the reads of Microsoft Graph; Graph has no client library here.
var graphMethods = []Method{
	{"graph.accessReviews", Graph, http.MethodGet, "/v1.0/identityGovernance/accessReviews/definitions"},
	{"graph.applications", Graph, http.MethodGet, "/v1.0/applications"},
	{"graph.authenticationMethodsPolicy", Graph, http.MethodGet, "/v1.0/policies/authenticationMethodsPolicy"},
	{"graph.authorizationPolicy", Graph, http.MethodGet, "/v1.0/policies/authorizationPolicy"},
	{"graph.conditionalAccessPolicies", Graph, http.MethodGet, "/v1.0/identity/conditionalAccess/policies"},
	{"graph.deviceRegistrationPolicy", Graph, http.MethodGet, "/beta/policies/deviceRegistrationPolicy"},
	{"graph.domains", Graph, http.MethodGet, "/v1.0/domains"},
	{"graph.getByIds", Graph, http.MethodPost, "/v1.0/directoryObjects/getByIds"},
	{"graph.groupMembers", Graph, http.MethodGet, "/v1.0/groups/{id}/transitiveMembers"},
	{"graph.groupSettings", Graph, http.MethodGet, "/v1.0/groupSettings"},
	{"graph.namedLocations", Graph, http.MethodGet, "/v1.0/identity/conditionalAccess/namedLocations"},
	{"graph.organization", Graph, http.MethodGet, "/v1.0/organization"},
	{"graph.roleAssignmentScheduleInstances", Graph, http.MethodGet, "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances"},
	{"graph.roleAssignments", Graph, http.MethodGet, "/v1.0/roleManagement/directory/roleAssignments"},
	{"graph.roleDefinitions", Graph, http.MethodGet, "/v1.0/roleManagement/directory/roleDefinitions"},
	{"graph.roleEligibilityScheduleInstances", Graph, http.MethodGet, "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"},
	{"graph.securityDefaultsPolicy", Graph, http.MethodGet, "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"},
	{"graph.subscribedSkus", Graph, http.MethodGet, "/v1.0/subscribedSkus"},
	{"graph.userRegistrationDetails", Graph, http.MethodGet, "/v1.0/reports/authenticationMethods/userRegistrationDetails"},
	{"graph.users", Graph, http.MethodGet, "/v1.0/users"},
}

// armMethods are the reads of Resource Manager that no SDK package has.
var armMethods = []Method{
	{"arm.aadiam.diagnosticSettings", ARM, http.MethodGet, "/providers/microsoft.aadiam/diagnosticSettings"},
}
