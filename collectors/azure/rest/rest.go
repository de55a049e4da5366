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
var spanning = []string{"scope", "resourceUri", "resourceId", "resourceScope", "managementGroupScope"}

// compiled is a method and what recognises its path; ARM ignores case.
type compiled struct {
	Method
	path  *regexp.Regexp
	names []string
	fixed int // characters outside variables
}

var variable = regexp.MustCompile(`\{[^}]+\}`)

var table = sync.OnceValue(func() []compiled {
	var out []compiled
	for _, m := range slices.Concat(methods, graphMethods) {
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
				pattern += "(.+)"
			} else {
				pattern += "([^/]+)"
			}
			c.names = append(c.names, name)
			rest = rest[at[1]:]
		}
		c.path = regexp.MustCompile(pattern + regexp.QuoteMeta(rest) + "$")
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
// package ("AccountsClient.NewListPager"), or "". Operations with more fixed text are preferred.
func Match(host, verb string, u *url.URL, apiName string) (m Method, params map[string]string, ok bool) {
	kind, path := HostOf(host), u.EscapedPath()
	best := -1
	for _, c := range table() {
		if c.Host != kind || c.Verb != verb {
			continue
		}
		found := c.path.FindStringSubmatch(path)
		if found == nil {
			continue
		}
		score := c.fixed
		if apiName != "" && strings.HasSuffix(c.ID, "."+apiName) {
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
func Methods() []Method { return slices.Concat(methods, graphMethods) }

// graphMethods are the reads of Microsoft Graph; Graph has no client library here.
var graphMethods = []Method{
	{"graph.organization", Graph, http.MethodGet, "/v1.0/organization"},
}
