package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Topic is one SNS topic. Of its subscriptions only their numbers are kept.
// Source: ListTopics, GetTopicAttributes, ListSubscriptions.
//
//posture:type aws.sns.topic
type Topic struct {
	posture.Meta
	KMSMasterKeyID         string `json:"kms_master_key_id"` // "": not encrypted with KMS
	Policy                 string `json:"policy"`
	FIFO                   bool   `json:"fifo"`
	ConfirmedSubscriptions int64  `json:"confirmed_subscriptions"`
	PendingSubscriptions   int64  `json:"pending_subscriptions"`
	HTTPSubscriptionCount  int64  `json:"http_subscription_count"` // with protocol http, made in this account

	// PolicyPublic: an Allow for everyone has no condition that fixes account, source or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
	// AlarmTarget: an alarm of the region notifies the topic.
	AlarmTarget bool `json:"alarm_target" derived:"true"`
}

// Queue is one SQS queue.
// Source: ListQueues, GetQueueAttributes.
//
//posture:type aws.sqs.queue
type Queue struct {
	posture.Meta
	KMSMasterKeyID   string `json:"kms_master_key_id"`
	SQSManagedSSE    bool   `json:"sqs_managed_sse"` // encrypted with a key that SQS keeps
	Policy           string `json:"policy"`          // "": none
	RedriveTargetARN string `json:"redrive_target_arn"`

	// PolicyPublic: an Allow for everyone has no condition that fixes account, source or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
	// IsDeadLetterQueue: another queue of the region sends here what it cannot deliver.
	IsDeadLetterQueue bool `json:"is_dead_letter_queue" derived:"true"`
}
