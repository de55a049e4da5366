package gcp

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/logging/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// logPage is the most that a list of Cloud Logging returns at once.
const logPage = 1000

var logSinks = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.LogSinkType},
	Operations: []collectors.Operation{{Name: "logging.projects.sinks.list", Permission: "logging.sinks.list", Body: collectors.Store}},
	Collect:    collectSinks,
}

var organizationSinks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogSinkType},
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.folders.search", Permission: "resourcemanager.folders.get", Body: collectors.Store},
		{Name: "logging.organizations.sinks.list", Permission: "logging.sinks.list", Body: collectors.Store},
		{Name: "logging.folders.sinks.list", Permission: "logging.sinks.list", Body: collectors.Store},
	},
	Collect: collectSinks,
}

// collectSinks reads the sinks of the project, or of the organization and each of its folders.
func collectSinks(ctx context.Context, c *client, emit collectors.Emit) error {
	return c.eachSink(ctx, func(parent string, s *logging.LogSink) {
		out := schema.LogSink{
			Meta: posture.Meta{Name: s.Name, CreatedAt: timestamp(s.CreateTime)}, Parent: parent, Destination: s.Destination,
			Filter: s.Filter, Disabled: s.Disabled, IncludeChildren: s.IncludeChildren, InterceptChildren: s.InterceptChildren,
			Exclusions: []schema.LogExclusion{}, IsSystem: s.Name == "_Required" || s.Name == "_Default",
		}
		out.DestinationBucket, _ = strings.CutPrefix(s.Destination, "storage.googleapis.com/")
		if out.DestinationBucket == s.Destination {
			out.DestinationBucket = ""
		}
		for _, e := range s.Exclusions {
			out.Exclusions = append(out.Exclusions, schema.LogExclusion{Name: e.Name, Filter: e.Filter, Disabled: e.Disabled})
		}
		emit(parent+"/sinks/"+s.Name, &out)
	})
}

// eachSink calls f for the sinks of every node that is read.
func (c *client) eachSink(ctx context.Context, f func(parent string, s *logging.LogSink)) error {
	api, err := logging.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	return c.eachNode(ctx, func(node string) error {
		take := func(page *logging.ListSinksResponse) error {
			for _, s := range page.Sinks {
				f(node, s)
			}
			return nil
		}
		var err error
		switch {
		case strings.HasPrefix(node, "projects/"):
			err = api.Projects.Sinks.List(node).PageSize(logPage).Pages(ctx, take)
		case strings.HasPrefix(node, "folders/"):
			err = api.Folders.Sinks.List(node).PageSize(logPage).Pages(ctx, take)
		default:
			err = api.Organizations.Sinks.List(node).PageSize(logPage).Pages(ctx, take)
		}
		if err != nil {
			return fmt.Errorf("list sinks of %s: %w", node, err)
		}
		return nil
	})
}

// eachNode calls f for the project, or for the organization and each of its folders. One that fails does not keep it from the
// others.
func (c *client) eachNode(ctx context.Context, f func(node string) error) error {
	errs := []error{f(c.node)}
	if c.organization != "" {
		folders, err := ownFolders(ctx, c)
		for _, folder := range folders {
			errs = append(errs, f("folders/"+path.Base(folder.Name)))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

var logBuckets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogBucketType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "logging.projects.locations.buckets.list", Permission: "logging.buckets.list", Body: collectors.Store},
	},
	Collect: collectLogBuckets,
}

var organizationLogBuckets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogBucketType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.folders.search", Permission: "resourcemanager.folders.get", Body: collectors.Store},
		{Name: "logging.organizations.locations.buckets.list", Permission: "logging.buckets.list", Body: collectors.Store},
		{Name: "logging.folders.locations.buckets.list", Permission: "logging.buckets.list", Body: collectors.Store},
	},
	Collect: collectLogBuckets,
}

