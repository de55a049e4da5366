package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// KafkaCluster is one MSK cluster. Serverless ones always speak TLS and know their callers by IAM.
// Source: ListClustersV2.
//
//posture:type aws.kafka.cluster
type KafkaCluster struct {
	posture.Meta
	ClusterType            string `json:"cluster_type"` // PROVISIONED or SERVERLESS
	State                  string `json:"state"`
	ClientBrokerEncryption string `json:"client_broker_encryption"` // TLS, TLS_PLAINTEXT or PLAINTEXT
	InClusterEncryption    bool   `json:"in_cluster_encryption"`
	AtRestKMSKeyARN        string `json:"at_rest_kms_key_arn"`
	PublicAccessType       string `json:"public_access_type"` // DISABLED, SERVICE_PROVIDED_EIPS or ""
	UnauthenticatedEnabled bool   `json:"unauthenticated_enabled"`
	SASLIAMEnabled         bool   `json:"sasl_iam_enabled"`
	TLSAuthEnabled         bool   `json:"tls_auth_enabled"`
	BrokerLogsCloudWatch   bool   `json:"broker_logs_cloudwatch"`
	BrokerLogsS3           bool   `json:"broker_logs_s3"`
	BrokerLogsFirehose     bool   `json:"broker_logs_firehose"`
}

// KafkaConnector is one MSK Connect connector.
// Source: ListConnectors.
//
//posture:type aws.kafkaconnect.connector
type KafkaConnector struct {
	posture.Meta
	State               string `json:"state"`
	EncryptionInTransit string `json:"encryption_in_transit"` // PLAINTEXT or TLS
	LogDeliveryEnabled  bool   `json:"log_delivery_enabled"`
}

// MessageBroker is one Amazon MQ broker.
// Source: ListBrokers, DescribeBroker.
//
//posture:type aws.mq.broker
type MessageBroker struct {
	posture.Meta
	EngineType              string     `json:"engine_type"` // ACTIVEMQ or RABBITMQ
	State                   string     `json:"state"`
	PubliclyAccessible      bool       `json:"publicly_accessible"`
	Logs                    BrokerLogs `json:"logs"`
	AutoMinorVersionUpgrade bool       `json:"auto_minor_version_upgrade"`
	DeploymentMode          string     `json:"deployment_mode"`
}

// BrokerLogs is what a broker sends to CloudWatch.
type BrokerLogs struct {
	General bool `json:"general"`
	Audit   bool `json:"audit"` // RabbitMQ has none
}
