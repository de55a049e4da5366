package account

import (
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	searchtypes "github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	redtypes "github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has a Redshift cluster.
var redshiftService = service{
	kinds: []world.Kind{{
		Name: "redshift.cluster", Count: 1,
		Defects: []world.Defect{{Name: "plain", Share: 0.2}, {Name: "public", Share: 0.05, Drift: 0.1}, {Name: "unlogged", Share: 0.2, Drift: 0.2}, {Name: "short", Share: 0.2},
			{Name: "plaintext", Share: 0.3}, {Name: "pinned", Drift: 0.2}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("aws.redshift.cluster", it, it.ARN("redshift", it.Region, "cluster:"+it.Name())), map[string]posture.Result{
				"aws-redshift-cluster-encrypted":             failIf(it.Has("plain")),
				"aws-redshift-cluster-not-public":            failIf(it.Has("public")),
				"aws-redshift-cluster-audit-logging-enabled": failIf(it.Has("unlogged")),
				"aws-redshift-cluster-automated-snapshots":   failIf(it.Has("short")),
				"aws-redshift-cluster-tls-required":          failIf(it.Has("plaintext")),
				"aws-redshift-cluster-auto-upgrade":          failIf(it.Has("pinned")),
			}
		},
	}},
	handle: handleRedshift,
}

func handleRedshift(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*redshift.DescribeClustersInput]) (*redshift.DescribeClustersOutput, error) {
		out := &redshift.DescribeClustersOutput{}
		state := at(w, c)
		for _, it := range state.In("redshift.cluster", c.Region) {
			cluster := redtypes.Cluster{ClusterIdentifier: sdk.String(it.Name()), ClusterStatus: sdk.String("available"), Encrypted: sdk.Bool(!it.Has("plain")), PubliclyAccessible: sdk.Bool(it.Has("public")), EnhancedVpcRouting: sdk.Bool(true),
				AutomatedSnapshotRetentionPeriod: sdk.Int32(14), AllowVersionUpgrade: sdk.Bool(!it.Has("pinned")), MultiAZ: sdk.String("Disabled"), MasterUsername: sdk.String("warehouse"), NodeType: sdk.String("ra3.large"), NumberOfNodes: sdk.Int32(2),
				ClusterCreateTime: sdk.Time(state.Long(it, 150)), Tags: []redtypes.Tag{{Key: sdk.String("team"), Value: sdk.String("analytics")}},
				ClusterParameterGroups: []redtypes.ClusterParameterGroupStatus{{ParameterGroupName: sdk.String(parameterGroup("warehouse", it)), ParameterApplyStatus: sdk.String("in-sync")}}}
			if it.Has("short") {
				cluster.AutomatedSnapshotRetentionPeriod = sdk.Int32(1)
			}
			if !it.Has("plain") {
				cluster.KmsKeyId = sdk.String(it.ARN("kms", c.Region, "key/warehouse"))
			}
			out.Clusters = append(out.Clusters, cluster)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*redshift.DescribeLoggingStatusInput]) (*redshift.DescribeLoggingStatusOutput, error) {
		for _, it := range at(w, c).In("redshift.cluster", c.Region) {
			if it.Name() != sdk.ToString(c.Input.ClusterIdentifier) {
				continue
			}
			if it.Has("unlogged") {
				return &redshift.DescribeLoggingStatusOutput{LoggingEnabled: sdk.Bool(false)}, nil
			}
			return &redshift.DescribeLoggingStatusOutput{LoggingEnabled: sdk.Bool(true), LogDestinationType: redtypes.LogDestinationTypeCloudwatch, LogExports: []string{"connectionlog", "userlog"}}, nil
		}
		return nil, &redtypes.ClusterNotFoundFault{}
	})
	aws.Handle(s, func(c aws.Call[*redshift.DescribeClusterParametersInput]) (*redshift.DescribeClusterParametersOutput, error) {
		tls := "true"
		if sdk.ToString(c.Input.ParameterGroupName) == "warehouse-plaintext" {
			tls = "false"
		}
		return &redshift.DescribeClusterParametersOutput{Parameters: []redtypes.Parameter{{ParameterName: sdk.String("auto_analyze"), ParameterValue: sdk.String("true")},
			{ParameterName: sdk.String("enable_user_activity_logging"), ParameterValue: sdk.String("true")}, {ParameterName: sdk.String("require_ssl"), ParameterValue: sdk.String(tls)}}}, nil
	})
}

