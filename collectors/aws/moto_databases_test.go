package aws_test

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancer "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func databaseVerdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-rds-instance-encrypted":              {pass: "good-db", fail: "bad-db"},
		"aws-rds-instance-not-public":             {pass: "good-db", fail: "bad-db", unknown: "member-db"},
		"aws-rds-instance-backup-enabled":         {pass: "good-db", fail: "bad-db", exempt: "member-db replica-db"},
		"aws-rds-instance-copy-tags-to-snapshots": {pass: "good-db", fail: "bad-db", exempt: "member-db"},
		"aws-rds-instance-deletion-protection":    {pass: "good-db member-db", fail: "bad-db"},
		"aws-rds-instance-iam-auth-enabled":       {pass: "good-db", fail: "bad-db", exempt: "oracle-db"},
		"aws-rds-instance-logs-exported":          {pass: "good-db", fail: "bad-db oracle-db", exempt: "member-db"},
		"aws-rds-instance-tls-forced":             {pass: "good-db", fail: "bad-db", exempt: "oracle-db", unknown: "member-db"},
		"aws-rds-cluster-encrypted":               {pass: "good-cluster", fail: "bad-cluster"},
		"aws-rds-cluster-logs-exported":           {pass: "good-cluster", fail: "bad-cluster"},
		"aws-rds-snapshot-encrypted":              {pass: "good-copy", fail: "bad-copy"},
		"aws-rds-snapshot-not-public":             {pass: "good-copy lent-copy", fail: "bad-copy"},
		"aws-rds-cluster-snapshot-encrypted":      {pass: "good-cluster-copy", fail: "bad-cluster-copy"},
		"aws-rds-cluster-snapshot-not-public":     {pass: "good-cluster-copy", fail: "bad-cluster-copy"},

		"aws-elbv2-load-balancer-logging-enabled":      {pass: "good-lb", fail: "bad-lb inner-lb", exempt: "net-lb"},
		"aws-elbv2-load-balancer-drop-invalid-headers": {pass: "good-lb", fail: "bad-lb", exempt: "net-lb"},
		"aws-elbv2-load-balancer-waf-associated":       {exempt: "inner-lb net-lb"},
		"aws-elbv2-listener-http-redirects":            {pass: "redirect refuse", fail: "plain-http mixed", exempt: "modern"},
		"aws-elbv2-listener-tls-minimum":               {pass: "modern", fail: "dated", exempt: "redirect"},
	}
}

