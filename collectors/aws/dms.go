package aws

import (
	"context"
	"encoding/json"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice"
	"github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func dmsReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{replicationInstances, replicationEndpoints, replicationTasks}
}

var replicationInstances = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ReplicationInstanceType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "DatabaseMigrationService.DescribeReplicationInstances", Permission: "dms:DescribeReplicationInstances", Body: collectors.Store},
	},
	Collect: collectReplicationInstances,
}

var replicationEndpoints = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ReplicationEndpointType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		// Every kind of endpoint has settings of its own, many with names and passwords of users.
		{Name: "DatabaseMigrationService.DescribeEndpoints", Permission: "dms:DescribeEndpoints", Body: collectors.Digest},
	},
	Collect: collectReplicationEndpoints,
}

var replicationTasks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ReplicationTaskType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "DatabaseMigrationService.DescribeReplicationTasks", Permission: "dms:DescribeReplicationTasks", Body: collectors.Store},
	},
	Collect: collectReplicationTasks,
}

func collectReplicationInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	list := dms.NewDescribeReplicationInstancesPaginator(dms.NewFromConfig(c.config), &dms.DescribeReplicationInstancesInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *dms.DescribeReplicationInstancesOutput) error {
		for _, i := range page.ReplicationInstances {
			emit(sdk.ToString(i.ReplicationInstanceArn), &schema.ReplicationInstance{
				Meta:                    posture.Meta{Name: sdk.ToString(i.ReplicationInstanceIdentifier), CreatedAt: posture.FromPtr(i.InstanceCreateTime)},
				PubliclyAccessible:      i.PubliclyAccessible,
				AutoMinorVersionUpgrade: i.AutoMinorVersionUpgrade,
				MultiAZ:                 i.MultiAZ,
				KMSKeyID:                sdk.ToString(i.KmsKeyId),
			}, collectors.NotCollected("tags"))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list replication instances: %w", err)
	}
	return nil
}

func collectReplicationEndpoints(ctx context.Context, c *client, emit collectors.Emit) error {
	list := dms.NewDescribeEndpointsPaginator(dms.NewFromConfig(c.config), &dms.DescribeEndpointsInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *dms.DescribeEndpointsOutput) error {
		for _, e := range page.Endpoints {
			emitReplicationEndpoint(e, emit)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list replication endpoints: %w", err)
	}
	return nil
}

func emitReplicationEndpoint(e types.Endpoint, emit collectors.Emit) {
	a := &answer{service: dms.ServiceID, operation: "DescribeEndpoints", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
	endpoint := &schema.ReplicationEndpoint{
		Meta:         posture.Meta{Name: sdk.ToString(e.EndpointIdentifier)},
		EndpointType: string(e.EndpointType),
		EngineName:   told(a, "engine_name", sdk.ToString(e.EngineName)),
		SSLMode:      string(e.SslMode), // "" for engines without one
	}
	if endpoint.EngineName == "redis" {
		endpoint.RedisSSLProtocol = told(a, "redis_ssl_protocol", required(a, "redis_ssl_protocol", e.RedisSettings).SslSecurityProtocol)
	}
	emit(sdk.ToString(e.EndpointArn), endpoint, a.gaps...)
}

func collectReplicationTasks(ctx context.Context, c *client, emit collectors.Emit) error {
	input := &dms.DescribeReplicationTasksInput{MaxRecords: sdk.Int32(100), WithoutSettings: sdk.Bool(false)}
	err := pages(ctx, dms.NewDescribeReplicationTasksPaginator(dms.NewFromConfig(c.config), input), func(page *dms.DescribeReplicationTasksOutput) error {
		for _, t := range page.ReplicationTasks {
			emitReplicationTask(t, emit)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list replication tasks: %w", err)
	}
	return nil
}

// emitReplicationTask finds the logging of a task in its settings, a document inside a string.
func emitReplicationTask(t types.ReplicationTask, emit collectors.Emit) {
	a := &answer{service: dms.ServiceID, operation: "DescribeReplicationTasks", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	task := &schema.ReplicationTask{
		Meta:          posture.Meta{Name: sdk.ToString(t.ReplicationTaskIdentifier), CreatedAt: posture.FromPtr(t.ReplicationTaskCreationDate)},
		Status:        sdk.ToString(t.Status),
		MigrationType: string(t.MigrationType),
	}
	var settings struct {
		Logging *struct {
			EnableLogging bool
			LogComponents []struct{ ID, Severity string }
		}
	}
	if err := json.Unmarshal([]byte(sdk.ToString(t.ReplicationTaskSettings)), &settings); err != nil || settings.Logging == nil {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("Logging in ReplicationTaskSettings"), "logging_enabled", "log_components"))
	} else {
		task.LoggingEnabled = settings.Logging.EnableLogging
		for _, l := range settings.Logging.LogComponents {
			task.LogComponents = append(task.LogComponents, schema.ReplicationLogger{ID: l.ID, Severity: l.Severity})
		}
	}
	emit(sdk.ToString(t.ReplicationTaskArn), task, a.gaps...)
}
