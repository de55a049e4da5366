package gcp

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/api/securitycenter/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var securitySources = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecuritySourceType},
	Operations: []collectors.Operation{
		{Name: "securitycenter.organizations.sources.list", Permission: "securitycenter.sources.list", Body: collectors.Store},
	},
	Collect: collectSecuritySources,
}

func collectSecuritySources(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := securitycenter.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Organizations.Sources.List(c.organization).PageSize(1000).Pages(ctx, func(page *securitycenter.ListSourcesResponse) error {
		for _, s := range page.Sources {
			emit(strings.TrimPrefix(s.Name, c.organization+"/"), &schema.SecuritySource{Meta: posture.Meta{Name: s.DisplayName}, DisplayName: s.DisplayName})
		}
		return nil
	})
	if err != nil && !neverSetUp(err) {
		return fmt.Errorf("list sources: %w", err)
	}
	return nil
}

var securityFindings = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecurityFindingType},
	Operations: []collectors.Operation{
		{Name: "securitycenter.organizations.sources.findings.list", Permission: "securitycenter.findings.list", Body: collectors.Store},
	},
	Collect: collectSecurityFindings,
}

// openFindings leaves out what is muted, done with or not grave: there may be millions of these.
const openFindings = `state="ACTIVE" AND NOT mute="MUTED" AND (severity="CRITICAL" OR severity="HIGH")`

func collectSecurityFindings(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := securitycenter.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list := api.Organizations.Sources.Findings.List(c.organization + "/sources/-").Filter(openFindings).PageSize(1000)
	err = list.Pages(ctx, func(page *securitycenter.ListFindingsResponse) error {
		for _, result := range page.ListFindingsResults {
			f := result.Finding
			if f == nil {
				continue
			}
			emit(strings.TrimPrefix(f.Name, c.organization+"/"), &schema.SecurityFinding{
				Meta:     posture.Meta{Name: f.Category, CreatedAt: timestamp(f.CreateTime)},
				Category: f.Category, ResourceName: f.ResourceName, State: f.State, Severity: f.Severity, Mute: f.Mute, FindingClass: f.FindingClass,
				CreateTime: timestamp(f.CreateTime), EventTime: timestamp(f.EventTime),
			})
		}
		return nil
	})
	if err != nil && !neverSetUp(err) {
		return fmt.Errorf("list findings: %w", err)
	}
	return nil
}
