package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestSearchDomains(t *testing.T) {
	domain := func(version, policy string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.SearchDomainType, "arn:aws:es:eu-west-1:111122223333:domain/logs",
			&schema.SearchDomain{EngineVersion: version, AccessPolicy: policy}, refused...)}
	}
	allow := func(condition string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*"` + condition + `}]}`
	}
	check(t, map[string]derivation{
		"the version names the engine": {
			resources: domain("Elasticsearch_7.10", ""), want: map[string]any{"elasticsearch": true},
		},
		"OpenSearch is the other one": {
			resources: domain("OpenSearch_2.19", ""), want: map[string]any{"elasticsearch": false},
		},
		"an unread version leaves the engine open": {
			resources: domain("", "", "engine_version"), want: map[string]any{"elasticsearch": "unread: read engine_version"},
		},
		"no policy lets nobody in": {
			resources: domain("OpenSearch_2.19", ""), want: map[string]any{"policy_public": false},
		},
		"everyone without a condition is public": {
			resources: domain("OpenSearch_2.19", allow("")), want: map[string]any{"policy_public": true},
		},
		"everyone from one network is not": {
			resources: domain("OpenSearch_2.19", allow(`,"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)), want: map[string]any{"policy_public": false},
		},
		"everyone from any address is": {
			resources: domain("OpenSearch_2.19", allow(`,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`)), want: map[string]any{"policy_public": true},
		},
		"an unread policy may be public": {
			resources: domain("OpenSearch_2.19", "", "access_policy"), want: map[string]any{"policy_public": "unread: read access_policy"},
		},
	})
}
