package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/datasync"
	synctypes "github.com/aws/aws-sdk-go-v2/service/datasync/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/transfer"
	transfertypes "github.com/aws/aws-sdk-go-v2/service/transfer/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has two state machines, two workgroups of Athena (one of them may be switched off), a transfer server and a
// task of DataSync.
var pipelineService = service{
	kinds: []world.Kind{
		{
			Name: "sfn.state_machine", Count: 2, Defects: []world.Defect{{Name: "log-off", Share: 0.2, Drift: 0.2}, {Name: "never-logged", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.sfn.state_machine", it, it.ARN("states", it.Region, "stateMachine:"+it.Name())), map[string]posture.Result{
					"aws-sfn-state-machine-logging-enabled": failIf(it.Has("log-off") || it.Has("never-logged"))}
			},
		},
		{
			Name: "athena.workgroup", Count: 2, Defects: []world.Defect{{Name: "unmeasured", Share: 0.3, Drift: 0.2}, {Name: "switched-off", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				result := failIf(it.Has("unmeasured"))
				if it.Has("switched-off") {
					result = posture.DoesNotApply
				}
				return keyOf("aws.athena.workgroup", it, it.ARN("athena", it.Region, "workgroup/"+it.Name())), map[string]posture.Result{"aws-athena-workgroup-logging-enabled": result}
			},
		},
		{
			Name: "transfer.server", Count: 1, Defects: []world.Defect{{Name: "ftp", Share: 0.2, Drift: 0.1}, {Name: "unlogged", Share: 0.2}, {Name: "log-role", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.transfer.server", it, it.ARN("transfer", it.Region, "server/"+transferID(it))), map[string]posture.Result{
					"aws-transfer-server-no-ftp":          failIf(it.Has("ftp")),
					"aws-transfer-server-logging-enabled": failIf(it.Has("unlogged") && !it.Has("log-role")),
				}
			},
		},
		{
			Name: "datasync.task", Count: 1, Defects: []world.Defect{{Name: "unlogged", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.datasync.task", it, taskARN(it)), map[string]posture.Result{"aws-datasync-task-logging-enabled": failIf(it.Has("unlogged"))}
			},
		},
	},
	handle: func(s *aws.Server, w *states) {
		handleStateMachines(s, w)
		handleAthena(s, w)
		handleTransfer(s, w)
		handleDataSync(s, w)
	},
}

func transferID(it *world.Item) string { return "s-" + it.Hex(17, "server") }
func taskARN(it *world.Item) string {
	return it.ARN("datasync", it.Region, "task/task-"+it.Hex(17, "task"))
}

func handleStateMachines(s *aws.Server, w *states) {
	id := func(it *world.Item) string { return it.ARN("states", it.Region, "stateMachine:"+it.Name()) }
	aws.Handle(s, func(c aws.Call[*sfn.ListStateMachinesInput]) (*sfn.ListStateMachinesOutput, error) {
		out := &sfn.ListStateMachinesOutput{StateMachines: []sfntypes.StateMachineListItem{}}
		state := at(w, c)
		for _, it := range state.In("sfn.state_machine", c.Region) {
			out.StateMachines = append(out.StateMachines, sfntypes.StateMachineListItem{StateMachineArn: sdk.String(id(it)), Name: sdk.String(it.Name()), Type: sfntypes.StateMachineTypeStandard, CreationDate: sdk.Time(state.Long(it, 30))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*sfn.DescribeStateMachineInput]) (*sfn.DescribeStateMachineOutput, error) {
		state := at(w, c)
		for _, it := range state.In("sfn.state_machine", c.Region) {
			if id(it) != sdk.ToString(c.Input.StateMachineArn) {
				continue
			}
			out := &sfn.DescribeStateMachineOutput{StateMachineArn: c.Input.StateMachineArn, Name: sdk.String(it.Name()), Type: sfntypes.StateMachineTypeStandard, CreationDate: sdk.Time(state.Long(it, 30)), Status: sfntypes.StateMachineStatusActive,
				RoleArn: sdk.String("arn:aws:iam::" + c.Account + ":role/workflow"), Definition: sdk.String("{}"), TracingConfiguration: &sfntypes.TracingConfiguration{Enabled: true}, EncryptionConfiguration: &sfntypes.EncryptionConfiguration{Type: sfntypes.EncryptionTypeAwsOwnedKey}}
			switch group := it.ARN("logs", c.Region, "log-group:/aws/vendedlogs/states/"+it.Name()+":*"); {
			case it.Has("log-off"):
				out.LoggingConfiguration = &sfntypes.LoggingConfiguration{Level: sfntypes.LogLevelOff}
			case !it.Has("never-logged"):
				out.LoggingConfiguration = &sfntypes.LoggingConfiguration{Level: sfntypes.LogLevelError, Destinations: []sfntypes.LogDestination{{CloudWatchLogsLogGroup: &sfntypes.CloudWatchLogsLogGroup{LogGroupArn: sdk.String(group)}}}}
			}
			return out, nil
		}
		return nil, &sfntypes.StateMachineDoesNotExist{}
	})
}

func handleAthena(s *aws.Server, w *states) {
	status := func(it *world.Item) athenatypes.WorkGroupState {
		if it.Has("switched-off") {
			return athenatypes.WorkGroupStateDisabled
		}
		return athenatypes.WorkGroupStateEnabled
	}
	aws.Handle(s, func(c aws.Call[*athena.ListWorkGroupsInput]) (*athena.ListWorkGroupsOutput, error) {
		out := &athena.ListWorkGroupsOutput{WorkGroups: []athenatypes.WorkGroupSummary{}}
		state := at(w, c)
		for _, it := range state.In("athena.workgroup", c.Region) {
			out.WorkGroups = append(out.WorkGroups, athenatypes.WorkGroupSummary{Name: sdk.String(it.Name()), State: status(it), CreationTime: sdk.Time(state.Long(it, 30))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*athena.GetWorkGroupInput]) (*athena.GetWorkGroupOutput, error) {
		for _, it := range at(w, c).In("athena.workgroup", c.Region) {
			if it.Name() == sdk.ToString(c.Input.WorkGroup) {
				return &athena.GetWorkGroupOutput{WorkGroup: &athenatypes.WorkGroup{Name: c.Input.WorkGroup, State: status(it), Configuration: &athenatypes.WorkGroupConfiguration{PublishCloudWatchMetricsEnabled: sdk.Bool(!it.Has("unmeasured")), EnforceWorkGroupConfiguration: sdk.Bool(true),
					ResultConfiguration: &athenatypes.ResultConfiguration{OutputLocation: sdk.String("s3://results-" + c.Account + "/"), EncryptionConfiguration: &athenatypes.EncryptionConfiguration{EncryptionOption: athenatypes.EncryptionOptionSseS3}}}}}, nil
			}
		}
		return nil, &athenatypes.InvalidRequestException{Message: sdk.String("WorkGroup is not found.")}
	})
}

func handleTransfer(s *aws.Server, w *states) {
	role := func(it *world.Item) *string {
		if it.Has("log-role") {
			return sdk.String("arn:aws:iam::" + it.Account.ID + ":role/transfer-logs")
		}
		return nil
	}
	aws.Handle(s, func(c aws.Call[*transfer.ListServersInput]) (*transfer.ListServersOutput, error) {
		out := &transfer.ListServersOutput{Servers: []transfertypes.ListedServer{}}
		for _, it := range at(w, c).In("transfer.server", c.Region) {
			out.Servers = append(out.Servers, transfertypes.ListedServer{Arn: sdk.String(it.ARN("transfer", c.Region, "server/"+transferID(it))), ServerId: sdk.String(transferID(it)), State: transfertypes.StateOnline, EndpointType: transfertypes.EndpointTypeVpc, LoggingRole: role(it)})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*transfer.DescribeServerInput]) (*transfer.DescribeServerOutput, error) {
		for _, it := range at(w, c).In("transfer.server", c.Region) {
			if transferID(it) != sdk.ToString(c.Input.ServerId) {
				continue
			}
			server := &transfertypes.DescribedServer{Arn: sdk.String(it.ARN("transfer", c.Region, "server/"+transferID(it))), ServerId: c.Input.ServerId, State: transfertypes.StateOnline, EndpointType: transfertypes.EndpointTypeVpc, LoggingRole: role(it),
				Protocols: []transfertypes.Protocol{transfertypes.ProtocolSftp}, SecurityPolicyName: sdk.String("TransferSecurityPolicy-2024-01"), Tags: []transfertypes.Tag{{Key: sdk.String("team"), Value: sdk.String("partners")}}}
			if it.Has("ftp") {
				server.Protocols = append(server.Protocols, transfertypes.ProtocolFtp)
			}
			if !it.Has("unlogged") {
				server.StructuredLogDestinations = []string{it.ARN("logs", c.Region, "log-group:/aws/transfer/"+transferID(it)+":*")}
			}
			return &transfer.DescribeServerOutput{Server: server}, nil
		}
		return nil, &transfertypes.ResourceNotFoundException{}
	})
}

func handleDataSync(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*datasync.ListTasksInput]) (*datasync.ListTasksOutput, error) {
		out := &datasync.ListTasksOutput{Tasks: []synctypes.TaskListEntry{}}
		for _, it := range at(w, c).In("datasync.task", c.Region) {
			out.Tasks = append(out.Tasks, synctypes.TaskListEntry{TaskArn: sdk.String(taskARN(it)), Name: sdk.String(it.Name()), Status: synctypes.TaskStatusAvailable, TaskMode: synctypes.TaskModeBasic})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*datasync.DescribeTaskInput]) (*datasync.DescribeTaskOutput, error) {
		state := at(w, c)
		for _, it := range state.In("datasync.task", c.Region) {
			if taskARN(it) != sdk.ToString(c.Input.TaskArn) {
				continue
			}
			out := &datasync.DescribeTaskOutput{TaskArn: c.Input.TaskArn, Name: sdk.String(it.Name()), Status: synctypes.TaskStatusAvailable, TaskMode: synctypes.TaskModeBasic, CreationTime: sdk.Time(state.Long(it, 30)), Options: &synctypes.Options{LogLevel: synctypes.LogLevelTransfer}}
			if it.Has("unlogged") {
				out.Options.LogLevel = synctypes.LogLevelOff
			} else {
				out.CloudWatchLogGroupArn = sdk.String(it.ARN("logs", c.Region, "log-group:/aws/datasync"))
			}
			return out, nil
		}
		return nil, &synctypes.InvalidRequestException{}
	})
}
