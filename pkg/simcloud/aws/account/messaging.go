package account

import (
	"path"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The first topic of the home region carries alarms; the first queue of each region takes what the others could not deliver.
var messagingService = service{
	kinds: []world.Kind{
		{
			Name: "sns.topic", Count: 3,
			Defects: []world.Defect{{Name: "plain", Share: 0.3, Drift: 0.05}, {Name: "public-policy", Share: 0.05, Drift: 0.1}, {Name: "unheard", Drift: 0.25}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				heard := posture.DoesNotApply
				if carriesAlarms(s, it) {
					heard = failIf(it.Has("unheard"))
				}
				return keyOf("aws.sns.topic", it, topicARN(it)), map[string]posture.Result{
					"aws-sns-topic-encrypted":         failIf(it.Has("plain")),
					"aws-sns-topic-policy-not-public": failIf(it.Has("public-policy")),
					"aws-sns-alarm-topic-subscribed":  heard,
				}
			},
		},
		{
			Name: "sqs.queue", Count: 3,
			Defects: []world.Defect{{Name: "plain", Share: 0.15, Drift: 0.05}, {Name: "public-policy", Share: 0.05, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.sqs.queue", it, it.ARN("sqs", it.Region, it.Name())), map[string]posture.Result{
					"aws-sqs-queue-encrypted":         failIf(it.Has("plain")),
					"aws-sqs-queue-policy-not-public": failIf(it.Has("public-policy")),
				}
			},
		},
	},
	handle: func(s *aws.Server, w *states) {
		handleSNS(s, w)
		handleSQS(s, w)
	},
}

func topicARN(it *world.Item) string { return it.ARN("sns", it.Region, it.Name()) }

// toOwnTopic reports whether the alarm goes to a topic of its account; the others go to the security account.
func toOwnTopic(alarm *world.Item) bool { return alarm.Index%2 == 1 }

// alarmTopic is the topic of the account that alarms go to.
func alarmTopic(s *world.State) *world.Item { return s.Find("sns.topic", s.Account.Home(), 0) }

func carriesAlarms(s *world.State, topic *world.Item) bool {
	if topic.Index != 0 || topic.Region != s.Account.Home() {
		return false
	}
	for _, alarm := range s.Items("cloudwatch.alarm") {
		if toOwnTopic(alarm) && !alarm.Has("no-action") {
			return true
		}
	}
	return false
}

// messagingPolicy lets everyone in, within the account unless the policy is public.
func messagingPolicy(it *world.Item, action, arn string) string {
	condition := `,"Condition":{"StringEquals":{"AWS:SourceAccount":"` + it.Account.ID + `"}}`
	if it.Has("public-policy") {
		condition = ""
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"` + action + `","Resource":"` + arn + `"` + condition + `}]}`
}

func handleSNS(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*sns.ListTopicsInput]) (*sns.ListTopicsOutput, error) {
		out := &sns.ListTopicsOutput{}
		for _, it := range at(w, c).In("sns.topic", c.Region) {
			out.Topics = append(out.Topics, snstypes.Topic{TopicArn: sdk.String(topicARN(it))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*sns.ListSubscriptionsInput]) (*sns.ListSubscriptionsOutput, error) {
		out := &sns.ListSubscriptionsOutput{}
		for _, it := range at(w, c).In("sns.topic", c.Region) {
			if it.Has("unheard") {
				continue
			}
			protocol, endpoint := "email", "on-call@example.com"
			if it.Index == 1 {
				protocol, endpoint = "http", "http://hooks.example.com/sns"
			}
			out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{TopicArn: sdk.String(topicARN(it)), Protocol: &protocol, Endpoint: &endpoint,
				Owner: sdk.String(c.Account), SubscriptionArn: sdk.String(topicARN(it) + ":" + it.Hex(8, "subscription"))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*sns.GetTopicAttributesInput]) (*sns.GetTopicAttributesOutput, error) {
		for _, it := range at(w, c).In("sns.topic", c.Region) {
			if topicARN(it) != sdk.ToString(c.Input.TopicArn) {
				continue
			}
			confirmed := "1"
			if it.Has("unheard") {
				confirmed = "0"
			}
			told := map[string]string{"TopicArn": topicARN(it), "Owner": c.Account, "Policy": messagingPolicy(it, "SNS:Publish", topicARN(it)),
				"SubscriptionsConfirmed": confirmed, "SubscriptionsPending": strconv.Itoa(it.Pick(2, "pending")), "SubscriptionsDeleted": "0", "DisplayName": ""}
			if !it.Has("plain") {
				told["KmsMasterKeyId"] = "alias/messages"
			}
			if it.Index == 2 {
				told["FifoTopic"] = "true"
			}
			return &sns.GetTopicAttributesOutput{Attributes: told}, nil
		}
		return nil, &snstypes.NotFoundException{Message: sdk.String("Topic does not exist")}
	})
}

func handleSQS(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*sqs.ListQueuesInput]) (*sqs.ListQueuesOutput, error) {
		out := &sqs.ListQueuesOutput{}
		for _, it := range at(w, c).In("sqs.queue", c.Region) {
			out.QueueUrls = append(out.QueueUrls, "https://sqs."+c.Region+".amazonaws.com/"+c.Account+"/"+it.Name())
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*sqs.GetQueueAttributesInput]) (*sqs.GetQueueAttributesOutput, error) {
		state := at(w, c)
		for _, it := range state.In("sqs.queue", c.Region) {
			if it.Name() != path.Base(sdk.ToString(c.Input.QueueUrl)) {
				continue
			}
			told := map[string]string{"CreatedTimestamp": strconv.FormatInt(state.Long(it, 100).Unix(), 10), "SqsManagedSseEnabled": strconv.FormatBool(!it.Has("plain") && it.Index == 0)}
			if !it.Has("plain") && it.Index > 0 {
				told["KmsMasterKeyId"] = "alias/messages"
			}
			if it.Index > 0 {
				told["RedrivePolicy"] = `{"deadLetterTargetArn":"` + it.ARN("sqs", c.Region, state.Find("sqs.queue", c.Region, 0).Name()) + `","maxReceiveCount":5}`
			}
			if it.Index > 0 || it.Has("public-policy") {
				told["Policy"] = messagingPolicy(it, "sqs:SendMessage", it.ARN("sqs", c.Region, it.Name()))
			}
			return &sqs.GetQueueAttributesOutput{Attributes: told}, nil
		}
		return nil, &sqstypes.QueueDoesNotExist{Message: sdk.String("The specified queue does not exist.")}
	})
}
