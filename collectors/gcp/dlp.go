package gcp

import (
	"context"
	"errors"
	"fmt"
	"path"

	"google.golang.org/api/dlp/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var discoveryConfigs = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DiscoveryConfigType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "dlp.organizations.locations.discoveryConfigs.list", Permission: "dlp.jobTriggers.list", Body: collectors.Store},
	},
	Collect: collectDiscoveryConfigs,
}

// collectDiscoveryConfigs reads each location by itself: there is neither a call for all of them nor one that lists them.
func collectDiscoveryConfigs(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := dlp.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	var failed []error
	for _, location := range c.discovery {
		list := api.Organizations.Locations.DiscoveryConfigs.List(c.organization + "/locations/" + location).PageSize(1000)
		err := list.Pages(ctx, func(page *dlp.GooglePrivacyDlpV2ListDiscoveryConfigsResponse) error {
			for _, d := range page.DiscoveryConfigs {
				out := schema.DiscoveryConfig{
					Meta:   posture.Meta{Name: d.DisplayName, CreatedAt: timestamp(d.CreateTime)},
					Status: d.Status, LastRunTime: timestamp(d.LastRunTime), Targets: []string{},
				}
				for _, t := range d.Targets {
					out.Targets = append(out.Targets, discoveryTarget(t))
				}
				emit("discoveryConfigs/"+path.Base(d.Name), collectors.In(location, &out))
			}
			return nil
		})
		if err != nil {
			failed = append(failed, collectors.IncompleteIn(location, schema.DiscoveryConfigType, fmt.Errorf("list discovery in %s: %w", location, err)))
		}
	}
	return errors.Join(failed...)
}

func discoveryTarget(t *dlp.GooglePrivacyDlpV2DiscoveryTarget) string {
	switch {
	case t.BigQueryTarget != nil:
		return "bigquery"
	case t.CloudSqlTarget != nil:
		return "cloud_sql"
	case t.CloudStorageTarget != nil:
		return "cloud_storage"
	case t.SecretsTarget != nil:
		return "secrets"
	case t.VertexDatasetTarget != nil:
		return "vertex_dataset"
	case t.OtherCloudTarget != nil:
		return "other_cloud"
	}
	return "other"
}