func buildDatabases(b *builder) {
	api := rds.NewFromConfig(b.config(tended, east))
	yes, no := sdk.Bool(true), sdk.Bool(false)
	do(b, api.CreateDBParameterGroup, &rds.CreateDBParameterGroupInput{
		DBParameterGroupName: sdk.String("forced"), DBParameterGroupFamily: sdk.String("postgres16"), Description: sdk.String("TLS only"),
	})
	do(b, api.ModifyDBParameterGroup, &rds.ModifyDBParameterGroupInput{
		DBParameterGroupName: sdk.String("forced"), Parameters: []types.Parameter{{
			ParameterName: sdk.String("rds.force_ssl"), ParameterValue: sdk.String("1"), ApplyMethod: types.ApplyMethodImmediate,
		}},
	})
	instance := func(label, engine string, input rds.CreateDBInstanceInput) {
		input.DBInstanceIdentifier, input.Engine, input.DBInstanceClass = &label, &engine, sdk.String("db.m5.large")
		if input.DBClusterIdentifier == nil {
			input.AllocatedStorage, input.MasterUsername, input.MasterUserPassword = sdk.Int32(20), sdk.String("root"), sdk.String("correct-horse")
		}
		b.name(label, tended, east, *do(b, api.CreateDBInstance, &input).DBInstance.DBInstanceArn)
	}
	instance("good-db", "postgres", rds.CreateDBInstanceInput{
		StorageEncrypted: yes, PubliclyAccessible: no, BackupRetentionPeriod: sdk.Int32(14), DeletionProtection: yes,
		CopyTagsToSnapshot: yes, EnableIAMDatabaseAuthentication: yes, EnableCloudwatchLogsExports: []string{"postgresql"},
		DBParameterGroupName: sdk.String("forced"),
	})
	instance("bad-db", "mysql", rds.CreateDBInstanceInput{
		StorageEncrypted: no, PubliclyAccessible: yes, BackupRetentionPeriod: sdk.Int32(1), DeletionProtection: no,
		CopyTagsToSnapshot: no, EnableIAMDatabaseAuthentication: no, EnableCloudwatchLogsExports: []string{"error"},
	})
	instance("oracle-db", "oracle-se2", rds.CreateDBInstanceInput{StorageEncrypted: yes, PubliclyAccessible: no, EnableCloudwatchLogsExports: []string{"alert"}})
	replica := do(b, api.CreateDBInstanceReadReplica, &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: sdk.String("replica-db"), SourceDBInstanceIdentifier: sdk.String("good-db"), DBInstanceClass: sdk.String("db.m5.large"),
	})
	b.name("replica-db", tended, east, *replica.DBInstance.DBInstanceArn)

	for label, cluster := range map[string]rds.CreateDBClusterInput{
		"good-cluster": {Engine: sdk.String("aurora-postgresql"), StorageEncrypted: yes, DeletionProtection: yes, EnableCloudwatchLogsExports: []string{"postgresql"}},
		"bad-cluster":  {Engine: sdk.String("aurora-mysql"), StorageEncrypted: no, EnableCloudwatchLogsExports: []string{"slowquery"}},
	} {
		cluster.DBClusterIdentifier, cluster.MasterUsername, cluster.MasterUserPassword = &label, sdk.String("root"), sdk.String("correct-horse")
		b.name(label, tended, east, *do(b, api.CreateDBCluster, &cluster).DBCluster.DBClusterArn)
	}
	instance("member-db", "aurora-postgresql", rds.CreateDBInstanceInput{DBClusterIdentifier: sdk.String("good-cluster")})
	buildDatabaseSnapshots(b, api)
}

// buildDatabaseSnapshots copies good and bad databases, and shares the bad copies with everybody.
func buildDatabaseSnapshots(b *builder, api *rds.Client) {
	for copied, of := range map[string]string{"good-copy": "good-db", "lent-copy": "good-db", "bad-copy": "bad-db"} {
		made := do(b, api.CreateDBSnapshot, &rds.CreateDBSnapshotInput{DBSnapshotIdentifier: &copied, DBInstanceIdentifier: &of})
		b.name(copied, tended, east, *made.DBSnapshot.DBSnapshotArn)
	}
	for copied, with := range map[string]string{"lent-copy": neglected, "bad-copy": "all"} {
		do(b, api.ModifyDBSnapshotAttribute, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: &copied, AttributeName: sdk.String("restore"), ValuesToAdd: []string{with},
		})
	}
	for copied, of := range map[string]string{"good-cluster-copy": "good-cluster", "bad-cluster-copy": "bad-cluster"} {
		made := do(b, api.CreateDBClusterSnapshot, &rds.CreateDBClusterSnapshotInput{DBClusterSnapshotIdentifier: &copied, DBClusterIdentifier: &of})
		b.name(copied, tended, east, *made.DBClusterSnapshot.DBClusterSnapshotArn)
	}
	do(b, api.ModifyDBClusterSnapshotAttribute, &rds.ModifyDBClusterSnapshotAttributeInput{
		DBClusterSnapshotIdentifier: sdk.String("bad-cluster-copy"), AttributeName: sdk.String("restore"), ValuesToAdd: []string{"all"},
	})
}

const dropInvalid = "routing.http.drop_invalid_header_fields.enabled"

