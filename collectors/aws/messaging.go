package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func messagingReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{topics, queues}
}

var topics = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TopicType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SNS.ListTopics", Permission: "sns:ListTopics", Body: collectors.Store},
		{Name: "SNS.GetTopicAttributes", Permission: "sns:GetTopicAttributes", Body: collectors.Store},
		{Name: "SNS.ListSubscriptions", Permission: "sns:ListSubscriptions", Body: collectors.Redact("Endpoint")}, // people's addresses
	},
	Collect: collectTopics,
}

func collectTopics(ctx context.Context, c *client, emit collectors.Emit) error {
	api := sns.NewFromConfig(c.config)
	plain := map[string]int64{} // subscriptions over http, by topic
	unlisted := pages(ctx, sns.NewListSubscriptionsPaginator(api, &sns.ListSubscriptionsInput{}), func(page *sns.ListSubscriptionsOutput) error {
		for _, s := range page.Subscriptions {
			if sdk.ToString(s.Protocol) == "http" {
				plain[sdk.ToString(s.TopicArn)]++
			}
		}
		return nil
	})
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, sns.NewListTopicsPaginator(api, &sns.ListTopicsInput{}), func(page *sns.ListTopicsOutput) error {
		for _, t := range page.Topics {
			group.Go(func() error {
				id := sdk.ToString(t.TopicArn)
				topic := &schema.Topic{Meta: posture.Meta{Name: id[strings.LastIndex(id, ":")+1:]}, HTTPSubscriptionCount: plain[id]}
				gaps := append(readTopic(ctx, api, id, topic), collectors.NotCollected("tags"))
				if unlisted != nil {
					gaps = append(gaps, collectors.Unread(unlisted, "http_subscription_count"))
				}
				emit(id, topic, gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of single topics are gaps
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	return nil
}

func readTopic(ctx context.Context, api *sns.Client, id string, topic *schema.Topic) []collectors.Gap {
	answered, err := api.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &id})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "kms_master_key_id", "policy", "fifo", "confirmed_subscriptions", "pending_subscriptions")}
	}
	told := answered.Attributes
	topic.KMSMasterKeyID = told["KmsMasterKeyId"]
	topic.FIFO = told["FifoTopic"] == "true"
	var gaps []collectors.Gap
	if topic.Policy = told["Policy"]; topic.Policy == "" { // every topic has one
		gaps = append(gaps, collectors.Unread(missing("SNS.GetTopicAttributes", "Policy"), "policy"))
	}
	number := func(path, key string) int64 {
		n, err := strconv.ParseInt(told[key], 10, 64)
		if err != nil {
			gaps = append(gaps, collectors.Unread(missing("SNS.GetTopicAttributes", key), path))
		}
		return n
	}
	topic.ConfirmedSubscriptions = number("confirmed_subscriptions", "SubscriptionsConfirmed")
	topic.PendingSubscriptions = number("pending_subscriptions", "SubscriptionsPending")
	return gaps
}

var queues = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.QueueType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SQS.ListQueues", Permission: "sqs:ListQueues", Body: collectors.Store},
		{Name: "SQS.GetQueueAttributes", Permission: "sqs:GetQueueAttributes", Body: collectors.Store},
	},
	Collect: collectQueues,
}

func collectQueues(ctx context.Context, c *client, emit collectors.Emit) error {
	api := sqs.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := sqs.NewListQueuesPaginator(api, &sqs.ListQueuesInput{MaxResults: sdk.Int32(1000)}) // without a size it ends at 1000
	err := pages(ctx, list, func(page *sqs.ListQueuesOutput) error {
		for _, url := range page.QueueUrls {
			group.Go(func() error {
				queue := &schema.Queue{Meta: posture.Meta{Name: path.Base(url)}}
				gaps := readQueue(ctx, api, url, queue)
				emit(c.arn("sqs", queue.Name), queue, append(gaps, collectors.NotCollected("tags"))...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of single queues are gaps
	if err != nil {
		return fmt.Errorf("list queues: %w", err)
	}
	return nil
}

func readQueue(ctx context.Context, api *sqs.Client, url string, queue *schema.Queue) []collectors.Gap {
	answered, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameKmsMasterKeyId, types.QueueAttributeNameSqsManagedSseEnabled, types.QueueAttributeNamePolicy,
		types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameCreatedTimestamp,
	}})
	if err == nil && answered.Attributes["CreatedTimestamp"] == "" { // every queue has it: without, nothing was answered
		err = missing("SQS.GetQueueAttributes", "CreatedTimestamp")
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "created_at", "kms_master_key_id", "sqs_managed_sse", "policy", "redrive_target_arn")}
	}
	told := answered.Attributes
	queue.KMSMasterKeyID = told["KmsMasterKeyId"]
	queue.SQSManagedSSE = told["SqsManagedSseEnabled"] == "true"
	queue.Policy = told["Policy"]
	var gaps []collectors.Gap
	if seconds, err := strconv.ParseInt(told["CreatedTimestamp"], 10, 64); err == nil {
		queue.CreatedAt = posture.Some(time.Unix(seconds, 0).UTC())
	}
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if text := told["RedrivePolicy"]; text != "" {
		if err := json.Unmarshal([]byte(text), &redrive); err != nil {
			gaps = append(gaps, collectors.Unread(missing("SQS.GetQueueAttributes", "a redrive policy that can be read"), "redrive_target_arn"))
		}
	}
	queue.RedriveTargetARN = redrive.Target
	return gaps
}
