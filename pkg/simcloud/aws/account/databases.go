package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has an Aurora cluster, of which the first instance is the member, and an instance that stands alone.
var rdsService = service{
	kinds: append([]world.Kind{
		{
			Name: "rds.cluster", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "plain", Share: 0.1}, {Name: "no-logs", Share: 0.2, Drift: 0.1}, {Name: "deletable", Share: 0.1, Drift: 0.2}, {Name: "plaintext", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.rds.cluster", it, it.ARN("rds", it.Region, "cluster:ledger")), map[string]posture.Result{
					"aws-rds-cluster-encrypted":           failIf(it.Has("plain")),
					"aws-rds-cluster-logs-exported":       failIf(it.Has("no-logs")),
					"aws-rds-cluster-protected-by-backup": posture.Unknown,
				}
			},
		},
		{
			Name: "rds.instance", Count: 2,
			Defects: []world.Defect{{Name: "plain", Share: 0.1}, {Name: "public", Share: 0.05, Drift: 0.15}, {Name: "no-backup", Share: 0.2, Drift: 0.1}, {Name: "deletable", Share: 0.2, Drift: 0.1},
				{Name: "no-logs", Share: 0.2}, {Name: "no-tag-copy", Share: 0.2}, {Name: "password-only", Share: 0.3}, {Name: "plaintext", Share: 0.2, Drift: 0.1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				cluster, member := s.Find("rds.cluster", it.Region, 0), it.Index == 0
				alone := func(r posture.Result) posture.Result {
					if member {
						return posture.DoesNotApply
					}
					return r
				}
				governs := func(defect string) posture.Result {
					return failIf(member && cluster.Has(defect) || !member && it.Has(defect))
				}
				return keyOf("aws.rds.instance", it, it.ARN("rds", it.Region, "db:"+it.Name())), map[string]posture.Result{
					"aws-rds-instance-encrypted":              failIf(it.Has("plain")),
					"aws-rds-instance-not-public":             failIf(it.Has("public")),
					"aws-rds-instance-backup-enabled":         alone(failIf(it.Has("no-backup"))),
					"aws-rds-instance-deletion-protection":    governs("deletable"),
					"aws-rds-instance-logs-exported":          alone(failIf(it.Has("no-logs"))),
					"aws-rds-instance-copy-tags-to-snapshots": alone(failIf(it.Has("no-tag-copy"))),
					"aws-rds-instance-iam-auth-enabled":       failIf(it.Has("password-only")),
					"aws-rds-instance-tls-forced":             governs("plaintext"),
					"aws-rds-instance-in-backup-plan":         alone(posture.Unknown),
					"aws-rds-instance-protected-by-backup":    alone(posture.Unknown),
				}
			},
		},
		snapshotKind("rds.snapshot", "aws.rds.snapshot", "snapshot", "aws-rds-snapshot"),
		snapshotKind("rds.cluster_snapshot", "aws.rds.cluster_snapshot", "cluster-snapshot", "aws-rds-cluster-snapshot"),
	}, docdbKinds()...),
	handle: handleRDS,
}

