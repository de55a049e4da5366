package account

import (
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice"
	dmstypes "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has two data streams.
var kinesisService = service{
	kinds: []world.Kind{{
		Name: "kinesis.stream", Count: 2, Defects: []world.Defect{{Name: "plain", Share: 0.2, Drift: 0.1}, {Name: "short", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("aws.kinesis.stream", it, it.ARN("kinesis", it.Region, "stream/"+it.Name())), map[string]posture.Result{
				"aws-kinesis-stream-encrypted":         failIf(it.Has("plain")),
				"aws-kinesis-stream-retention-minimum": failIf(it.Has("short")),
			}
		},
	}},
	handle: handleKinesis,
}

func handleKinesis(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*kinesis.ListStreamsInput]) (*kinesis.ListStreamsOutput, error) {
		out := &kinesis.ListStreamsOutput{StreamNames: []string{}, HasMoreStreams: sdk.Bool(false)}
		for _, it := range at(w, c).In("kinesis.stream", c.Region) {
			out.StreamNames = append(out.StreamNames, it.Name())
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*kinesis.DescribeStreamSummaryInput]) (*kinesis.DescribeStreamSummaryOutput, error) {
		state := at(w, c)
		for _, it := range state.In("kinesis.stream", c.Region) {
			if it.Name() != sdk.ToString(c.Input.StreamName) {
				continue
			}
			d := &types.StreamDescriptionSummary{StreamName: c.Input.StreamName, StreamARN: sdk.String(it.ARN("kinesis", c.Region, "stream/"+it.Name())), StreamStatus: types.StreamStatusActive, RetentionPeriodHours: sdk.Int32(168),
				EncryptionType: types.EncryptionTypeKms, KeyId: sdk.String("alias/aws/kinesis"), StreamCreationTimestamp: sdk.Time(state.Long(it, 50)), OpenShardCount: sdk.Int32(4), EnhancedMonitoring: []types.EnhancedMetrics{}}
			if it.Has("plain") {
				d.EncryptionType, d.KeyId = types.EncryptionTypeNone, nil
			}
			if it.Has("short") {
				d.RetentionPeriodHours = sdk.Int32(24)
			}
			return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: d}, nil
		}
		return nil, &types.ResourceNotFoundException{}
	})
}

// Each region copies a database into Redis: a replication instance, three endpoints and a task.
const endpointSource, endpointRedis, endpointFiles = 0, 1, 2

