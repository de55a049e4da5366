package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/transfer"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// pipelineReaders are those of services that move and query data: Step Functions, Athena, Transfer Family, DataSync.
func pipelineReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{stateMachines, workgroups, transferServers, transferTasks}
}

var stateMachines = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.StateMachineType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SFN.ListStateMachines", Permission: "states:ListStateMachines", Body: collectors.Store},
		{Name: "SFN.DescribeStateMachine", Permission: "states:DescribeStateMachine", Body: collectors.Redact("definition")},
	},
	Collect: collectStateMachines,
}

var workgroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.WorkgroupType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Athena.ListWorkGroups", Permission: "athena:ListWorkGroups", Body: collectors.Store},
		{Name: "Athena.GetWorkGroup", Permission: "athena:GetWorkGroup", Body: collectors.Store},
	},
	Collect: collectWorkgroups,
}

var transferServers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TransferServerType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Transfer.ListServers", Permission: "transfer:ListServers", Body: collectors.Store},
		{Name: "Transfer.DescribeServer", Permission: "transfer:DescribeServer", Body: collectors.Store},
	},
	Collect: collectTransferServers,
}

var transferTasks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TransferTaskType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "DataSync.ListTasks", Permission: "datasync:ListTasks", Body: collectors.Store},
		{Name: "DataSync.DescribeTask", Permission: "datasync:DescribeTask", Body: collectors.Store},
	},
	Collect: collectTransferTasks,
}

