package aws

import (
	"context"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func securityhubReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{securityHubStatus}
}

var securityHubStatus = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecurityHubStatusType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SecurityHub.DescribeHub", Permission: "securityhub:DescribeHub", Body: collectors.Store},
		{Name: "SecurityHub.GetEnabledStandards", Permission: "securityhub:GetEnabledStandards", Body: collectors.Store},
		{Name: "SecurityHub.ListEnabledProductsForImport", Permission: "securityhub:ListEnabledProductsForImport", Body: collectors.Store},
	},
	Collect: collectSecurityHubStatus,
}

// collectSecurityHubStatus asks for standards and products only where a hub is, or may be.
func collectSecurityHubStatus(ctx context.Context, c *client, emit collectors.Emit) error {
	api := securityhub.NewFromConfig(c.config)
	status := &schema.SecurityHubStatus{Meta: posture.Meta{Name: c.region}}
	a := &answer{service: securityhub.ServiceID, operation: "DescribeHub", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	hub, err := api.DescribeHub(ctx, &securityhub.DescribeHubInput{})
	switch {
	case notSubscribed(err):
		emit(c.region, status, a.gaps...)
		return nil
	case err != nil:
		a.gaps = append(a.gaps, collectors.Unread(err, "enabled", "auto_enable_controls", "created_at"))
	default:
		status.Enabled = true
		status.AutoEnableControls = required(a, "auto_enable_controls", hub.AutoEnableControls)
		if at, err := time.Parse(time.RFC3339, sdk.ToString(hub.SubscribedAt)); err == nil {
			status.CreatedAt = posture.Some(at)
		}
	}

	standards := securityhub.NewGetEnabledStandardsPaginator(api, &securityhub.GetEnabledStandardsInput{MaxResults: sdk.Int32(100)})
	if err := pages(ctx, standards, func(page *securityhub.GetEnabledStandardsOutput) error {
		for _, s := range page.StandardsSubscriptions {
			if s.StandardsStatus == types.StandardsStatusReady || s.StandardsStatus == types.StandardsStatusIncomplete {
				status.EnabledStandards = append(status.EnabledStandards, sdk.ToString(s.StandardsArn))
			}
		}
		return nil
	}); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "enabled_standards"))
	}

	products := securityhub.NewListEnabledProductsForImportPaginator(api, &securityhub.ListEnabledProductsForImportInput{MaxResults: sdk.Int32(100)})
	if err := pages(ctx, products, func(page *securityhub.ListEnabledProductsForImportOutput) error {
		status.EnabledProducts = append(status.EnabledProducts, page.ProductSubscriptions...)
		return nil
	}); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "enabled_products"))
	}
	emit(c.region, status, a.gaps...)
	return nil
}

// notSubscribed reports whether the error says that the account has no hub in the region. InvalidAccessException is also
// how Security Hub refuses a caller, so its text decides; a text not known here leaves the state unread.
func notSubscribed(err error) bool {
	return hasCode(err, "ResourceNotFoundException") ||
		hasCode(err, "InvalidAccessException") && strings.Contains(err.Error(), "not subscribed")
}
