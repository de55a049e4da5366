package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Trail is one CloudTrail trail, reported from its home region only.
// Source: DescribeTrails, GetTrailStatus, GetEventSelectors, GetInsightSelectors.
//
//posture:type aws.cloudtrail.trail
type Trail struct {
	posture.Meta
	HomeRegion                    string                 `json:"home_region"`
	IsMultiRegion                 bool                   `json:"is_multi_region"`
	IsOrganizationTrail           bool                   `json:"is_organization_trail"`
	OwnedByThisAccount            bool                   `json:"owned_by_this_account"`
	IncludeGlobalServiceEvents    bool                   `json:"include_global_service_events"`
	LogFileValidationEnabled      bool                   `json:"log_file_validation_enabled"`
	KMSKeyID                      string                 `json:"kms_key_id"` // "": encrypted with an S3-managed key
	S3BucketName                  string                 `json:"s3_bucket_name"`
	LogGroupARN                   string                 `json:"log_group_arn"` // "": not sent to CloudWatch Logs
	IsLogging                     bool                   `json:"is_logging"`
	LatestDeliveryAt              posture.Opt[time.Time] `json:"latest_delivery_at" volatile:"true"` // absent: never delivered
	LatestDeliveryError           string                 `json:"latest_delivery_error"`
	LatestCloudWatchDeliveryAt    posture.Opt[time.Time] `json:"latest_cloudwatch_delivery_at" volatile:"true"`
	LatestCloudWatchDeliveryError string                 `json:"latest_cloudwatch_delivery_error"`
	ManagementEvents              string                 `json:"management_events"` // All, ReadOnly, WriteOnly or NONE
	ExcludedManagementSources     []string               `json:"excluded_management_sources"`
	Insights                      []string               `json:"insights"` // kinds of CloudTrail Insights switched on

	S3DataEvents     S3DataEvents `json:"s3_data_events"`
	LambdaDataEvents bool         `json:"lambda_data_events"` // of all functions
	BedrockEvents    bool         `json:"bedrock_events"`
	Bucket           TrailBucket  `json:"bucket" derived:"true"`
}

// S3DataEvents says whether a trail records object-level events of every bucket.
type S3DataEvents struct {
	ReadAllBuckets  bool `json:"read_all_buckets"`
	WriteAllBuckets bool `json:"write_all_buckets"`
}

// TrailBucket is what the snapshot knows of the bucket a trail writes to; absent when the bucket lies outside the scan.
type TrailBucket struct {
	InScanScope          bool              `json:"in_scan_scope"`
	Public               posture.Opt[bool] `json:"public"`
	AccessLoggingEnabled posture.Opt[bool] `json:"access_logging_enabled"`
	DeletionProtected    posture.Opt[bool] `json:"deletion_protected"`
}
