package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestFunctions(t *testing.T) {
	function := func(policy string, refused ...string) *posture.Resource {
		return resource(schema.FunctionType, "function", &schema.Function{Policy: policy, SubnetIDs: []string{"subnet-1", "subnet-2"}}, refused...)
	}
	subnet := func(id, zone string, refused ...string) *posture.Resource {
		return resource(schema.SubnetType, id, &schema.Subnet{AvailabilityZone: zone}, refused...)
	}
	check(t, map[string]derivation{
		"two zones": {
			resources: []*posture.Resource{function(""), subnet("subnet-1", "eu-west-1a"), subnet("subnet-2", "eu-west-1b")},
			want:      map[string]any{"policy_public": false, "subnet_zone_count": int64(2)},
		},
		"two subnets of one zone": {
			resources: []*posture.Resource{function(""), subnet("subnet-1", "eu-west-1a"), subnet("subnet-2", "eu-west-1a")},
			want:      map[string]any{"subnet_zone_count": int64(1)},
		},
		"a zone was refused": {
			resources: []*posture.Resource{function(""), subnet("subnet-1", "eu-west-1a"), subnet("subnet-2", "", "availability_zone")},
			want:      map[string]any{"subnet_zone_count": "unread: read availability_zone"},
		},
		"subnets unread": {
			refused: []*posture.Type{schema.SubnetType}, resources: []*posture.Resource{function("")},
			want: map[string]any{"subnet_zone_count": "unread: list aws.ec2.subnet"},
		},
		"everyone may invoke":       {resources: []*posture.Resource{function(openToAll)}, want: map[string]any{"policy_public": true}},
		"one account's events may":  {resources: []*posture.Resource{function(within("aws:SourceAccount", account))}, want: map[string]any{"policy_public": false}},
		"an event source's token":   {resources: []*posture.Resource{function(within("lambda:EventSourceToken", "amzn1.ask.skill.1"))}, want: map[string]any{"policy_public": false}},
		"the policy was refused":    {resources: []*posture.Resource{function("", "policy")}, want: map[string]any{"policy_public": "unread: read policy"}},
		"a condition that is empty": {resources: []*posture.Resource{function(within("aws:SourceAccount", "*"))}, want: map[string]any{"policy_public": true}},
	})
}

func TestTables(t *testing.T) {
	table := func(policy string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.TableType, "table", &schema.Table{ResourcePolicy: policy}, refused...)}
	}
	check(t, map[string]derivation{
		"no policy":              {resources: table(""), want: map[string]any{"policy_public": false}},
		"everyone may read":      {resources: table(openToAll), want: map[string]any{"policy_public": true}},
		"the policy was refused": {resources: table("", "resource_policy"), want: map[string]any{"policy_public": "unread: read resource_policy"}},
	})
}

func TestDistributions(t *testing.T) {
	distribution := func(log schema.DistributionLogging, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.DistributionType, "distribution", &schema.Distribution{Logging: log}, refused...)}
	}
	check(t, map[string]derivation{
		"nothing is logged":                   {resources: distribution(schema.DistributionLogging{}), want: map[string]any{"logging.enabled": false}},
		"to a bucket":                         {resources: distribution(schema.DistributionLogging{StandardBucket: "logs"}), want: map[string]any{"logging.enabled": true}},
		"in real time":                        {resources: distribution(schema.DistributionLogging{RealtimeConfigARN: "arn"}), want: map[string]any{"logging.enabled": true}},
		"by a delivery, whatever was refused": {resources: distribution(schema.DistributionLogging{V2Delivery: true}, "logging.standard_bucket"), want: map[string]any{"logging.enabled": true}},
		"deliveries were refused":             {resources: distribution(schema.DistributionLogging{}, "logging.v2_delivery"), want: map[string]any{"logging.enabled": "unread: read logging.v2_delivery"}},
	})
}

func TestManagedInstances(t *testing.T) {
	agent := func(status string, refused ...string) *posture.Resource {
		return resource(schema.ManagedInstanceType, "agent", &schema.ManagedInstance{InstanceID: "i-1", PingStatus: status}, refused...)
	}
	alone := func() *posture.Resource { return resource(schema.EC2InstanceType, "i-1", &schema.EC2Instance{}) }
	check(t, map[string]derivation{
		"its agent answers":          {resources: []*posture.Resource{alone(), agent("Online")}, want: map[string]any{"ssm_managed": true}},
		"its agent is silent":        {resources: []*posture.Resource{alone(), agent("ConnectionLost")}, want: map[string]any{"ssm_managed": false}},
		"no agent":                   {resources: []*posture.Resource{alone()}, want: map[string]any{"ssm_managed": false}},
		"the status was refused":     {resources: []*posture.Resource{alone(), agent("", "ping_status")}, want: map[string]any{"ssm_managed": "unread: read ping_status"}},
		"the agents were not listed": {refused: []*posture.Type{schema.ManagedInstanceType}, resources: []*posture.Resource{alone()}, want: map[string]any{"ssm_managed": "unread: list aws.ssm.managed_instance"}},
	})
}