func buildBalancers(b *builder) {
	n := network{b, ec2.NewFromConfig(b.config(tended, east))}
	vpc := n.vpc("front", "10.9.0.0/16")
	var subnets []string
	for zone, block := range map[string]string{"us-east-1a": "10.9.1.0/24", "us-east-1b": "10.9.2.0/24"} {
		subnets = append(subnets, *do(b, n.api.CreateSubnet, &ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: &block, AvailabilityZone: &zone}).Subnet.SubnetId)
	}
	certificate := do(b, iam.NewFromConfig(b.config(tended, east)).UploadServerCertificate, &iam.UploadServerCertificateInput{
		ServerCertificateName: sdk.String("front"), CertificateBody: sdk.String("certificate"), PrivateKey: sdk.String("key"),
	}).ServerCertificateMetadata.Arn

	api := elb.NewFromConfig(b.config(tended, east))
	create := func(label string, kind balancer.LoadBalancerTypeEnum, scheme balancer.LoadBalancerSchemeEnum) *string {
		made := do(b, api.CreateLoadBalancer, &elb.CreateLoadBalancerInput{Name: &label, Type: kind, Scheme: scheme, Subnets: subnets})
		b.name(label, tended, east, *made.LoadBalancers[0].LoadBalancerArn)
		return made.LoadBalancers[0].LoadBalancerArn
	}
	const public, inner = balancer.LoadBalancerSchemeEnumInternetFacing, balancer.LoadBalancerSchemeEnumInternal
	good := create("good-lb", balancer.LoadBalancerTypeEnumApplication, public)
	bad := create("bad-lb", balancer.LoadBalancerTypeEnumApplication, public)
	inside := create("inner-lb", balancer.LoadBalancerTypeEnumApplication, inner)
	streams := create("net-lb", balancer.LoadBalancerTypeEnumNetwork, public)
	set := func(on *string, values map[string]string) {
		var list []balancer.LoadBalancerAttribute
		for key, value := range values {
			list = append(list, balancer.LoadBalancerAttribute{Key: &key, Value: &value})
		}
		do(b, api.ModifyLoadBalancerAttributes, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: on, Attributes: list})
	}
	set(good, map[string]string{"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", dropInvalid: "true"})
	for _, on := range []*string{bad, inside} { // a load balancer of AWS has every attribute from the start
		set(on, map[string]string{dropInvalid: "false", "access_logs.s3.enabled": "false"})
	}
	set(streams, map[string]string{"access_logs.s3.enabled": "false"})

	targets := do(b, api.CreateTargetGroup, &elb.CreateTargetGroupInput{
		Name: sdk.String("hosts"), Protocol: balancer.ProtocolEnumHttp, Port: sdk.Int32(8080), VpcId: vpc,
	}).TargetGroups[0].TargetGroupArn
	forward := balancer.Action{Type: balancer.ActionTypeEnumForward, TargetGroupArn: targets}
	refuse := balancer.Action{Type: balancer.ActionTypeEnumFixedResponse, FixedResponseConfig: &balancer.FixedResponseActionConfig{StatusCode: sdk.String("404")}}
	redirect := balancer.Action{Type: balancer.ActionTypeEnumRedirect, RedirectConfig: &balancer.RedirectActionConfig{
		Protocol: sdk.String("HTTPS"), Port: sdk.String("443"), StatusCode: balancer.RedirectActionStatusCodeEnumHttp301,
	}}
	listen := func(label string, on *string, port int32, policy string, action balancer.Action) *string {
		input := &elb.CreateListenerInput{
			LoadBalancerArn: on, Port: &port, Protocol: balancer.ProtocolEnumHttp, DefaultActions: []balancer.Action{action},
		}
		if policy != "" {
			input.Protocol, input.SslPolicy = balancer.ProtocolEnumHttps, &policy
			input.Certificates = []balancer.Certificate{{CertificateArn: certificate}}
		}
		made := do(b, api.CreateListener, input).Listeners[0].ListenerArn
		b.name(label, tended, east, *made)
		return made
	}
	listen("redirect", good, 80, "", redirect)
	listen("modern", good, 443, "ELBSecurityPolicy-TLS13-1-2-2021-06", forward)
	listen("plain-http", bad, 80, "", forward)
	listen("dated", bad, 443, "ELBSecurityPolicy-2016-08", forward)
	listen("refuse", bad, 81, "", refuse)
	mixed := listen("mixed", bad, 82, "", refuse) // refuses but for one path, which it serves without TLS
	do(b, api.CreateRule, &elb.CreateRuleInput{
		ListenerArn: mixed, Priority: sdk.Int32(1), Actions: []balancer.Action{forward},
		Conditions: []balancer.RuleCondition{{Field: sdk.String("path-pattern"), Values: []string{"/status"}}},
	})
}
