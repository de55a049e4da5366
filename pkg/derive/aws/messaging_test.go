package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const openToAll = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// within lets everyone in under a condition.
func within(key, value string) string {
	return `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"` + value + `"}}}]}`
}

func TestTopics(t *testing.T) {
	const id = "arn:aws:sns:eu-west-1:111122223333:ops"
	topic := func(policy string, refused ...string) *posture.Resource {
		return resource(schema.TopicType, id, &schema.Topic{Policy: policy, ConfirmedSubscriptions: 1}, refused...)
	}
	alarm := func(to string, refused ...string) *posture.Resource {
		return resource(schema.AlarmType, "alarm", &schema.Alarm{ActionsEnabled: true, AlarmActions: []string{to}}, refused...)
	}
	check(t, map[string]derivation{
		"everyone publishes":               {resources: []*posture.Resource{topic(openToAll)}, want: map[string]any{"policy_public": true}},
		"everyone in one account":          {resources: []*posture.Resource{topic(within("aws:SourceOwner", account))}, want: map[string]any{"policy_public": false}},
		"a refused policy leaves it open":  {resources: []*posture.Resource{topic("", "policy")}, want: map[string]any{"policy_public": "unread: read policy"}},
		"a policy that cannot be read":     {resources: []*posture.Resource{topic("{")}, want: map[string]any{"policy_public": "unread: SNS.GetTopicAttributes"}},
		"an alarm goes to it":              {resources: []*posture.Resource{topic(openToAll), alarm(id)}, want: map[string]any{"alarm_target": true}},
		"the alarms go elsewhere":          {resources: []*posture.Resource{topic(openToAll), alarm("arn:aws:sns:eu-west-1:111122223333:other")}, want: map[string]any{"alarm_target": false}},
		"an alarm's actions were refused":  {resources: []*posture.Resource{topic(openToAll), alarm("", "alarm_actions")}, want: map[string]any{"alarm_target": "unread: read alarm_actions"}},
		"unread alarms leave it open":      {refused: []*posture.Type{schema.AlarmType}, resources: []*posture.Resource{topic(openToAll)}, want: map[string]any{"alarm_target": "unread: list aws.cloudwatch.alarm"}},
		"alarms of another region do not":  {abroad: []*posture.Type{schema.AlarmType}, resources: []*posture.Resource{topic(openToAll)}, want: map[string]any{"alarm_target": false}},
		"an alarm to a topic that is read": {resources: []*posture.Resource{alarm(id), topic(openToAll)}, want: map[string]any{"notifies": true}},
		"an alarm to a deleted topic":      {resources: []*posture.Resource{alarm("arn:aws:sns:eu-west-1:111122223333:gone"), topic(openToAll)}, want: map[string]any{"notifies": false}},
		"an alarm, subscribers refused": {
			resources: []*posture.Resource{alarm(id), topic(openToAll, "confirmed_subscriptions")}, want: map[string]any{"notifies": "unread: read confirmed_subscriptions"},
		},
		"an alarm, topics unread": {
			refused: []*posture.Type{schema.TopicType}, resources: []*posture.Resource{alarm(id)}, want: map[string]any{"notifies": "unread: list aws.sns.topic"},
		},
	})
}

func TestQueues(t *testing.T) {
	queue := func(name, redrive string, refused ...string) *posture.Resource {
		return resource(schema.QueueType, "arn:aws:sqs:eu-west-1:111122223333:"+name, &schema.Queue{RedriveTargetARN: redrive}, refused...)
	}
	const lost = "arn:aws:sqs:eu-west-1:111122223333:lost"
	check(t, map[string]derivation{
		"no policy is not public":   {resources: []*posture.Resource{queue("lost", "")}, want: map[string]any{"policy_public": false, "is_dead_letter_queue": false}},
		"another queue sends here":  {resources: []*posture.Resource{queue("lost", ""), queue("orders", lost)}, want: map[string]any{"is_dead_letter_queue": true}},
		"its own target is not one": {resources: []*posture.Resource{queue("lost", lost)}, want: map[string]any{"is_dead_letter_queue": false}},
		"another queue was refused": {
			resources: []*posture.Resource{queue("lost", ""), queue("orders", "", "redrive_target_arn")}, want: map[string]any{"is_dead_letter_queue": "unread: read redrive_target_arn"},
		},
	})
}

func TestSecrets(t *testing.T) {
	secret := func(primary, policy string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.SecretType, "secret", &schema.Secret{PrimaryRegion: primary, ResourcePolicy: policy}, refused...)}
	}
	check(t, map[string]derivation{
		"not replicated":                  {resources: secret("", ""), want: map[string]any{"is_replica": false, "policy_public": false}},
		"the primary itself":              {resources: secret("eu-west-1", ""), want: map[string]any{"is_replica": false}},
		"a replica of another region's":   {resources: secret("us-east-1", ""), want: map[string]any{"is_replica": true}},
		"a policy for everyone":           {resources: secret("", openToAll), want: map[string]any{"policy_public": true}},
		"a policy for the organization":   {resources: secret("", within("aws:PrincipalOrgID", "o-1")), want: map[string]any{"policy_public": false}},
		"a refused policy leaves it open": {resources: secret("", "", "resource_policy"), want: map[string]any{"policy_public": "unread: read resource_policy", "is_replica": false}},
	})
}
