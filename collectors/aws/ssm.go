package aws

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func ssmReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{managedInstances, documents}
}

var managedInstances = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ManagedInstanceType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SSM.DescribeInstanceInformation", Permission: "ssm:DescribeInstanceInformation", Body: collectors.Store},
		{Name: "SSM.ListResourceComplianceSummaries", Permission: "ssm:ListResourceComplianceSummaries", Body: collectors.Store},
	},
	Collect: collectManagedInstances,
}

func collectManagedInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ssm.NewFromConfig(c.config)
	type key struct{ instance, kind string }
	summaries := map[key]types.ResourceComplianceSummaryItem{}
	list := ssm.NewListResourceComplianceSummariesPaginator(api, &ssm.ListResourceComplianceSummariesInput{MaxResults: sdk.Int32(50)})
	unlisted := pages(ctx, list, func(page *ssm.ListResourceComplianceSummariesOutput) error {
		for _, s := range page.ResourceComplianceSummaryItems {
			summaries[key{sdk.ToString(s.ResourceId), sdk.ToString(s.ComplianceType)}] = s
		}
		return nil
	})
	instances := ssm.NewDescribeInstanceInformationPaginator(api, &ssm.DescribeInstanceInformationInput{MaxResults: sdk.Int32(50)})
	err := pages(ctx, instances, func(page *ssm.DescribeInstanceInformationOutput) error {
		for _, i := range page.InstanceInformationList {
			a := &answer{service: ssm.ServiceID, operation: "DescribeInstanceInformation", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
			id := sdk.ToString(i.InstanceId)
			patches := summaries[key{id, "Patch"}]
			instance := &schema.ManagedInstance{
				Meta:                  posture.Meta{Name: id, CreatedAt: posture.FromPtr(i.RegistrationDate)},
				InstanceID:            id,
				PingStatus:            string(i.PingStatus),
				PlatformType:          string(i.PlatformType),
				AgentIsLatest:         sdk.ToBool(i.IsLatestVersion), // left out for other agents than Linux's
				PatchCompliance:       string(patches.Status),
				AssociationCompliance: string(summaries[key{id, "Association"}].Status),
			}
			if patches.NonCompliantSummary != nil && patches.NonCompliantSummary.SeveritySummary != nil {
				instance.PatchNoncompliantCritical = int64(patches.NonCompliantSummary.SeveritySummary.CriticalCount)
			}
			if unlisted != nil {
				a.gaps = append(a.gaps, collectors.Unread(unlisted, "patch_compliance", "patch_noncompliant_critical", "association_compliance"))
			}
			if instance.PingStatus == "" {
				a.gaps = append(a.gaps, collectors.Unread(a.lacks("PingStatus"), "ping_status"))
			}
			emit(c.arn("ssm", "managed-instance/"+id), instance, a.gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list managed instances: %w", err)
	}
	return nil
}

var documents = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DocumentType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SSM.ListDocuments", Permission: "ssm:ListDocuments", Body: collectors.Store},
		{Name: "SSM.DescribeDocumentPermission", Permission: "ssm:DescribeDocumentPermission", Body: collectors.Store},
	},
	Collect: collectDocuments,
}

func collectDocuments(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ssm.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := ssm.NewListDocumentsPaginator(api, &ssm.ListDocumentsInput{
		MaxResults: sdk.Int32(50), Filters: []types.DocumentKeyValuesFilter{{Key: sdk.String("Owner"), Values: []string{"Self"}}},
	})
	err := pages(ctx, list, func(page *ssm.ListDocumentsOutput) error {
		for _, d := range page.DocumentIdentifiers {
			group.Go(func() error {
				document := &schema.Document{
					Meta:         posture.Meta{Name: sdk.ToString(d.Name), CreatedAt: posture.FromPtr(d.CreatedDate), Tags: map[string]string{}},
					DocumentType: string(d.DocumentType),
				}
				for _, t := range d.Tags {
					document.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
				}
				var gaps []collectors.Gap
				var err error
				if document.Public, err = sharedWithAll(ctx, api, d.Name); err != nil {
					gaps = append(gaps, collectors.Unread(err, "public"))
				}
				emit(c.arn("ssm", "document/"+document.Name), document, gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // refused permissions are gaps
	if err != nil {
		return fmt.Errorf("list documents: %w", err)
	}
	return nil
}

// sharedWithAll pages by itself: the SDK has no paginator for the permissions of a document.
func sharedWithAll(ctx context.Context, api *ssm.Client, name *string) (bool, error) {
	input := &ssm.DescribeDocumentPermissionInput{Name: name, PermissionType: types.DocumentPermissionTypeShare, MaxResults: sdk.Int32(200)}
	for {
		page, err := api.DescribeDocumentPermission(ctx, input)
		switch {
		case err != nil:
			return false, err
		case slices.Contains(page.AccountIds, "all"):
			return true, nil
		case sdk.ToString(page.NextToken) == "":
			return false, nil
		}
		input.NextToken = page.NextToken
	}
}
