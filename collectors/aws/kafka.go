package aws

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/kafka/types"
	"github.com/aws/aws-sdk-go-v2/service/kafkaconnect"
	connect "github.com/aws/aws-sdk-go-v2/service/kafkaconnect/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// brokerReaders are those of MSK, MSK Connect and Amazon MQ.
func brokerReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{kafkaClusters, kafkaConnectors, messageBrokers}
}

var kafkaClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.KafkaClusterType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Kafka.ListClustersV2", Permission: "kafka:ListClustersV2", Body: collectors.Store},
	},
	Collect: collectKafkaClusters,
}

var kafkaConnectors = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.KafkaConnectorType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "KafkaConnect.ListConnectors", Permission: "kafkaconnect:ListConnectors", Body: collectors.Store},
	},
	Collect: collectKafkaConnectors,
}

var messageBrokers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MessageBrokerType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "mq.ListBrokers", Permission: "mq:ListBrokers", Body: collectors.Store},
		{Name: "mq.DescribeBroker", Permission: "mq:DescribeBroker", Body: collectors.Redact("username", "serviceAccountUsername")},
	},
	Collect: collectMessageBrokers,
}

func collectKafkaClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	list := kafka.NewListClustersV2Paginator(kafka.NewFromConfig(c.config), &kafka.ListClustersV2Input{MaxResults: sdk.Int32(100)})
	err := pages(ctx, list, func(page *kafka.ListClustersV2Output) error {
		for _, k := range page.ClusterInfoList {
			emitKafkaCluster(k, emit)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Kafka clusters: %w", err)
	}
	return nil
}

func emitKafkaCluster(k types.Cluster, emit collectors.Emit) {
	a := &answer{service: kafka.ServiceID, operation: "ListClustersV2"}
	cluster := &schema.KafkaCluster{
		Meta:        posture.Meta{Name: sdk.ToString(k.ClusterName), Tags: k.Tags, CreatedAt: posture.FromPtr(k.CreationTime)},
		ClusterType: told(a, "cluster_type", k.ClusterType),
		State:       string(k.State),
	}
	switch p := k.Provisioned; {
	case k.ClusterType == types.ClusterTypeServerless:
		cluster.ClientBrokerEncryption, cluster.InClusterEncryption = string(types.ClientBrokerTls), true
		cluster.SASLIAMEnabled = true
	case p == nil:
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("Provisioned"), "client_broker_encryption", "in_cluster_encryption", "at_rest_kms_key_arn", "public_access_type",
			"unauthenticated_enabled", "sasl_iam_enabled", "tls_auth_enabled", "broker_logs_cloudwatch", "broker_logs_s3", "broker_logs_firehose"))
	default:
		readProvisionedKafka(a, cluster, p)
	}
	emit(sdk.ToString(k.ClusterArn), cluster, a.gaps...)
}

func readProvisionedKafka(a *answer, cluster *schema.KafkaCluster, p *types.Provisioned) {
	encryption := p.EncryptionInfo
	if encryption == nil {
		encryption = &types.EncryptionInfo{}
	}
	if transit := encryption.EncryptionInTransit; transit != nil {
		cluster.ClientBrokerEncryption = told(a, "client_broker_encryption", transit.ClientBroker)
		cluster.InClusterEncryption = required(a, "in_cluster_encryption", transit.InCluster)
	} else {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("EncryptionInTransit"), "client_broker_encryption", "in_cluster_encryption"))
	}
	if rest := encryption.EncryptionAtRest; rest != nil {
		cluster.AtRestKMSKeyARN = sdk.ToString(rest.DataVolumeKMSKeyId)
	}
	if nodes := p.BrokerNodeGroupInfo; nodes != nil && nodes.ConnectivityInfo != nil && nodes.ConnectivityInfo.PublicAccess != nil {
		cluster.PublicAccessType = sdk.ToString(nodes.ConnectivityInfo.PublicAccess.Type)
	}
	if auth := p.ClientAuthentication; auth != nil {
		cluster.UnauthenticatedEnabled = auth.Unauthenticated != nil && sdk.ToBool(auth.Unauthenticated.Enabled)
		cluster.SASLIAMEnabled = auth.Sasl != nil && auth.Sasl.Iam != nil && sdk.ToBool(auth.Sasl.Iam.Enabled)
		cluster.TLSAuthEnabled = auth.Tls != nil && sdk.ToBool(auth.Tls.Enabled)
	} else { // a cluster without any of the ways to authenticate lets everyone in
		cluster.UnauthenticatedEnabled = true
	}
	if logging := p.LoggingInfo; logging != nil && logging.BrokerLogs != nil {
		logs := logging.BrokerLogs
		cluster.BrokerLogsCloudWatch = logs.CloudWatchLogs != nil && sdk.ToBool(logs.CloudWatchLogs.Enabled)
		cluster.BrokerLogsS3 = logs.S3 != nil && sdk.ToBool(logs.S3.Enabled)
		cluster.BrokerLogsFirehose = logs.Firehose != nil && sdk.ToBool(logs.Firehose.Enabled)
	}
}

