package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// HostedZone is one DNS zone of Route 53.
// Source: ListHostedZones, ListQueryLoggingConfigs.
//
//posture:type aws.route53.hosted_zone
type HostedZone struct {
	posture.Meta
	Private          bool   `json:"private"` // answers inside VPCs only
	RecordCount      int64  `json:"record_count" volatile:"true"`
	QueryLogGroupARN string `json:"query_log_group_arn"` // "": queries are not logged
}
