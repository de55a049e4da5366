package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/kafka/types"
	"github.com/aws/aws-sdk-go-v2/service/kafkaconnect"
	connect "github.com/aws/aws-sdk-go-v2/service/kafkaconnect/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	mqtypes "github.com/aws/aws-sdk-go-v2/service/mq/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has two Kafka clusters, the second serverless and without flaws, a connector and two brokers, the second of
// RabbitMQ.
var brokerService = service{
	kinds: []world.Kind{
		{
			Name: "kafka.cluster", Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "plaintext", Share: 0.2}, {Name: "mixed", Share: 0.1, Drift: 0.1}, {Name: "plain-inside", Share: 0.2}, {Name: "public", Drift: 0.2}, {Name: "anonymous", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				provisioned := it.Index == 0
				return keyOf("aws.kafka.cluster", it, kafkaARN(it)), map[string]posture.Result{
					"aws-kafka-cluster-tls-enabled": failIf(provisioned && (it.Has("plaintext") || it.Has("mixed") || it.Has("plain-inside"))),
					"aws-kafka-cluster-not-public":  failIf(provisioned && (it.Has("public") || it.Has("anonymous"))),
				}
			},
		},
		{
			Name: "kafkaconnect.connector", Count: 1, Defects: []world.Defect{{Name: "plaintext", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.kafkaconnect.connector", it, connectorARN(it)), map[string]posture.Result{"aws-kafkaconnect-connector-tls-enabled": failIf(it.Has("plaintext"))}
			},
		},
		{
			Name: "mq.broker", Count: 2, Fixed: true, Defects: []world.Defect{{Name: "unlogged", Share: 0.2, Drift: 0.1}, {Name: "no-audit", Share: 0.3}, {Name: "public", Share: 0.1, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.mq.broker", it, brokerARN(it)), map[string]posture.Result{
					"aws-mq-broker-logging-enabled": failIf(it.Has("unlogged") || it.Index == 0 && it.Has("no-audit")),
					"aws-mq-broker-not-public":      failIf(it.Has("public")),
				}
			},
		},
	},
	handle: handleBrokers,
}

func kafkaARN(it *world.Item) string {
	return it.ARN("kafka", it.Region, "cluster/"+it.Name()+"/"+it.Hex(8, "kafka"))
}

func connectorARN(it *world.Item) string {
	return it.ARN("kafkaconnect", it.Region, "connector/"+it.Name()+"/"+it.Hex(8, "connector"))
}

func brokerARN(it *world.Item) string {
	return it.ARN("mq", it.Region, "broker:"+it.Name()+":b-"+it.Hex(8, "broker"))
}

