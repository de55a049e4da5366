package aws

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func cloudfrontReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{distributions}
}

var distributions = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DistributionType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{ // custom headers often carry what an origin knows CloudFront by
		{Name: "CloudFront.ListDistributions", Permission: "cloudfront:ListDistributions", Body: collectors.Redact("HeaderValue")},
		{Name: "CloudFront.GetDistributionConfig", Permission: "cloudfront:GetDistributionConfig", Body: collectors.Redact("HeaderValue")},
		{Name: "CloudWatchLogs.DescribeDeliverySources", Permission: "logs:DescribeDeliverySources", Body: collectors.Store},
		{Name: "CloudWatchLogs.DescribeDeliveries", Permission: "logs:DescribeDeliveries", Body: collectors.Store},
	},
	Collect: collectDistributions,
}

func collectDistributions(ctx context.Context, c *client, emit collectors.Emit) error {
	api := cloudfront.NewFromConfig(c.config)
	delivered, undelivered := deliveredDistributions(ctx, c)
	var group errgroup.Group
	group.SetLimit(8)
	list := cloudfront.NewListDistributionsPaginator(api, &cloudfront.ListDistributionsInput{MaxItems: sdk.Int32(100)})
	err := pages(ctx, list, func(page *cloudfront.ListDistributionsOutput) error {
		if page.DistributionList == nil {
			return missing("CloudFront.ListDistributions", "DistributionList")
		}
		for _, s := range page.DistributionList.Items {
			group.Go(func() error {
				distribution, gaps := newDistribution(s)
				if undelivered != nil {
					gaps = append(gaps, collectors.Unread(undelivered, "logging.v2_delivery"))
				}
				distribution.Logging.V2Delivery = delivered[sdk.ToString(s.ARN)]
				gaps = append(gaps, readDistributionConfig(ctx, api, s.Id, distribution)...)
				emit(sdk.ToString(s.ARN), distribution, gaps...)
				return nil
			})
		}
		return followed("CloudFront.ListDistributions", sdk.ToBool(page.DistributionList.IsTruncated), page.DistributionList.NextMarker)
	})
	_ = group.Wait() // errors of single distributions are gaps
	if err != nil {
		return fmt.Errorf("list distributions: %w", err)
	}
	return nil
}

// deliveredDistributions returns the ARNs of distributions whose access log CloudWatch Logs delivers. CloudFront keeps these
// settings in us-east-1.
func deliveredDistributions(ctx context.Context, c *client) (map[string]bool, error) {
	api := cloudwatchlogs.NewFromConfig(c.in("us-east-1").config)
	sources := map[string]bool{} // that something is delivered from
	deliveries := cloudwatchlogs.NewDescribeDeliveriesPaginator(api, &cloudwatchlogs.DescribeDeliveriesInput{Limit: sdk.Int32(50)})
	if err := pages(ctx, deliveries, func(page *cloudwatchlogs.DescribeDeliveriesOutput) error {
		for _, d := range page.Deliveries {
			sources[sdk.ToString(d.DeliverySourceName)] = true
		}
		return nil
	}); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	list := cloudwatchlogs.NewDescribeDeliverySourcesPaginator(api, &cloudwatchlogs.DescribeDeliverySourcesInput{Limit: sdk.Int32(50)})
	err := pages(ctx, list, func(page *cloudwatchlogs.DescribeDeliverySourcesOutput) error {
		for _, s := range page.DeliverySources {
			if sdk.ToString(s.Service) != "cloudfront" || !sources[sdk.ToString(s.Name)] {
				continue
			}
			for _, arn := range s.ResourceArns {
				out[arn] = true
			}
		}
		return nil
	})
	return out, err
}

// bucketEndpoint is the REST endpoint of a bucket, as an origin's domain name.
var bucketEndpoint = regexp.MustCompile(`\.s3([.-](dualstack\.)?[a-z]{2}(-[a-z]+)+-\d)?\.amazonaws\.com(\.cn)?$`)

func newDistribution(s types.DistributionSummary) (*schema.Distribution, []collectors.Gap) {
	a := &answer{service: cloudfront.ServiceID, operation: "ListDistributions", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	distribution := &schema.Distribution{
		Meta:       posture.Meta{Name: sdk.ToString(s.Id)},
		DomainName: sdk.ToString(s.DomainName),
		Enabled:    required(a, "enabled", s.Enabled),
		WebACLID:   sdk.ToString(s.WebACLId),
	}
	behaviour := required(a, "viewer_protocol_policies", s.DefaultCacheBehavior)
	if s.DefaultCacheBehavior == nil {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("DefaultCacheBehavior"), "field_level_encryption_id", "logging.realtime_config_arn"))
	}
	distribution.FieldLevelEncryptionID = sdk.ToString(behaviour.FieldLevelEncryptionId)
	distribution.Logging.RealtimeConfigARN = sdk.ToString(behaviour.RealtimeLogConfigArn)
	policies := []string{string(behaviour.ViewerProtocolPolicy)}
	if s.CacheBehaviors != nil {
		for _, b := range s.CacheBehaviors.Items {
			policies = append(policies, string(b.ViewerProtocolPolicy))
		}
	}
	slices.Sort(policies)
	distribution.ViewerProtocolPolicies = slices.Compact(policies)
	certificate := required(a, "viewer_certificate", s.ViewerCertificate)
	distribution.ViewerCertificate = schema.ViewerCertificate{
		Default:                sdk.ToBool(certificate.CloudFrontDefaultCertificate),
		MinimumProtocolVersion: string(certificate.MinimumProtocolVersion),
		SSLSupportMethod:       string(certificate.SSLSupportMethod),
	}
	for _, o := range required(a, "origins", s.Origins).Items {
		distribution.Origins = append(distribution.Origins, newOrigin(o))
	}
	return distribution, a.gaps
}

func newOrigin(o types.Origin) schema.Origin {
	origin := schema.Origin{
		ID:                    sdk.ToString(o.Id),
		DomainName:            sdk.ToString(o.DomainName),
		S3Origin:              bucketEndpoint.MatchString(sdk.ToString(o.DomainName)),
		OriginAccessControlID: sdk.ToString(o.OriginAccessControlId),
	}
	if o.S3OriginConfig != nil {
		origin.OriginAccessIdentity = sdk.ToString(o.S3OriginConfig.OriginAccessIdentity)
	}
	if custom := o.CustomOriginConfig; custom != nil {
		origin.ProtocolPolicy = string(custom.OriginProtocolPolicy)
		if custom.OriginSslProtocols != nil {
			for _, p := range custom.OriginSslProtocols.Items {
				origin.SSLProtocols = append(origin.SSLProtocols, string(p))
			}
		}
	}
	return origin
}

// readDistributionConfig reads the two settings that the list leaves out.
func readDistributionConfig(ctx context.Context, api *cloudfront.Client, id *string, distribution *schema.Distribution) []collectors.Gap {
	answered, err := api.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: id})
	if err == nil && answered.DistributionConfig == nil {
		err = missing("CloudFront.GetDistributionConfig", "DistributionConfig")
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "default_root_object", "logging.standard_bucket")}
	}
	distribution.DefaultRootObject = sdk.ToString(answered.DistributionConfig.DefaultRootObject)
	if log := answered.DistributionConfig.Logging; log != nil && sdk.ToBool(log.Enabled) {
		distribution.Logging.StandardBucket = sdk.ToString(log.Bucket)
	}
	return nil
}
