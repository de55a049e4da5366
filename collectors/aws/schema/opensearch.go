package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// SearchDomain is one OpenSearch Service domain, with either engine.
// Source: ListDomainNames, DescribeDomains.
//
//posture:type aws.opensearch.domain
type SearchDomain struct {
	posture.Meta
	EngineVersion           string                 `json:"engine_version"` // OpenSearch_2.19, Elasticsearch_7.10
	EncryptionAtRest        bool                   `json:"encryption_at_rest"`
	NodeToNodeEncryption    bool                   `json:"node_to_node_encryption"`
	VPCID                   string                 `json:"vpc_id"` // "": the endpoint is on the internet
	EnforceHTTPS            bool                   `json:"enforce_https"`
	TLSPolicy               string                 `json:"tls_policy"`
	AccessPolicy            string                 `json:"access_policy"`     // "": none
	LogTypesEnabled         []string               `json:"log_types_enabled"` // those that have a log group
	FineGrainedAccess       bool                   `json:"fine_grained_access"`
	InternalUserDatabase    bool                   `json:"internal_user_database"`
	ZoneAwareness           bool                   `json:"zone_awareness"`
	DataNodeCount           int64                  `json:"data_node_count"`
	DedicatedMasterCount    int64                  `json:"dedicated_master_count"`
	SoftwareUpdateAvailable bool                   `json:"software_update_available" volatile:"true"`
	SoftwareUpdateDeadline  posture.Opt[time.Time] `json:"software_update_deadline" volatile:"true"` // absent: none is set

	// PolicyPublic: an Allow for everyone fixes neither address nor account nor organization.
	PolicyPublic  bool `json:"policy_public" derived:"true"`
	Elasticsearch bool `json:"elasticsearch" derived:"true"`
}