func snapshotKind(name, kind, resource, rule string) world.Kind {
	return world.Kind{
		Name: name, Count: 2,
		Defects: []world.Defect{{Name: "plain", Share: 0.15}, {Name: "public", Drift: 0.08}, {Name: "shared", Share: 0.3}, {Name: "automated", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			public := failIf(it.Has("public")) // one that is shared with an account is not
			if automated(it) {
				public = posture.DoesNotApply
			}
			return keyOf(kind, it, it.ARN("rds", it.Region, resource+":"+it.Name())), map[string]posture.Result{
				rule + "-encrypted":  failIf(it.Has("plain")),
				rule + "-not-public": public,
			}
		},
	}
}

// automated: only the first snapshot of a region can be; nobody shares those.
func automated(it *world.Item) bool { return it.Index == 0 && it.Has("automated") }

func snapshotType(it *world.Item) *string {
	if automated(it) {
		return sdk.String("automated")
	}
	return sdk.String("manual")
}

func handleRDS(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBClustersInput]) (*rds.DescribeDBClustersOutput, error) {
		out := &rds.DescribeDBClustersOutput{}
		state := at(w, c)
		for _, it := range state.In("rds.cluster", c.Region) {
			cluster := types.DBCluster{DBClusterIdentifier: sdk.String("ledger"), DBClusterArn: sdk.String(it.ARN("rds", c.Region, "cluster:ledger")), Engine: sdk.String("aurora-postgresql"), EngineMode: sdk.String("provisioned"), Status: sdk.String("available"),
				StorageEncrypted: sdk.Bool(!it.Has("plain")), BackupRetentionPeriod: sdk.Int32(14), DeletionProtection: sdk.Bool(!it.Has("deletable")), MultiAZ: sdk.Bool(true), CopyTagsToSnapshot: sdk.Bool(true),
				IAMDatabaseAuthenticationEnabled: sdk.Bool(true), AutoMinorVersionUpgrade: sdk.Bool(true), DBClusterParameterGroup: sdk.String(parameterGroup("cluster", it)), ClusterCreateTime: sdk.Time(state.Long(it, 300)),
				DBClusterMembers: []types.DBClusterMember{{DBInstanceIdentifier: sdk.String(state.Find("rds.instance", c.Region, 0).Name()), IsClusterWriter: sdk.Bool(true), DBClusterParameterGroupStatus: sdk.String("in-sync")}}}
			if !it.Has("no-logs") {
				cluster.EnabledCloudwatchLogsExports = []string{"postgresql"}
			}
			out.DBClusters = append(out.DBClusters, cluster)
		}
		out.DBClusters = append(out.DBClusters, otherClusters(state, c.Region)...)
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBInstancesInput]) (*rds.DescribeDBInstancesOutput, error) {
		out := &rds.DescribeDBInstancesOutput{}
		state := at(w, c)
		for _, it := range state.In("rds.instance", c.Region) {
			out.DBInstances = append(out.DBInstances, dbInstance(state, it))
		}
		return out, nil
	})
	parameters := func(group *string) []types.Parameter {
		value := "1"
		if strings.HasSuffix(sdk.ToString(group), "-plaintext") {
			value = "0"
		}
		return []types.Parameter{{ParameterName: sdk.String("log_connections"), ParameterValue: sdk.String("1"), ApplyType: sdk.String("dynamic")},
			{ParameterName: sdk.String("rds.force_ssl"), ParameterValue: sdk.String(value), ApplyType: sdk.String("dynamic")}}
	}
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBParametersInput]) (*rds.DescribeDBParametersOutput, error) {
		return &rds.DescribeDBParametersOutput{Parameters: parameters(c.Input.DBParameterGroupName)}, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBClusterParametersInput]) (*rds.DescribeDBClusterParametersOutput, error) {
		return &rds.DescribeDBClusterParametersOutput{Parameters: parameters(c.Input.DBClusterParameterGroupName)}, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBSnapshotsInput]) (*rds.DescribeDBSnapshotsOutput, error) {
		out := &rds.DescribeDBSnapshotsOutput{}
		state := at(w, c)
		for _, it := range state.In("rds.snapshot", c.Region) {
			out.DBSnapshots = append(out.DBSnapshots, types.DBSnapshot{DBSnapshotIdentifier: sdk.String(it.Name()), DBSnapshotArn: sdk.String(it.ARN("rds", c.Region, "snapshot:"+it.Name())), DBInstanceIdentifier: sdk.String("orders"), Engine: sdk.String("postgres"),
				SnapshotType: snapshotType(it), Status: sdk.String("available"), Encrypted: sdk.Bool(!it.Has("plain")), SnapshotCreateTime: sdk.Time(state.Long(it, 20))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBSnapshotAttributesInput]) (*rds.DescribeDBSnapshotAttributesOutput, error) {
		it := snapshotNamed(at(w, c).In("rds.snapshot", c.Region), c.Input.DBSnapshotIdentifier)
		if it == nil {
			return nil, &types.DBSnapshotNotFoundFault{}
		}
		return &rds.DescribeDBSnapshotAttributesOutput{DBSnapshotAttributesResult: &types.DBSnapshotAttributesResult{DBSnapshotIdentifier: c.Input.DBSnapshotIdentifier,
			DBSnapshotAttributes: []types.DBSnapshotAttribute{{AttributeName: sdk.String("restore"), AttributeValues: mayRestore(it)}}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBClusterSnapshotsInput]) (*rds.DescribeDBClusterSnapshotsOutput, error) {
		out := &rds.DescribeDBClusterSnapshotsOutput{}
		state := at(w, c)
		for _, it := range state.In("rds.cluster_snapshot", c.Region) {
			out.DBClusterSnapshots = append(out.DBClusterSnapshots, types.DBClusterSnapshot{DBClusterSnapshotIdentifier: sdk.String(it.Name()), DBClusterSnapshotArn: sdk.String(it.ARN("rds", c.Region, "cluster-snapshot:"+it.Name())), DBClusterIdentifier: sdk.String("ledger"), Engine: sdk.String("aurora-postgresql"),
				SnapshotType: snapshotType(it), Status: sdk.String("available"), StorageEncrypted: sdk.Bool(!it.Has("plain")), SnapshotCreateTime: sdk.Time(state.Long(it, 20))})
		}
		out.DBClusterSnapshots = append(out.DBClusterSnapshots, otherSnapshots(state, c.Region)...)
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*rds.DescribeDBClusterSnapshotAttributesInput]) (*rds.DescribeDBClusterSnapshotAttributesOutput, error) {
		it := clusterSnapshotNamed(at(w, c), c.Region, c.Input.DBClusterSnapshotIdentifier)
		if it == nil {
			return nil, &types.DBClusterSnapshotNotFoundFault{}
		}
		return &rds.DescribeDBClusterSnapshotAttributesOutput{DBClusterSnapshotAttributesResult: &types.DBClusterSnapshotAttributesResult{DBClusterSnapshotIdentifier: c.Input.DBClusterSnapshotIdentifier,
			DBClusterSnapshotAttributes: []types.DBClusterSnapshotAttribute{{AttributeName: sdk.String("restore"), AttributeValues: mayRestore(it)}}}}, nil
	})
}

