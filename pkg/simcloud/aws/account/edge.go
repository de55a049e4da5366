package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Certificates, zones and distributions are what an account shows the internet. The last certificate of a region is used by
// nothing, the last zone is private, and the last distribution is switched off.
const edgeIdle = 2

var edgeService = service{
	kinds: []world.Kind{
		{
			Name: "acm.certificate", Count: 3,
			Defects: []world.Defect{{Name: "ending", Drift: 0.2}, {Name: "expired", Drift: 0.1}, {Name: "short-key", Share: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				ends, strength := failIf(it.Has("ending") || it.Has("expired")), failIf(it.Has("short-key"))
				if it.Index == edgeIdle {
					ends = posture.DoesNotApply
				}
				if it.Has("expired") {
					strength = posture.DoesNotApply
				}
				return keyOf("aws.acm.certificate", it, certificateARN(it)), map[string]posture.Result{
					"aws-acm-certificate-not-expiring": ends,
					"aws-acm-certificate-key-strength": strength,
				}
			},
		},
		{
			Name: "route53.hosted_zone", Global: true, Count: 3, Defects: []world.Defect{{Name: "no-query-log", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				logged := failIf(it.Has("no-query-log"))
				if it.Index == edgeIdle {
					logged = posture.DoesNotApply
				}
				return keyOf("aws.route53.hosted_zone", it, "arn:aws:route53:::hostedzone/"+zoneID(it)), map[string]posture.Result{"aws-route53-public-zone-query-logging": logged}
			},
		},
		{
			Name: "cloudfront.distribution", Global: true, Count: 3,
			Defects: []world.Defect{{Name: "no-log", Share: 0.2, Drift: 0.15}, {Name: "plain-path", Drift: 0.15}, {Name: "default-certificate", Share: 0.15}, {Name: "old-tls", Share: 0.1, Drift: 0.1},
				{Name: "plain-origin", Share: 0.1, Drift: 0.1}, {Name: "plain-fields", Share: 0.6}, {Name: "no-waf", Share: 0.2, Drift: 0.1}, {Name: "anonymous-bucket", Share: 0.15, Drift: 0.1}},
			Expect: expectDistribution,
		},
	},
	handle: func(s *aws.Server, w *states) {
		handleACM(s, w)
		handleRoute53(s, w)
		handleCloudFront(s, w)
	},
}

func certificateARN(it *world.Item) string {
	return it.ARN("acm", it.Region, "certificate/"+it.Hex(8, "certificate")+"-0000-4000-8000-"+it.Hex(12, "certificate"))
}

func handleACM(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*acm.ListCertificatesInput]) (*acm.ListCertificatesOutput, error) {
		out := &acm.ListCertificatesOutput{}
		state := at(w, c)
		wanted := map[acmtypes.KeyAlgorithm]bool{acmtypes.KeyAlgorithmRsa1024: true, acmtypes.KeyAlgorithmRsa2048: true} // where none is asked for
		if c.Input.Includes != nil {
			for _, algorithm := range c.Input.Includes.KeyTypes {
				wanted[algorithm] = true
			}
		}
		for _, it := range state.In("acm.certificate", c.Region) {
			m := acmtypes.CertificateSummary{CertificateArn: sdk.String(certificateARN(it)), DomainName: sdk.String(it.Name() + ".example.com"), Status: acmtypes.CertificateStatusIssued, Type: acmtypes.CertificateTypeAmazonIssued,
				KeyAlgorithm: acmtypes.KeyAlgorithmEcPrime256v1, InUse: sdk.Bool(it.Index != edgeIdle), RenewalEligibility: acmtypes.RenewalEligibilityEligible, CreatedAt: sdk.Time(state.Long(it, 30)),
				NotBefore: sdk.Time(state.Since(it, 300, "issue")), NotAfter: sdk.Time(state.Since(it, 300, "issue").AddDate(0, 0, 395))}
			if it.Index == 1 {
				m.Type, m.RenewalEligibility, m.ImportedAt = acmtypes.CertificateTypeImported, acmtypes.RenewalEligibilityIneligible, m.CreatedAt
			}
			if it.Has("short-key") {
				m.KeyAlgorithm = acmtypes.KeyAlgorithmRsa1024
			}
			if it.Has("ending") {
				m.NotAfter = sdk.Time(state.Since(it, 1, "end").AddDate(0, 0, 20))
			}
			if it.Has("expired") {
				m.NotAfter, m.Status = sdk.Time(state.Since(it, 20, "end")), acmtypes.CertificateStatusExpired
			}
			if wanted[m.KeyAlgorithm] {
				out.CertificateSummaryList = append(out.CertificateSummaryList, m)
			}
		}
		return out, nil
	})
}

