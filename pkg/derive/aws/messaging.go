package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// topics: who may publish and subscribe, and which alarms they carry.
func topics(inv *derive.Inventory) {
	alarms := derive.ByEach(derive.Of[schema.Alarm](inv, schema.AlarmType), "alarm_actions",
		func(a derive.Item[schema.Alarm]) []string { return a.V.AlarmActions })
	for _, t := range derive.Of[schema.Topic](inv, schema.TopicType).Items {
		derive.Set(t, "policy_public", &t.V.PolicyPublic,
			public(derive.Read(t, "policy", t.V.Policy), "SNS.GetTopicAttributes", iampolicy.MessagingLimits()))
		derive.Set(t, "alarm_target", &t.V.AlarmTarget, derive.Exists(alarms.All(t.ID).In(t.Region), whichever))
	}
}

// queues: who may send and receive, and which take what others could not deliver.
func queues(inv *derive.Inventory) {
	all := derive.Of[schema.Queue](inv, schema.QueueType)
	sources := derive.ByRead(all, "redrive_target_arn", func(q derive.Item[schema.Queue]) string { return q.V.RedriveTargetARN })
	for _, q := range all.Items {
		derive.Set(q, "policy_public", &q.V.PolicyPublic,
			public(derive.Read(q, "policy", q.V.Policy), "SQS.GetQueueAttributes", iampolicy.MessagingLimits()))
		others := sources.All(q.ID).In(q.Region).Where(func(other derive.Item[schema.Queue]) bool { return other.ID != q.ID })
		derive.Set(q, "is_dead_letter_queue", &q.V.IsDeadLetterQueue, derive.Exists(others, whichever))
	}
}