func collectKafkaConnectors(ctx context.Context, c *client, emit collectors.Emit) error {
	list := kafkaconnect.NewListConnectorsPaginator(kafkaconnect.NewFromConfig(c.config), &kafkaconnect.ListConnectorsInput{MaxResults: sdk.Int32(100)})
	err := pages(ctx, list, func(page *kafkaconnect.ListConnectorsOutput) error {
		for _, k := range page.Connectors {
			connector := &schema.KafkaConnector{
				Meta:                posture.Meta{Name: sdk.ToString(k.ConnectorName), CreatedAt: posture.FromPtr(k.CreationTime)},
				State:               string(k.ConnectorState),
				EncryptionInTransit: string(connect.KafkaClusterEncryptionInTransitTypePlaintext), // what an answer without the member means
			}
			if transit := k.KafkaClusterEncryptionInTransit; transit != nil && transit.EncryptionType != "" {
				connector.EncryptionInTransit = string(transit.EncryptionType)
			}
			if k.LogDelivery != nil && k.LogDelivery.WorkerLogDelivery != nil {
				logs := k.LogDelivery.WorkerLogDelivery
				connector.LogDeliveryEnabled = logs.CloudWatchLogs != nil && logs.CloudWatchLogs.Enabled ||
					logs.S3 != nil && logs.S3.Enabled || logs.Firehose != nil && logs.Firehose.Enabled
			}
			emit(sdk.ToString(k.ConnectorArn), connector, collectors.NotCollected("tags"))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Kafka connectors: %w", err)
	}
	return nil
}

func collectMessageBrokers(ctx context.Context, c *client, emit collectors.Emit) error {
	api := mq.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, mq.NewListBrokersPaginator(api, &mq.ListBrokersInput{MaxResults: sdk.Int32(100)}), func(page *mq.ListBrokersOutput) error {
		for _, b := range page.BrokerSummaries {
			group.Go(func() error {
				broker := &schema.MessageBroker{
					Meta:           posture.Meta{Name: sdk.ToString(b.BrokerName), CreatedAt: posture.FromPtr(b.Created)},
					EngineType:     strings.ToUpper(string(b.EngineType)),
					State:          string(b.BrokerState),
					DeploymentMode: string(b.DeploymentMode),
				}
				emit(sdk.ToString(b.BrokerArn), broker, readMessageBroker(ctx, api, broker, b.BrokerId)...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one broker are its gaps
	if err != nil {
		return fmt.Errorf("list message brokers: %w", err)
	}
	return nil
}

func readMessageBroker(ctx context.Context, api *mq.Client, broker *schema.MessageBroker, id *string) []collectors.Gap {
	described, err := api.DescribeBroker(ctx, &mq.DescribeBrokerInput{BrokerId: id})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "publicly_accessible", "logs", "auto_minor_version_upgrade", "tags")}
	}
	a := &answer{service: mq.ServiceID, operation: "DescribeBroker"}
	broker.Tags = described.Tags
	broker.PubliclyAccessible = required(a, "publicly_accessible", described.PubliclyAccessible)
	broker.AutoMinorVersionUpgrade = sdk.ToBool(described.AutoMinorVersionUpgrade)
	logs := required(a, "logs", described.Logs)
	broker.Logs = schema.BrokerLogs{General: sdk.ToBool(logs.General), Audit: sdk.ToBool(logs.Audit)}
	return a.gaps
}