// snapshotNamed finds a snapshot by its identifier.
func snapshotNamed(snapshots []*world.Item, id *string) *world.Item {
	for _, it := range snapshots {
		if it.Name() == sdk.ToString(id) {
			return it
		}
	}
	return nil
}

// mayRestore lists who can restore a snapshot besides its owner.
func mayRestore(it *world.Item) []string {
	accounts := []string{}
	if it.Has("public") {
		accounts = append(accounts, "all")
	}
	if it.Has("shared") {
		accounts = append(accounts, "999900001111")
	}
	return accounts
}

func parameterGroup(prefix string, it *world.Item) string {
	if it.Has("plaintext") {
		return prefix + "-plaintext"
	}
	return prefix + "-tls"
}

func dbInstance(state *world.State, it *world.Item) types.DBInstance {
	i := types.DBInstance{DBInstanceIdentifier: sdk.String(it.Name()), DBInstanceArn: sdk.String(it.ARN("rds", it.Region, "db:"+it.Name())), Engine: sdk.String("postgres"), EngineVersion: sdk.String("16.8"), DBInstanceStatus: sdk.String("available"),
		StorageEncrypted: sdk.Bool(!it.Has("plain")), PubliclyAccessible: sdk.Bool(it.Has("public")), BackupRetentionPeriod: sdk.Int32(14), DeletionProtection: sdk.Bool(!it.Has("deletable")), MultiAZ: sdk.Bool(true),
		CopyTagsToSnapshot: sdk.Bool(!it.Has("no-tag-copy")), IAMDatabaseAuthenticationEnabled: sdk.Bool(!it.Has("password-only")), AutoMinorVersionUpgrade: sdk.Bool(true), MonitoringInterval: sdk.Int32(60), Endpoint: &types.Endpoint{Port: sdk.Int32(5432), Address: sdk.String(it.Name() + ".example.com")},
		DBParameterGroups: []types.DBParameterGroupStatus{{DBParameterGroupName: sdk.String(parameterGroup("instance", it)), ParameterApplyStatus: sdk.String("in-sync")}}, InstanceCreateTime: sdk.Time(state.Long(it, 200)),
		VpcSecurityGroups: []types.VpcSecurityGroupMembership{{VpcSecurityGroupId: sdk.String(ec2ID(state.Find("ec2.security_group", it.Region, groupData), "sg")), Status: sdk.String("active")}},
		DBSubnetGroup:     &types.DBSubnetGroup{Subnets: []types.Subnet{{SubnetIdentifier: sdk.String(ec2ID(state.Find("ec2.subnet", it.Region, 3), "subnet"))}}}}
	if it.Has("no-backup") {
		i.BackupRetentionPeriod = sdk.Int32(0)
	}
	if !it.Has("no-logs") {
		i.EnabledCloudwatchLogsExports = []string{"postgresql"}
	}
	if it.Index == 0 {
		i.Engine, i.DBClusterIdentifier = sdk.String("aurora-postgresql"), sdk.String("ledger")
	}
	return i
}

