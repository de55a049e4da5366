package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// StateMachine is one Step Functions state machine, without its definition.
// Source: ListStateMachines, DescribeStateMachine.
//
//posture:type aws.sfn.state_machine
type StateMachine struct {
	posture.Meta
	MachineType        string   `json:"machine_type"` // STANDARD or EXPRESS
	LogLevel           string   `json:"log_level"`    // ALL, ERROR, FATAL or OFF
	LogDestinationARNs []string `json:"log_destination_arns"`
	EncryptionType     string   `json:"encryption_type"` // "": a key of AWS
	TracingEnabled     bool     `json:"tracing_enabled"`
}

// Workgroup is one Athena workgroup.
// Source: ListWorkGroups, GetWorkGroup.
//
//posture:type aws.athena.workgroup
type Workgroup struct {
	posture.Meta
	State                    string              `json:"state"` // ENABLED or DISABLED
	PublishCloudWatchMetrics bool                `json:"publish_cloudwatch_metrics"`
	EnforceConfiguration     bool                `json:"enforce_configuration"` // clients cannot choose other settings
	ResultEncryption         WorkgroupEncryption `json:"result_encryption"`
	ManagedResultsEnabled    bool                `json:"managed_results_enabled"` // Athena keeps results itself, encrypted
	ManagedResultsKMSKey     string              `json:"managed_results_kms_key"`
}

// WorkgroupEncryption is how a workgroup encrypts results in S3.
type WorkgroupEncryption struct {
	Option string `json:"option"` // SSE_S3, SSE_KMS, CSE_KMS; "": not set
}

// TransferServer is one Transfer Family server.
// Source: ListServers, DescribeServer.
//
//posture:type aws.transfer.server
type TransferServer struct {
	posture.Meta
	State                     string   `json:"state"`
	Protocols                 []string `json:"protocols"` // SFTP, FTPS, FTP, AS2
	EndpointType              string   `json:"endpoint_type"`
	LoggingRoleARN            string   `json:"logging_role_arn"`
	StructuredLogDestinations []string `json:"structured_log_destinations"`
	SecurityPolicyName        string   `json:"security_policy_name"`
}

// TransferTask is one DataSync task.
// Source: ListTasks, DescribeTask.
//
//posture:type aws.datasync.task
type TransferTask struct {
	posture.Meta
	Status      string `json:"status" volatile:"true"`
	TaskMode    string `json:"task_mode"`
	LogGroupARN string `json:"log_group_arn"` // "": no log
	LogLevel    string `json:"log_level"`
}