func zoneID(it *world.Item) string { return "Z" + strings.ToUpper(it.Hex(19, "zone")) }

func handleRoute53(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*route53.ListHostedZonesInput]) (*route53.ListHostedZonesOutput, error) {
		out := &route53.ListHostedZonesOutput{Marker: c.Input.Marker, MaxItems: sdk.Int32(100)}
		for _, it := range at(w, c).Items("route53.hosted_zone") {
			out.HostedZones = append(out.HostedZones, r53types.HostedZone{Id: sdk.String("/hostedzone/" + zoneID(it)), Name: sdk.String(it.Name() + ".example.com."), CallerReference: sdk.String(it.Hex(8, "reference")),
				Config: &r53types.HostedZoneConfig{PrivateZone: it.Index == edgeIdle}, ResourceRecordSetCount: sdk.Int64(int64(2 + it.Pick(30, "records")))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*route53.ListQueryLoggingConfigsInput]) (*route53.ListQueryLoggingConfigsOutput, error) {
		out := &route53.ListQueryLoggingConfigsOutput{}
		for _, it := range at(w, c).Items("route53.hosted_zone") {
			if it.Index == edgeIdle || it.Has("no-query-log") {
				continue
			}
			out.QueryLoggingConfigs = append(out.QueryLoggingConfigs, r53types.QueryLoggingConfig{Id: sdk.String(it.Hex(32, "log")), HostedZoneId: sdk.String(zoneID(it)),
				CloudWatchLogsLogGroupArn: sdk.String(it.ARN("logs", "us-east-1", "log-group:/dns/"+it.Name()))})
		}
		return out, nil
	})
}

func distributionID(it *world.Item) string { return "E" + strings.ToUpper(it.Hex(13, "distribution")) }

func distributionARN(it *world.Item) string {
	return it.ARN("cloudfront", "", "distribution/"+distributionID(it))
}

func expectDistribution(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	served := func(defect bool) posture.Result {
		if it.Index == edgeIdle {
			return posture.DoesNotApply
		}
		return failIf(defect)
	}
	return keyOf("aws.cloudfront.distribution", it, distributionARN(it)), map[string]posture.Result{
		"aws-cloudfront-distribution-logging-enabled":          served(it.Has("no-log")),
		"aws-cloudfront-distribution-viewer-https-only":        served(it.Has("plain-path")),
		"aws-cloudfront-distribution-tls-minimum":              served(it.Has("default-certificate") || it.Has("old-tls")),
		"aws-cloudfront-distribution-origin-https-only":        served(it.Has("plain-origin")),
		"aws-cloudfront-distribution-field-level-encryption":   served(it.Has("plain-fields")),
		"aws-cloudfront-distribution-waf-associated":           served(it.Has("no-waf")),
		"aws-cloudfront-distribution-s3-origin-access-control": served(it.Has("anonymous-bucket")),
	}
}