// Each region has one application load balancer with three listeners: HTTPS, HTTP that redirects all there is, and HTTP
// that closes what its rules do not redirect.
const listenerTLS, listenerHTTP, listenerRules = 0, 1, 2

var elbv2Service = service{
	kinds: []world.Kind{
		{
			Name: "elbv2.load_balancer", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "no-logs", Share: 0.2, Drift: 0.2}, {Name: "any-header", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.elbv2.load_balancer", it, balancerARN(it)), map[string]posture.Result{
					"aws-elbv2-load-balancer-logging-enabled":      failIf(it.Has("no-logs")),
					"aws-elbv2-load-balancer-drop-invalid-headers": failIf(it.Has("any-header")),
					"aws-elbv2-load-balancer-waf-associated":       posture.Unknown, // web ACLs are not collected
				}
			},
		},
		{
			Name: "elbv2.listener", Count: 3, Fixed: true,
			Defects: []world.Defect{{Name: "old-tls", Share: 0.2, Drift: 0.1}, {Name: "plain-http", Share: 0.2, Drift: 0.1}, {Name: "plain-path", Share: 0.2, Drift: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				tls, redirect := posture.DoesNotApply, posture.DoesNotApply
				switch it.Index {
				case listenerTLS:
					tls = failIf(it.Has("old-tls"))
				case listenerHTTP:
					redirect = failIf(it.Has("plain-http"))
				case listenerRules:
					redirect = failIf(it.Has("plain-path"))
				}
				return keyOf("aws.elbv2.listener", it, listenerARN(it)), map[string]posture.Result{
					"aws-elbv2-listener-tls-minimum":    tls,
					"aws-elbv2-listener-http-redirects": redirect,
				}
			},
		},
	},
	handle: handleELB,
}

func balancerARN(it *world.Item) string {
	return it.ARN("elasticloadbalancing", it.Region, "loadbalancer/app/web/50dc6c495c0c9188")
}

func listenerARN(it *world.Item) string {
	return it.ARN("elasticloadbalancing", it.Region, "listener/app/web/50dc6c495c0c9188/"+it.Hex(16, "listener"))
}