// Each region has two search domains, of which one may be of the older engine.
var opensearchService = service{
	kinds: []world.Kind{{
		Name: "opensearch.domain", Count: 2,
		Defects: []world.Defect{{Name: "plain", Share: 0.2}, {Name: "plain-nodes", Share: 0.2}, {Name: "outside", Share: 0.2}, {Name: "http", Share: 0.1, Drift: 0.1}, {Name: "old-tls", Share: 0.2},
			{Name: "no-audit", Share: 0.2, Drift: 0.2}, {Name: "no-slow-logs", Share: 0.2, Drift: 0.1}, {Name: "one-user", Share: 0.2}, {Name: "open-policy", Drift: 0.2}, {Name: "elasticsearch", Share: 0.5}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			audit := failIf(it.Has("no-audit"))
			if it.Has("elasticsearch") && it.Has("one-user") {
				audit = posture.DoesNotApply
			}
			return keyOf("aws.opensearch.domain", it, it.ARN("es", it.Region, "domain/"+it.Name())), map[string]posture.Result{
				"aws-opensearch-domain-encrypted":              failIf(it.Has("plain")),
				"aws-opensearch-domain-node-to-node-encrypted": failIf(it.Has("plain-nodes")),
				"aws-opensearch-domain-in-vpc":                 failIf(it.Has("outside")),
				"aws-opensearch-domain-https-enforced":         failIf(it.Has("http") || it.Has("old-tls")),
				"aws-opensearch-domain-audit-logging-enabled":  audit,
				"aws-opensearch-domain-logs-to-cloudwatch":     failIf(it.Has("no-slow-logs")),
				"aws-opensearch-domain-fine-grained-access":    failIf(it.Has("one-user") || it.Has("open-policy")),
			}
		},
	}},
	handle: handleOpenSearch,
}

func handleOpenSearch(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*opensearch.ListDomainNamesInput]) (*opensearch.ListDomainNamesOutput, error) {
		out := &opensearch.ListDomainNamesOutput{DomainNames: []searchtypes.DomainInfo{}}
		for _, it := range at(w, c).In("opensearch.domain", c.Region) {
			out.DomainNames = append(out.DomainNames, searchtypes.DomainInfo{DomainName: sdk.String(it.Name())})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*opensearch.DescribeDomainsInput]) (*opensearch.DescribeDomainsOutput, error) {
		out := &opensearch.DescribeDomainsOutput{DomainStatusList: []searchtypes.DomainStatus{}}
		state := at(w, c)
		for _, it := range state.In("opensearch.domain", c.Region) {
			if slices.Contains(c.Input.DomainNames, it.Name()) {
				out.DomainStatusList = append(out.DomainStatusList, searchDomain(state, it))
			}
		}
		return out, nil
	})
}

func searchDomain(state *world.State, it *world.Item) searchtypes.DomainStatus {
	arn := it.ARN("es", it.Region, "domain/"+it.Name())
	principal := `{"AWS":"arn:aws:iam::` + it.Account.ID + `:root"}`
	if it.Has("open-policy") {
		principal = `"*"`
	}
	d := searchtypes.DomainStatus{ARN: sdk.String(arn), DomainId: sdk.String(it.Account.ID + "/" + it.Name()), DomainName: sdk.String(it.Name()), EngineVersion: sdk.String("OpenSearch_2.19"), Created: sdk.Bool(true), Deleted: sdk.Bool(false),
		AccessPolicies:              sdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"es:*","Resource":"` + arn + `/*"}]}`),
		EncryptionAtRestOptions:     &searchtypes.EncryptionAtRestOptions{Enabled: sdk.Bool(!it.Has("plain"))},
		NodeToNodeEncryptionOptions: &searchtypes.NodeToNodeEncryptionOptions{Enabled: sdk.Bool(!it.Has("plain-nodes"))},
		DomainEndpointOptions:       &searchtypes.DomainEndpointOptions{EnforceHTTPS: sdk.Bool(!it.Has("http")), TLSSecurityPolicy: searchtypes.TLSSecurityPolicyPolicyMinTls12201907},
		AdvancedSecurityOptions:     &searchtypes.AdvancedSecurityOptions{Enabled: sdk.Bool(!it.Has("one-user")), InternalUserDatabaseEnabled: sdk.Bool(false)},
		ClusterConfig:               &searchtypes.ClusterConfig{InstanceCount: sdk.Int32(3), ZoneAwarenessEnabled: sdk.Bool(true), DedicatedMasterEnabled: sdk.Bool(true), DedicatedMasterCount: sdk.Int32(3), InstanceType: searchtypes.OpenSearchPartitionInstanceTypeR6gLargeSearch},
		ServiceSoftwareOptions:      &searchtypes.ServiceSoftwareOptions{UpdateAvailable: sdk.Bool(it.Has("elasticsearch")), AutomatedUpdateDate: sdk.Time(state.Since(it, 30, "update").AddDate(0, 0, 60)), Cancellable: sdk.Bool(false)},
		LogPublishingOptions:        map[string]searchtypes.LogPublishingOption{},
	}
	if it.Has("elasticsearch") {
		d.EngineVersion = sdk.String("Elasticsearch_7.10")
	}
	if it.Has("old-tls") {
		d.DomainEndpointOptions.TLSSecurityPolicy = searchtypes.TLSSecurityPolicyPolicyMinTls10201907
	}
	if !it.Has("outside") {
		d.VPCOptions = &searchtypes.VPCDerivedInfo{VPCId: sdk.String(ec2ID(state.Find("ec2.vpc", it.Region, 1), "vpc"))}
	}
	for kind, on := range map[string]bool{"AUDIT_LOGS": !it.Has("no-audit"), "ES_APPLICATION_LOGS": true, "SEARCH_SLOW_LOGS": true, "INDEX_SLOW_LOGS": !it.Has("no-slow-logs")} {
		d.LogPublishingOptions[kind] = searchtypes.LogPublishingOption{Enabled: sdk.Bool(on), CloudWatchLogsLogGroupArn: sdk.String(it.ARN("logs", it.Region, "log-group:/aws/opensearch/"+it.Name()))}
	}
	return d
}