func handleBrokers(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*kafka.ListClustersV2Input]) (*kafka.ListClustersV2Output, error) {
		out := &kafka.ListClustersV2Output{ClusterInfoList: []types.Cluster{}}
		state := at(w, c)
		for _, it := range state.In("kafka.cluster", c.Region) {
			out.ClusterInfoList = append(out.ClusterInfoList, kafkaCluster(state, it))
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*kafkaconnect.ListConnectorsInput]) (*kafkaconnect.ListConnectorsOutput, error) {
		out := &kafkaconnect.ListConnectorsOutput{Connectors: []connect.ConnectorSummary{}}
		state := at(w, c)
		for _, it := range state.In("kafkaconnect.connector", c.Region) {
			encryption := connect.KafkaClusterEncryptionInTransitTypeTls
			if it.Has("plaintext") {
				encryption = connect.KafkaClusterEncryptionInTransitTypePlaintext
			}
			out.Connectors = append(out.Connectors, connect.ConnectorSummary{ConnectorArn: sdk.String(connectorARN(it)), ConnectorName: sdk.String(it.Name()), ConnectorState: connect.ConnectorStateRunning, CreationTime: sdk.Time(state.Long(it, 40)),
				KafkaClusterEncryptionInTransit: &connect.KafkaClusterEncryptionInTransitDescription{EncryptionType: encryption},
				LogDelivery:                     &connect.LogDeliveryDescription{WorkerLogDelivery: &connect.WorkerLogDeliveryDescription{CloudWatchLogs: &connect.CloudWatchLogsLogDeliveryDescription{Enabled: true, LogGroup: sdk.String("/msk/connect")}}}})
		}
		return out, nil
	})
	engine := func(it *world.Item) mqtypes.EngineType {
		if it.Index == 0 {
			return mqtypes.EngineTypeActivemq
		}
		return mqtypes.EngineTypeRabbitmq
	}
	aws.Handle(s, func(c aws.Call[*mq.ListBrokersInput]) (*mq.ListBrokersOutput, error) {
		out := &mq.ListBrokersOutput{BrokerSummaries: []mqtypes.BrokerSummary{}}
		state := at(w, c)
		for _, it := range state.In("mq.broker", c.Region) {
			out.BrokerSummaries = append(out.BrokerSummaries, mqtypes.BrokerSummary{BrokerArn: sdk.String(brokerARN(it)), BrokerId: sdk.String("b-" + it.Hex(8, "broker")), BrokerName: sdk.String(it.Name()), BrokerState: mqtypes.BrokerStateRunning,
				EngineType: engine(it), DeploymentMode: mqtypes.DeploymentModeSingleInstance, Created: sdk.Time(state.Long(it, 40))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*mq.DescribeBrokerInput]) (*mq.DescribeBrokerOutput, error) {
		state := at(w, c)
		for _, it := range state.In("mq.broker", c.Region) {
			if "b-"+it.Hex(8, "broker") == sdk.ToString(c.Input.BrokerId) {
				return &mq.DescribeBrokerOutput{BrokerArn: sdk.String(brokerARN(it)), BrokerId: c.Input.BrokerId, BrokerName: sdk.String(it.Name()), BrokerState: mqtypes.BrokerStateRunning, EngineType: engine(it), DeploymentMode: mqtypes.DeploymentModeSingleInstance,
					PubliclyAccessible: sdk.Bool(it.Has("public")), AutoMinorVersionUpgrade: sdk.Bool(true), Created: sdk.Time(state.Long(it, 40)), Tags: map[string]string{"team": "platform"},
					Logs: &mqtypes.LogsSummary{General: sdk.Bool(!it.Has("unlogged")), GeneralLogGroup: sdk.String("/aws/amazonmq/general"), Audit: sdk.Bool(it.Index == 0 && !it.Has("no-audit"))}}, nil
			}
		}
		return nil, &mqtypes.NotFoundException{}
	})
}

func kafkaCluster(state *world.State, it *world.Item) types.Cluster {
	k := types.Cluster{ClusterArn: sdk.String(kafkaARN(it)), ClusterName: sdk.String(it.Name()), ClusterType: types.ClusterTypeServerless, State: types.ClusterStateActive, CreationTime: sdk.Time(state.Long(it, 100)), Tags: map[string]string{"team": "events"}}
	if it.Index > 0 {
		k.Serverless = &types.Serverless{VpcConfigs: []types.VpcConfig{{SubnetIds: []string{ec2ID(state.Find("ec2.subnet", it.Region, 3), "subnet")}}}}
		return k
	}
	between, access := types.ClientBrokerTls, "DISABLED"
	switch {
	case it.Has("plaintext"):
		between = types.ClientBrokerPlaintext
	case it.Has("mixed"):
		between = types.ClientBrokerTlsPlaintext
	}
	if it.Has("public") {
		access = "SERVICE_PROVIDED_EIPS"
	}
	k.ClusterType = types.ClusterTypeProvisioned
	k.Provisioned = &types.Provisioned{NumberOfBrokerNodes: sdk.Int32(3),
		BrokerNodeGroupInfo: &types.BrokerNodeGroupInfo{ClientSubnets: []string{ec2ID(state.Find("ec2.subnet", it.Region, 3), "subnet")}, InstanceType: sdk.String("kafka.m7g.large"), ConnectivityInfo: &types.ConnectivityInfo{PublicAccess: &types.PublicAccess{Type: sdk.String(access)}}},
		EncryptionInfo: &types.EncryptionInfo{EncryptionInTransit: &types.EncryptionInTransit{ClientBroker: between, InCluster: sdk.Bool(!it.Has("plain-inside"))},
			EncryptionAtRest: &types.EncryptionAtRest{DataVolumeKMSKeyId: sdk.String(it.ARN("kms", it.Region, "key/kafka"))}},
		ClientAuthentication: &types.ClientAuthentication{Sasl: &types.Sasl{Iam: &types.Iam{Enabled: sdk.Bool(!it.Has("anonymous"))}}, Unauthenticated: &types.Unauthenticated{Enabled: sdk.Bool(it.Has("anonymous"))}},
		LoggingInfo:          &types.LoggingInfo{BrokerLogs: &types.BrokerLogs{CloudWatchLogs: &types.CloudWatchLogs{Enabled: sdk.Bool(true), LogGroup: sdk.String("/msk/broker")}}}}
	return k
}