func handleELB(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*elbv2.DescribeLoadBalancersInput]) (*elbv2.DescribeLoadBalancersOutput, error) {
		out := &elbv2.DescribeLoadBalancersOutput{}
		state := at(w, c)
		for _, it := range state.In("elbv2.load_balancer", c.Region) {
			out.LoadBalancers = append(out.LoadBalancers, elbtypes.LoadBalancer{LoadBalancerArn: sdk.String(balancerARN(it)), LoadBalancerName: sdk.String("web"), Type: elbtypes.LoadBalancerTypeEnumApplication, Scheme: elbtypes.LoadBalancerSchemeEnumInternetFacing,
				State: &elbtypes.LoadBalancerState{Code: elbtypes.LoadBalancerStateEnumActive}, AvailabilityZones: []elbtypes.AvailabilityZone{{ZoneName: sdk.String(c.Region + "a")}, {ZoneName: sdk.String(c.Region + "b")}},
				SecurityGroups: []string{ec2ID(state.Find("ec2.security_group", c.Region, groupWeb), "sg")}, CreatedTime: sdk.Time(state.Long(it, 200))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*elbv2.DescribeLoadBalancerAttributesInput]) (*elbv2.DescribeLoadBalancerAttributesOutput, error) {
		state := at(w, c)
		it := state.Find("elbv2.load_balancer", c.Region, 0)
		flag := func(on bool) string {
			if on {
				return "true"
			}
			return "false"
		}
		out := &elbv2.DescribeLoadBalancerAttributesOutput{}
		for _, pair := range [][2]string{
			{"access_logs.s3.enabled", flag(!it.Has("no-logs"))}, {"access_logs.s3.bucket", logBucket(state.Account)}, {"deletion_protection.enabled", "true"},
			{"routing.http.drop_invalid_header_fields.enabled", flag(!it.Has("any-header"))}, {"routing.http.desync_mitigation_mode", "defensive"}, {"load_balancing.cross_zone.enabled", "true"},
		} {
			out.Attributes = append(out.Attributes, elbtypes.LoadBalancerAttribute{Key: sdk.String(pair[0]), Value: sdk.String(pair[1])})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*elbv2.DescribeListenersInput]) (*elbv2.DescribeListenersOutput, error) {
		out := &elbv2.DescribeListenersOutput{}
		for _, it := range at(w, c).In("elbv2.listener", c.Region) {
			l := elbtypes.Listener{ListenerArn: sdk.String(listenerARN(it)), LoadBalancerArn: sdk.String(balancerARN(it)), Protocol: elbtypes.ProtocolEnumHttp, DefaultActions: []elbtypes.Action{forward(it)}}
			switch it.Index {
			case listenerTLS:
				l.Protocol, l.Port, l.SslPolicy = elbtypes.ProtocolEnumHttps, sdk.Int32(443), sdk.String("modern")
				l.Certificates = []elbtypes.Certificate{{CertificateArn: sdk.String(it.ARN("acm", c.Region, "certificate/1"))}}
				if it.Has("old-tls") {
					l.SslPolicy = sdk.String("compatible")
				}
			case listenerHTTP:
				l.Port = sdk.Int32(80)
				if !it.Has("plain-http") {
					l.DefaultActions = []elbtypes.Action{toHTTPS}
				}
			case listenerRules:
				l.Port, l.DefaultActions = sdk.Int32(8080), []elbtypes.Action{closed}
			}
			out.Listeners = append(out.Listeners, l)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*elbv2.DescribeRulesInput]) (*elbv2.DescribeRulesOutput, error) {
		for _, it := range at(w, c).In("elbv2.listener", c.Region) {
			if listenerARN(it) == sdk.ToString(c.Input.ListenerArn) {
				return &elbv2.DescribeRulesOutput{Rules: listenerRuleList(it)}, nil
			}
		}
		return nil, &elbtypes.ListenerNotFoundException{}
	})
	aws.Handle(s, func(aws.Call[*elbv2.DescribeSSLPoliciesInput]) (*elbv2.DescribeSSLPoliciesOutput, error) {
		return &elbv2.DescribeSSLPoliciesOutput{SslPolicies: []elbtypes.SslPolicy{
			{Name: sdk.String("modern"), SslProtocols: []string{"TLSv1.2", "TLSv1.3"}}, {Name: sdk.String("compatible"), SslProtocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2"}}}}, nil
	})
}

var (
	toHTTPS = elbtypes.Action{Type: elbtypes.ActionTypeEnumRedirect, RedirectConfig: &elbtypes.RedirectActionConfig{Protocol: sdk.String("HTTPS"), Port: sdk.String("443"), StatusCode: elbtypes.RedirectActionStatusCodeEnumHttp301}}
	closed  = elbtypes.Action{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: sdk.String("404")}}
)

func forward(it *world.Item) elbtypes.Action {
	return elbtypes.Action{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: sdk.String(it.ARN("elasticloadbalancing", it.Region, "targetgroup/web/1"))}
}

// listenerRuleList is what a listener does with some paths. What it serves without TLS stands behind what it redirects, so
// that half the rules say nothing.
func listenerRuleList(it *world.Item) []elbtypes.Rule {
	rule := func(priority string, action elbtypes.Action) elbtypes.Rule {
		arn := strings.Replace(listenerARN(it), "listener/", "listener-rule/", 1) + "/" + it.Hex(16, "rule"+priority)
		return elbtypes.Rule{RuleArn: sdk.String(arn), IsDefault: sdk.Bool(priority == "default"), Priority: sdk.String(priority), Actions: []elbtypes.Action{action}}
	}
	if it.Index != listenerRules {
		return []elbtypes.Rule{rule("default", forward(it))}
	}
	last := toHTTPS
	if it.Has("plain-path") {
		last = forward(it)
	}
	return []elbtypes.Rule{rule("1", toHTTPS), rule("2", toHTTPS), rule("3", last), rule("default", closed)}
}
