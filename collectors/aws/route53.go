package aws

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func route53Readers() []collectors.Reader[*client] { return []collectors.Reader[*client]{hostedZones} }

var hostedZones = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.HostedZoneType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "Route53.ListHostedZones", Permission: "route53:ListHostedZones", Body: collectors.Store},
		{Name: "Route53.ListQueryLoggingConfigs", Permission: "route53:ListQueryLoggingConfigs", Body: collectors.Store},
	},
	Collect: collectHostedZones,
}

func collectHostedZones(ctx context.Context, c *client, emit collectors.Emit) error {
	api := route53.NewFromConfig(c.config)
	groups := map[string]string{} // by zone
	unlisted := pages(ctx, route53.NewListQueryLoggingConfigsPaginator(api, &route53.ListQueryLoggingConfigsInput{MaxResults: sdk.Int32(100)}),
		func(page *route53.ListQueryLoggingConfigsOutput) error {
			for _, q := range page.QueryLoggingConfigs {
				groups[sdk.ToString(q.HostedZoneId)] = sdk.ToString(q.CloudWatchLogsLogGroupArn)
			}
			return nil
		})
	list := route53.NewListHostedZonesPaginator(api, &route53.ListHostedZonesInput{MaxItems: sdk.Int32(100)})
	err := pages(ctx, list, func(page *route53.ListHostedZonesOutput) error {
		for _, z := range page.HostedZones {
			id := strings.TrimPrefix(sdk.ToString(z.Id), "/hostedzone/")
			a := &answer{service: route53.ServiceID, operation: "ListHostedZones", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
			zone := &schema.HostedZone{
				Meta:             posture.Meta{Name: strings.TrimSuffix(sdk.ToString(z.Name), ".")},
				Private:          required(a, "private", z.Config).PrivateZone,
				RecordCount:      required(a, "record_count", z.ResourceRecordSetCount),
				QueryLogGroupARN: groups[id],
			}
			if unlisted != nil {
				a.gaps = append(a.gaps, collectors.Unread(unlisted, "query_log_group_arn"))
			}
			emit("arn:"+c.partition+":route53:::hostedzone/"+id, zone, a.gaps...)
		}
		return followed("Route53.ListHostedZones", page.IsTruncated, page.NextMarker)
	})
	if err != nil {
		return fmt.Errorf("list hosted zones: %w", err)
	}
	return nil
}