// collectLogBuckets reads the log buckets of the project, or of the organization and each of its folders, wherever they lie.
func collectLogBuckets(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := logging.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	return c.eachNode(ctx, func(node string) error {
		everywhere := node + "/locations/-"
		take := func(page *logging.ListBucketsResponse) error {
			for _, b := range page.Buckets {
				out := newLogBucket(node, b)
				emit(b.Name, collectors.In(out.Location, &out))
			}
			return nil
		}
		var err error
		switch {
		case strings.HasPrefix(node, "projects/"):
			err = api.Projects.Locations.Buckets.List(everywhere).PageSize(logPage).Pages(ctx, take)
		case strings.HasPrefix(node, "folders/"):
			err = api.Folders.Locations.Buckets.List(everywhere).PageSize(logPage).Pages(ctx, take)
		default:
			err = api.Organizations.Locations.Buckets.List(everywhere).PageSize(logPage).Pages(ctx, take)
		}
		if err != nil {
			return fmt.Errorf("list log buckets of %s: %w", node, err)
		}
		return nil
	})
}

func newLogBucket(parent string, b *logging.LogBucket) schema.LogBucket {
	out := schema.LogBucket{
		Meta: posture.Meta{CreatedAt: timestamp(b.CreateTime)}, Parent: parent,
		RetentionDays: b.RetentionDays, Locked: b.Locked, LifecycleState: b.LifecycleState,
	}
	if parts := strings.Split(b.Name, "/"); len(parts) >= 6 { // projects/acme/locations/global/buckets/_Default
		out.Location, out.BucketID = parts[3], parts[5]
	}
	out.Name = out.BucketID
	if b.CmekSettings != nil {
		out.KMSKeyName = b.CmekSettings.KmsKeyName
	}
	return out
}

var logMetrics = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.LogMetricType},
	Operations: []collectors.Operation{{Name: "logging.projects.metrics.list", Permission: "logging.logMetrics.list", Body: collectors.Store}},
	Collect: func(ctx context.Context, c *client, emit collectors.Emit) error {
		return collectLogMetrics(ctx, c, c.project, emit)
	},
}

func collectLogMetrics(ctx context.Context, c *client, project string, emit collectors.Emit) error {
	api, err := logging.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	parent := "projects/" + project
	err = api.Projects.Metrics.List(parent).PageSize(logPage).Pages(ctx, func(page *logging.ListLogMetricsResponse) error {
		for _, m := range page.Metrics {
			emit(parent+"/metrics/"+m.Name, &schema.LogMetric{
				Meta:      posture.Meta{Name: m.Name, CreatedAt: timestamp(m.CreateTime)},
				ProjectID: project, Filter: m.Filter, Disabled: m.Disabled, BucketName: m.BucketName,
			})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list log-based metrics of %s: %w", project, err)
	}
	return nil
}

// centralAlerts reads, for an organization, what alerts there are in the projects that its sinks bring log entries to: they may
// be about every project.
var centralAlerts = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.LogMetricType, schema.AlertPolicyType, schema.NotificationChannelType},
	Operations: slices.Concat(organizationSinks.Operations, logMetrics.Operations, alertPolicies.Operations, notificationChannels.Operations),
	Collect:    collectCentralAlerts,
}

func collectCentralAlerts(ctx context.Context, c *client, emit collectors.Emit) error {
	var projects []string
	err := c.eachSink(ctx, func(_ string, s *logging.LogSink) {
		if path, ok := strings.CutPrefix(s.Destination, "logging.googleapis.com/projects/"); ok {
			project, _, _ := strings.Cut(path, "/")
			projects = append(projects, project)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(projects)
	var errs []error
	for _, project := range slices.Compact(projects) {
		errs = append(errs,
			collectors.Incomplete(schema.LogMetricType, collectLogMetrics(ctx, c, project, emit)),
			collectors.Incomplete(schema.AlertPolicyType, collectAlertPolicies(ctx, c, project, emit)),
			collectors.Incomplete(schema.NotificationChannelType, collectNotificationChannels(ctx, c, project, emit)))
	}
	return errors.Join(errs...)
}
