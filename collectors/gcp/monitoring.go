package gcp

import (
	"context"
	"fmt"
	"path"
	"slices"

	monitoringv1 "google.golang.org/api/monitoring/v1"
	"google.golang.org/api/monitoring/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var alertPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AlertPolicyType},
	Operations: []collectors.Operation{
		{Name: "monitoring.projects.alertPolicies.list", Permission: "monitoring.alertPolicies.list", Body: collectors.Store},
	},
	Collect: func(ctx context.Context, c *client, emit collectors.Emit) error {
		return collectAlertPolicies(ctx, c, c.project, emit)
	},
}

func collectAlertPolicies(ctx context.Context, c *client, project string, emit collectors.Emit) error {
	api, err := monitoring.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Projects.AlertPolicies.List("projects/"+project).PageSize(1000).Pages(ctx, func(page *monitoring.ListAlertPoliciesResponse) error {
		for _, p := range page.AlertPolicies {
			emit(p.Name, newAlertPolicy(project, p))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list alert policies of %s: %w", project, err)
	}
	return nil
}

// newAlertPolicy: a list always says whether a policy is enabled, so that what is not there is false.
func newAlertPolicy(project string, p *monitoring.AlertPolicy) *schema.AlertPolicy {
	out := &schema.AlertPolicy{
		Meta: posture.Meta{Name: p.DisplayName, Tags: p.UserLabels}, ProjectID: project,
		Enabled: p.Enabled, Valid: p.Validity == nil || p.Validity.Code == 0, Combiner: p.Combiner,
		NotificationChannels: append([]string{}, p.NotificationChannels...), Conditions: []schema.AlertCondition{}, LogFilters: []string{},
	}
	if p.CreationRecord != nil {
		out.CreatedAt = timestamp(p.CreationRecord.MutateTime)
	}
	slices.Sort(out.NotificationChannels)
	for _, c := range p.Conditions {
		condition := schema.AlertCondition{Name: c.Name, Kind: "other"}
		switch {
		case c.ConditionThreshold != nil:
			condition.Kind, condition.Query = "threshold", c.ConditionThreshold.Filter
		case c.ConditionAbsent != nil:
			condition.Kind, condition.Query = "absence", c.ConditionAbsent.Filter
		case c.ConditionMatchedLog != nil:
			condition.Kind, condition.Query = "log", c.ConditionMatchedLog.Filter
			out.LogFilters = append(out.LogFilters, condition.Query)
		case c.ConditionMonitoringQueryLanguage != nil:
			condition.Kind, condition.Query = "mql", c.ConditionMonitoringQueryLanguage.Query
		case c.ConditionPrometheusQueryLanguage != nil:
			condition.Kind, condition.Query = "promql", c.ConditionPrometheusQueryLanguage.Query
		case c.ConditionSql != nil:
			condition.Kind, condition.Query = "sql", c.ConditionSql.Query
		}
		out.Conditions = append(out.Conditions, condition)
	}
	slices.Sort(out.LogFilters)
	return out
}

var notificationChannels = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.NotificationChannelType},
	Operations: []collectors.Operation{
		// The labels hold addresses, numbers and tokens; the display name is often one of them.
		{Name: "monitoring.projects.notificationChannels.list", Permission: "monitoring.notificationChannels.list", Body: collectors.Digest},
	},
	Collect: func(ctx context.Context, c *client, emit collectors.Emit) error {
		return collectNotificationChannels(ctx, c, c.project, emit)
	},
}

func collectNotificationChannels(ctx context.Context, c *client, project string, emit collectors.Emit) error {
	api, err := monitoring.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list := api.Projects.NotificationChannels.List("projects/" + project).PageSize(1000)
	err = list.Pages(ctx, func(page *monitoring.ListNotificationChannelsResponse) error {
		for _, n := range page.NotificationChannels {
			out := &schema.NotificationChannel{
				Meta: posture.Meta{Name: path.Base(n.Name)}, ChannelType: n.Type, Enabled: n.Enabled, VerificationStatus: n.VerificationStatus,
			}
			if out.VerificationStatus == "VERIFICATION_STATUS_UNSPECIFIED" {
				out.VerificationStatus = ""
			}
			if n.CreationRecord != nil {
				out.CreatedAt = timestamp(n.CreationRecord.MutateTime)
			}
			emit(n.Name, out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list notification channels of %s: %w", project, err)
	}
	return nil
}

var metricsScopes = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MetricsScopeType},
	Operations: []collectors.Operation{{
		Name:       "monitoring.locations.global.metricsScopes.listMetricsScopesByMonitoredProject",
		Permission: "resourcemanager.projects.get", Body: collectors.Store,
	}},
	Collect: collectMetricsScopes,
}

func collectMetricsScopes(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := monitoringv1.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list, err := api.Locations.Global.MetricsScopes.ListMetricsScopesByMonitoredProject().MonitoredResourceContainer(c.node).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("list metrics scopes: %w", err)
	}
	for _, s := range list.MetricsScopes {
		number := path.Base(s.Name)
		emit(s.Name, &schema.MetricsScope{
			Meta:           posture.Meta{Name: number, CreatedAt: timestamp(s.CreateTime)},
			ScopingProject: number, Own: number == c.number,
		})
	}
	return nil
}