// The first distribution logs to a bucket, the second through CloudWatch Logs and in real time.
func handleCloudFront(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*cloudfront.ListDistributionsInput]) (*cloudfront.ListDistributionsOutput, error) {
		list := &cftypes.DistributionList{Marker: sdk.String(sdk.ToString(c.Input.Marker)), MaxItems: sdk.Int32(100)}
		state := at(w, c)
		for _, it := range state.Items("cloudfront.distribution") {
			list.Items = append(list.Items, distribution(state, it))
		}
		list.Quantity = sdk.Int32(int32(len(list.Items)))
		return &cloudfront.ListDistributionsOutput{DistributionList: list}, nil
	})
	aws.Handle(s, func(c aws.Call[*cloudfront.GetDistributionConfigInput]) (*cloudfront.GetDistributionConfigOutput, error) {
		state := at(w, c)
		for _, it := range state.Items("cloudfront.distribution") {
			if distributionID(it) != sdk.ToString(c.Input.Id) {
				continue
			}
			d := distribution(state, it)
			config := &cftypes.DistributionConfig{CallerReference: sdk.String(it.Hex(8, "reference")), Comment: d.Comment, Enabled: d.Enabled, DefaultCacheBehavior: d.DefaultCacheBehavior, Origins: d.Origins,
				DefaultRootObject: sdk.String(""), Logging: &cftypes.LoggingConfig{Enabled: sdk.Bool(false), IncludeCookies: sdk.Bool(false), Bucket: sdk.String(""), Prefix: sdk.String("")}}
			if it.Index == 0 {
				config.DefaultRootObject = sdk.String("index.html")
				if !it.Has("no-log") {
					config.Logging.Enabled, config.Logging.Bucket = sdk.Bool(true), sdk.String(logBucket(it.Account)+".s3.amazonaws.com")
				}
			}
			return &cloudfront.GetDistributionConfigOutput{DistributionConfig: config, ETag: sdk.String(it.Hex(13, "etag"))}, nil
		}
		return nil, &cftypes.NoSuchDistribution{Message: sdk.String("The specified distribution does not exist.")}
	})
	logged := func(state *world.State, region string) []*world.Item {
		var out []*world.Item
		for _, it := range state.Items("cloudfront.distribution") {
			if region == "us-east-1" && it.Index > 0 && !it.Has("no-log") {
				out = append(out, it)
			}
		}
		return out
	}
	aws.Handle(s, func(c aws.Call[*cloudwatchlogs.DescribeDeliverySourcesInput]) (*cloudwatchlogs.DescribeDeliverySourcesOutput, error) {
		out := &cloudwatchlogs.DescribeDeliverySourcesOutput{}
		for _, it := range logged(at(w, c), c.Region) {
			out.DeliverySources = append(out.DeliverySources, logtypes.DeliverySource{Name: sdk.String("cdn-" + it.Name()), Arn: sdk.String(it.ARN("logs", c.Region, "delivery-source:cdn-"+it.Name())),
				Service: sdk.String("cloudfront"), LogType: sdk.String("ACCESS_LOGS"), ResourceArns: []string{distributionARN(it)}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*cloudwatchlogs.DescribeDeliveriesInput]) (*cloudwatchlogs.DescribeDeliveriesOutput, error) {
		out := &cloudwatchlogs.DescribeDeliveriesOutput{}
		for _, it := range logged(at(w, c), c.Region) {
			out.Deliveries = append(out.Deliveries, logtypes.Delivery{Id: sdk.String(it.Hex(16, "delivery")), Arn: sdk.String(it.ARN("logs", c.Region, "delivery:"+it.Hex(16, "delivery"))), DeliverySourceName: sdk.String("cdn-" + it.Name()),
				DeliveryDestinationType: logtypes.DeliveryDestinationTypeS3, DeliveryDestinationArn: sdk.String(it.ARN("logs", c.Region, "delivery-destination:cdn"))})
		}
		return out, nil
	})
}

func distribution(state *world.State, it *world.Item) cftypes.DistributionSummary {
	none := ""
	web := cftypes.Origin{Id: sdk.String("web"), DomainName: sdk.String("origin.example.com"), OriginPath: &none, OriginAccessControlId: &none,
		CustomOriginConfig: &cftypes.CustomOriginConfig{HTTPPort: sdk.Int32(80), HTTPSPort: sdk.Int32(443), OriginProtocolPolicy: cftypes.OriginProtocolPolicyHttpsOnly, OriginSslProtocols: &cftypes.OriginSslProtocols{Quantity: sdk.Int32(1), Items: []cftypes.SslProtocol{cftypes.SslProtocolTLSv12}}},
		CustomHeaders:      &cftypes.CustomHeaders{Quantity: sdk.Int32(1), Items: []cftypes.OriginCustomHeader{{HeaderName: sdk.String("X-Origin-Verify"), HeaderValue: sdk.String("correct-horse")}}}}
	if it.Has("plain-origin") {
		web.CustomOriginConfig.OriginProtocolPolicy = cftypes.OriginProtocolPolicyHttpOnly
		if it.Index == 1 {
			web.CustomOriginConfig.OriginProtocolPolicy = cftypes.OriginProtocolPolicyHttpsOnly
			web.CustomOriginConfig.OriginSslProtocols = &cftypes.OriginSslProtocols{Quantity: sdk.Int32(2), Items: []cftypes.SslProtocol{cftypes.SslProtocolTLSv1, cftypes.SslProtocolTLSv12}}
		}
	}
	files := cftypes.Origin{Id: sdk.String("files"), DomainName: sdk.String("files-" + it.Account.ID + ".s3." + it.Account.Home() + ".amazonaws.com"), OriginPath: &none, OriginAccessControlId: sdk.String("E" + strings.ToUpper(it.Hex(13, "control"))), S3OriginConfig: &cftypes.S3OriginConfig{OriginAccessIdentity: &none}}
	if it.Index == 1 {
		files.OriginAccessControlId, files.S3OriginConfig = &none, &cftypes.S3OriginConfig{OriginAccessIdentity: sdk.String("origin-access-identity/cloudfront/E127EXAMPLE51Z")}
	}
	if it.Has("anonymous-bucket") {
		files.OriginAccessControlId, files.S3OriginConfig = &none, &cftypes.S3OriginConfig{OriginAccessIdentity: &none}
	}
	d := cftypes.DistributionSummary{Id: sdk.String(distributionID(it)), ARN: sdk.String(distributionARN(it)), DomainName: sdk.String("d" + it.Hex(13, "domain") + ".cloudfront.net"), Comment: sdk.String(it.Name()), Status: sdk.String("Deployed"), Enabled: sdk.Bool(it.Index != edgeIdle),
		LastModifiedTime: sdk.Time(state.Long(it, 40)), PriceClass: cftypes.PriceClassPriceClass100, HttpVersion: cftypes.HttpVersionHttp2, IsIPV6Enabled: sdk.Bool(true), Staging: sdk.Bool(false), WebACLId: &none,
		Origins:              &cftypes.Origins{Quantity: sdk.Int32(2), Items: []cftypes.Origin{web, files}},
		DefaultCacheBehavior: &cftypes.DefaultCacheBehavior{TargetOriginId: sdk.String("web"), ViewerProtocolPolicy: cftypes.ViewerProtocolPolicyRedirectToHttps, FieldLevelEncryptionId: &none},
		CacheBehaviors:       &cftypes.CacheBehaviors{Quantity: sdk.Int32(1), Items: []cftypes.CacheBehavior{{PathPattern: sdk.String("/files/*"), TargetOriginId: sdk.String("files"), ViewerProtocolPolicy: cftypes.ViewerProtocolPolicyHttpsOnly}}},
		ViewerCertificate:    &cftypes.ViewerCertificate{CloudFrontDefaultCertificate: sdk.Bool(false), ACMCertificateArn: sdk.String(it.ARN("acm", "us-east-1", "certificate/cdn")), MinimumProtocolVersion: cftypes.MinimumProtocolVersionTLSv122021, SSLSupportMethod: cftypes.SSLSupportMethodSniOnly}}
	if !it.Has("no-waf") {
		d.WebACLId = sdk.String(it.ARN("wafv2", "us-east-1", "global/webacl/cdn/"+it.Hex(8, "acl")))
	}
	if it.Has("plain-path") {
		d.CacheBehaviors.Items[0].ViewerProtocolPolicy = cftypes.ViewerProtocolPolicyAllowAll
	}
	if !it.Has("plain-fields") {
		d.DefaultCacheBehavior.FieldLevelEncryptionId = sdk.String("C" + strings.ToUpper(it.Hex(13, "fields")))
	}
	if it.Index == 1 && !it.Has("no-log") {
		d.DefaultCacheBehavior.RealtimeLogConfigArn = sdk.String(it.ARN("cloudfront", "", "realtime-log-config/edge"))
	}
	switch {
	case it.Has("default-certificate"):
		d.ViewerCertificate = &cftypes.ViewerCertificate{CloudFrontDefaultCertificate: sdk.Bool(true), MinimumProtocolVersion: cftypes.MinimumProtocolVersionTLSv1, SSLSupportMethod: cftypes.SSLSupportMethodVip}
	case it.Has("old-tls"):
		d.ViewerCertificate.MinimumProtocolVersion = cftypes.MinimumProtocolVersionTLSv112016
	}
	return d
}