func collectStateMachines(ctx context.Context, c *client, emit collectors.Emit) error {
	api := sfn.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, sfn.NewListStateMachinesPaginator(api, &sfn.ListStateMachinesInput{MaxResults: 1000}), func(page *sfn.ListStateMachinesOutput) error {
		for _, m := range page.StateMachines {
			group.Go(func() error {
				machine := &schema.StateMachine{
					Meta:        posture.Meta{Name: sdk.ToString(m.Name), CreatedAt: posture.FromPtr(m.CreationDate)},
					MachineType: string(m.Type),
				}
				emit(sdk.ToString(m.StateMachineArn), machine, readStateMachine(ctx, api, machine, m.StateMachineArn)...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one state machine are its gaps
	if err != nil {
		return fmt.Errorf("list state machines: %w", err)
	}
	return nil
}

// readStateMachine asks for metadata alone, which needs no right to decrypt the definition.
func readStateMachine(ctx context.Context, api *sfn.Client, machine *schema.StateMachine, arn *string) []collectors.Gap {
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	d, err := api.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn, IncludedData: sfntypes.IncludedDataMetadataOnly})
	if err != nil {
		return append(gaps, collectors.Unread(err, "log_level", "log_destination_arns", "encryption_type", "tracing_enabled"))
	}
	machine.LogLevel = string(sfntypes.LogLevelOff) // what an answer without the member means
	if l := d.LoggingConfiguration; l != nil {
		if l.Level != "" {
			machine.LogLevel = string(l.Level)
		}
		for _, to := range l.Destinations {
			if to.CloudWatchLogsLogGroup != nil {
				machine.LogDestinationARNs = append(machine.LogDestinationARNs, sdk.ToString(to.CloudWatchLogsLogGroup.LogGroupArn))
			}
		}
	}
	if e := d.EncryptionConfiguration; e != nil {
		machine.EncryptionType = string(e.Type)
	}
	machine.TracingEnabled = d.TracingConfiguration != nil && d.TracingConfiguration.Enabled
	return gaps
}

func collectWorkgroups(ctx context.Context, c *client, emit collectors.Emit) error {
	api := athena.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(4)
	err := pages(ctx, athena.NewListWorkGroupsPaginator(api, &athena.ListWorkGroupsInput{MaxResults: sdk.Int32(50)}), func(page *athena.ListWorkGroupsOutput) error {
		for _, g := range page.WorkGroups {
			group.Go(func() error {
				workgroup := &schema.Workgroup{
					Meta:  posture.Meta{Name: sdk.ToString(g.Name), CreatedAt: posture.FromPtr(g.CreationTime)},
					State: string(g.State),
				}
				emit(c.arn("athena", "workgroup/"+workgroup.Name), workgroup, readWorkgroup(ctx, api, workgroup)...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one workgroup are its gaps
	if err != nil {
		return fmt.Errorf("list workgroups: %w", err)
	}
	return nil
}

func readWorkgroup(ctx context.Context, api *athena.Client, workgroup *schema.Workgroup) []collectors.Gap {
	a := &answer{service: athena.ServiceID, operation: "GetWorkGroup", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	got, err := api.GetWorkGroup(ctx, &athena.GetWorkGroupInput{WorkGroup: &workgroup.Name})
	if err == nil && (got.WorkGroup == nil || got.WorkGroup.Configuration == nil) {
		err = a.lacks("Configuration")
	}
	if err != nil {
		return append(a.gaps, collectors.Unread(err, "publish_cloudwatch_metrics", "enforce_configuration", "result_encryption",
			"managed_results_enabled", "managed_results_kms_key"))
	}
	settings := got.WorkGroup.Configuration
	workgroup.PublishCloudWatchMetrics = required(a, "publish_cloudwatch_metrics", settings.PublishCloudWatchMetricsEnabled)
	workgroup.EnforceConfiguration = sdk.ToBool(settings.EnforceWorkGroupConfiguration)
	if r := settings.ResultConfiguration; r != nil && r.EncryptionConfiguration != nil {
		workgroup.ResultEncryption.Option = string(r.EncryptionConfiguration.EncryptionOption)
	}
	if m := settings.ManagedQueryResultsConfiguration; m != nil {
		workgroup.ManagedResultsEnabled = m.Enabled
		if m.EncryptionConfiguration != nil {
			workgroup.ManagedResultsKMSKey = sdk.ToString(m.EncryptionConfiguration.KmsKey)
		}
	}
	return a.gaps
}

func collectTransferServers(ctx context.Context, c *client, emit collectors.Emit) error {
	api := transfer.NewFromConfig(c.config)
	err := pages(ctx, transfer.NewListServersPaginator(api, &transfer.ListServersInput{MaxResults: sdk.Int32(1000)}), func(page *transfer.ListServersOutput) error {
		for _, s := range page.Servers {
			server := &schema.TransferServer{
				Meta:           posture.Meta{Name: sdk.ToString(s.ServerId)},
				State:          string(s.State),
				EndpointType:   string(s.EndpointType),
				LoggingRoleARN: sdk.ToString(s.LoggingRole),
			}
			emit(sdk.ToString(s.Arn), server, readTransferServer(ctx, api, server)...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list transfer servers: %w", err)
	}
	return nil
}

func readTransferServer(ctx context.Context, api *transfer.Client, server *schema.TransferServer) []collectors.Gap {
	a := &answer{service: transfer.ServiceID, operation: "DescribeServer", gaps: []collectors.Gap{collectors.NotCollected("created_at")}}
	got, err := api.DescribeServer(ctx, &transfer.DescribeServerInput{ServerId: &server.Name})
	if err == nil && (got.Server == nil || len(got.Server.Protocols) == 0) { // every server has one
		err = a.lacks("Protocols")
	}
	if err != nil {
		return append(a.gaps, collectors.Unread(err, "protocols", "structured_log_destinations", "security_policy_name", "tags"))
	}
	for _, p := range got.Server.Protocols {
		server.Protocols = append(server.Protocols, string(p))
	}
	server.StructuredLogDestinations = got.Server.StructuredLogDestinations
	server.SecurityPolicyName = sdk.ToString(got.Server.SecurityPolicyName)
	server.Tags = map[string]string{}
	for _, t := range got.Server.Tags {
		server.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return a.gaps
}

func collectTransferTasks(ctx context.Context, c *client, emit collectors.Emit) error {
	api := datasync.NewFromConfig(c.config)
	err := pages(ctx, datasync.NewListTasksPaginator(api, &datasync.ListTasksInput{MaxResults: sdk.Int32(100)}), func(page *datasync.ListTasksOutput) error {
		for _, t := range page.Tasks {
			task := &schema.TransferTask{Meta: posture.Meta{Name: sdk.ToString(t.Name)}, Status: string(t.Status), TaskMode: string(t.TaskMode)}
			emit(sdk.ToString(t.TaskArn), task, readTransferTask(ctx, api, task, t.TaskArn)...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list DataSync tasks: %w", err)
	}
	return nil
}

func readTransferTask(ctx context.Context, api *datasync.Client, task *schema.TransferTask, arn *string) []collectors.Gap {
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	d, err := api.DescribeTask(ctx, &datasync.DescribeTaskInput{TaskArn: arn})
	if err != nil {
		return append(gaps, collectors.Unread(err, "log_group_arn", "log_level", "created_at"))
	}
	task.CreatedAt = posture.FromPtr(d.CreationTime)
	task.LogGroupARN = sdk.ToString(d.CloudWatchLogGroupArn)
	if d.Options != nil {
		task.LogLevel = string(d.Options.LogLevel)
	}
	return gaps
}
