package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// DataStream is one Kinesis data stream.
// Source: ListStreams, DescribeStreamSummary.
//
//posture:type aws.kinesis.stream
type DataStream struct {
	posture.Meta
	Status         string `json:"status"`
	EncryptionType string `json:"encryption_type"` // NONE or KMS
	KMSKeyID       string `json:"kms_key_id"`
	RetentionHours int64  `json:"retention_hours"`
}
