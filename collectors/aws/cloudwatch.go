package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func cloudwatchReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{alarms} }

var alarms = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AlarmType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CloudWatch.DescribeAlarms", Permission: "cloudwatch:DescribeAlarms", Body: collectors.Store},
	},
	Collect: collectAlarms,
}

// collectAlarms asks for every kind of alarm: without being asked, CloudWatch tells of metric alarms only.
func collectAlarms(ctx context.Context, c *client, emit collectors.Emit) error {
	list := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(c.config), &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm, types.AlarmTypeLogAlarm},
		MaxRecords: sdk.Int32(100),
	})
	err := pages(ctx, list, func(page *cloudwatch.DescribeAlarmsOutput) error {
		for _, a := range page.MetricAlarms {
			alarm := newAlarm("MetricAlarm", a.AlarmName, a.StateValue, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
			alarm.Namespace, alarm.MetricName = sdk.ToString(a.Namespace), sdk.ToString(a.MetricName)
			alarm.Metrics = watchedMetrics(c.account, a)
			emitAlarm(alarm, a.AlarmArn, a.ActionsEnabled, emit)
		}
		for _, a := range page.CompositeAlarms {
			alarm := newAlarm("CompositeAlarm", a.AlarmName, a.StateValue, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
			emitAlarm(alarm, a.AlarmArn, a.ActionsEnabled, emit)
		}
		for _, a := range page.LogAlarms {
			alarm := newAlarm("LogAlarm", a.AlarmName, a.StateValue, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
			emitAlarm(alarm, a.AlarmArn, a.ActionsEnabled, emit)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list alarms: %w", err)
	}
	return nil
}

func newAlarm(kind string, name *string, state types.StateValue, onAlarm, onOK, onInsufficient []string) *schema.Alarm {
	return &schema.Alarm{
		Meta:                    posture.Meta{Name: sdk.ToString(name)},
		AlarmType:               kind,
		State:                   string(state),
		AlarmActions:            onAlarm,
		OKActions:               onOK,
		InsufficientDataActions: onInsufficient,
		ActionCount:             int64(len(onAlarm) + len(onOK) + len(onInsufficient)),
	}
}

func emitAlarm(alarm *schema.Alarm, id *string, enabled *bool, emit collectors.Emit) {
	a := &answer{service: cloudwatch.ServiceID, operation: "DescribeAlarms"}
	alarm.ActionsEnabled = required(a, "actions_enabled", enabled)
	emit(sdk.ToString(id), alarm, append(a.gaps, collectors.NotCollected("tags"))...)
}

// watchedMetrics lists the alarm's own metric, or those its expression is built from. Metrics of other accounts are left out.
func watchedMetrics(account string, a types.MetricAlarm) []schema.Metric {
	var out []schema.Metric
	if a.MetricName != nil {
		out = append(out, schema.Metric{Namespace: sdk.ToString(a.Namespace), Name: sdk.ToString(a.MetricName)})
	}
	for _, query := range a.Metrics {
		if query.MetricStat == nil || query.MetricStat.Metric == nil || query.AccountId != nil && *query.AccountId != account {
			continue
		}
		m := query.MetricStat.Metric
		out = append(out, schema.Metric{Namespace: sdk.ToString(m.Namespace), Name: sdk.ToString(m.MetricName)})
	}
	return out
}