var dmsService = service{
	kinds: []world.Kind{
		{
			Name: "dms.instance", Count: 1, Defects: []world.Defect{{Name: "public", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.dms.replication_instance", it, dmsARN(it, "rep")), map[string]posture.Result{"aws-dms-replication-instance-not-public": failIf(it.Has("public"))}
			},
		},
		{
			Name: "dms.endpoint", Count: 3, Fixed: true, Defects: []world.Defect{{Name: "plaintext", Share: 0.3, Drift: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				verdicts := map[string]posture.Result{"aws-dms-endpoint-tls-enabled": posture.DoesNotApply, "aws-dms-endpoint-redis-tls-enabled": posture.DoesNotApply}
				switch it.Index {
				case endpointSource:
					verdicts["aws-dms-endpoint-tls-enabled"] = failIf(it.Has("plaintext"))
				case endpointRedis:
					verdicts["aws-dms-endpoint-redis-tls-enabled"] = failIf(it.Has("plaintext"))
				}
				return keyOf("aws.dms.endpoint", it, dmsARN(it, "endpoint")), verdicts
			},
		},
		{
			Name: "dms.task", Count: 2, Defects: []world.Defect{{Name: "unlogged", Share: 0.2}, {Name: "coarse-source", Share: 0.2}, {Name: "coarse-target", Drift: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.dms.replication_task", it, dmsARN(it, "task")), map[string]posture.Result{
					"aws-dms-task-source-logging-enabled": failIf(it.Has("unlogged") || it.Has("coarse-source")),
					"aws-dms-task-target-logging-enabled": failIf(it.Has("unlogged") || it.Has("coarse-target")),
				}
			},
		},
	},
	handle: handleDMS,
}

func dmsARN(it *world.Item, kind string) string {
	return it.ARN("dms", it.Region, kind+":"+it.Hex(26, kind))
}

func handleDMS(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*dms.DescribeReplicationInstancesInput]) (*dms.DescribeReplicationInstancesOutput, error) {
		out := &dms.DescribeReplicationInstancesOutput{ReplicationInstances: []dmstypes.ReplicationInstance{}}
		state := at(w, c)
		for _, it := range state.In("dms.instance", c.Region) {
			out.ReplicationInstances = append(out.ReplicationInstances, dmstypes.ReplicationInstance{ReplicationInstanceArn: sdk.String(dmsARN(it, "rep")), ReplicationInstanceIdentifier: sdk.String(it.Name()), PubliclyAccessible: it.Has("public"),
				AutoMinorVersionUpgrade: true, MultiAZ: true, KmsKeyId: sdk.String(it.ARN("kms", c.Region, "key/dms")), InstanceCreateTime: sdk.Time(state.Long(it, 30)), EngineVersion: sdk.String("3.5.4")})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*dms.DescribeEndpointsInput]) (*dms.DescribeEndpointsOutput, error) {
		out := &dms.DescribeEndpointsOutput{Endpoints: []dmstypes.Endpoint{}}
		for _, it := range at(w, c).In("dms.endpoint", c.Region) {
			e := dmstypes.Endpoint{EndpointArn: sdk.String(dmsARN(it, "endpoint")), EndpointIdentifier: sdk.String(it.Name()), EndpointType: dmstypes.ReplicationEndpointTypeValueTarget, SslMode: dmstypes.DmsSslModeValueNone}
			switch it.Index {
			case endpointSource:
				e.EndpointType, e.EngineName, e.Username = dmstypes.ReplicationEndpointTypeValueSource, sdk.String("postgres"), sdk.String("copier")
				if !it.Has("plaintext") {
					e.SslMode = dmstypes.DmsSslModeValueVerifyFull
				}
			case endpointRedis:
				e.EngineName, e.RedisSettings = sdk.String("redis"), &dmstypes.RedisSettings{Port: 6379, ServerName: sdk.String("cache.example.com"), SslSecurityProtocol: dmstypes.SslSecurityProtocolValueSslEncryption}
				if it.Has("plaintext") {
					e.RedisSettings.SslSecurityProtocol = dmstypes.SslSecurityProtocolValuePlaintext
				}
			case endpointFiles:
				e.EngineName = sdk.String("s3")
			}
			out.Endpoints = append(out.Endpoints, e)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*dms.DescribeReplicationTasksInput]) (*dms.DescribeReplicationTasksOutput, error) {
		out := &dms.DescribeReplicationTasksOutput{ReplicationTasks: []dmstypes.ReplicationTask{}}
		state := at(w, c)
		for _, it := range state.In("dms.task", c.Region) {
			severity := func(coarse string) string {
				if it.Has(coarse) {
					return "LOGGER_SEVERITY_ERROR"
				}
				return "LOGGER_SEVERITY_DEFAULT"
			}
			settings := fmt.Sprintf(`{"Logging":{"EnableLogging":%t,"LogComponents":[{"Id":"SOURCE_UNLOAD","Severity":"LOGGER_SEVERITY_DEFAULT"},{"Id":"SOURCE_CAPTURE","Severity":%q},{"Id":"TARGET_LOAD","Severity":%q},{"Id":"TARGET_APPLY","Severity":"LOGGER_SEVERITY_DEBUG"}]}}`,
				!it.Has("unlogged"), severity("coarse-source"), severity("coarse-target"))
			out.ReplicationTasks = append(out.ReplicationTasks, dmstypes.ReplicationTask{ReplicationTaskArn: sdk.String(dmsARN(it, "task")), ReplicationTaskIdentifier: sdk.String(it.Name()), Status: sdk.String("running"),
				MigrationType: dmstypes.MigrationTypeValueFullLoadAndCdc, ReplicationTaskSettings: sdk.String(settings), ReplicationTaskCreationDate: sdk.Time(state.Long(it, 30))})
		}
		return out, nil
	})
}
