package aws

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// searchDomains: what the access policies of domains say, and which engine they run.
func searchDomains(inv *derive.Inventory) {
	for _, d := range derive.Of[schema.SearchDomain](inv, schema.SearchDomainType).Items {
		derive.Set(d, "elasticsearch", &d.V.Elasticsearch, derive.Map(derive.Read(d, "engine_version", d.V.EngineVersion),
			func(version string) bool { return strings.HasPrefix(version, "Elasticsearch_") }))
		derive.Set(d, "policy_public", &d.V.PolicyPublic, derive.Then(derive.Read(d, "access_policy", d.V.AccessPolicy), func(text string) derive.Val[bool] {
			if text == "" {
				return derive.Known(false)
			}
			return derive.Map(policyOf(derive.Known(text), "OpenSearch.DescribeDomains"), func(p iampolicy.Document) bool {
				return p.PublicWithin(iampolicy.SearchDomainLimits()...)
			})
		}))
	}
}
