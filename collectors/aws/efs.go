package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	"github.com/aws/aws-sdk-go-v2/service/efs/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func efsReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{fileSystems} }

var fileSystems = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FileSystemType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "EFS.DescribeFileSystems", Permission: "elasticfilesystem:DescribeFileSystems", Body: collectors.Store},
		{Name: "EFS.DescribeBackupPolicy", Permission: "elasticfilesystem:DescribeBackupPolicy", Body: collectors.Store},
		{Name: "EFS.DescribeFileSystemPolicy", Permission: "elasticfilesystem:DescribeFileSystemPolicy", Body: collectors.Store},
	},
	Collect: collectFileSystems,
}

func collectFileSystems(ctx context.Context, c *client, emit collectors.Emit) error {
	api := efs.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := efs.NewDescribeFileSystemsPaginator(api, &efs.DescribeFileSystemsInput{MaxItems: sdk.Int32(100)})
	err := pages(ctx, list, func(page *efs.DescribeFileSystemsOutput) error {
		for _, f := range page.FileSystems {
			group.Go(func() error {
				a := &answer{service: efs.ServiceID, operation: "DescribeFileSystems"}
				system := newFileSystem(f, a)
				emit(c.arn("elasticfilesystem", "file-system/"+sdk.ToString(f.FileSystemId)), system, append(a.gaps, readFileSystem(ctx, api, f.FileSystemId, system)...)...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of single file systems are gaps
	if err != nil {
		return fmt.Errorf("list file systems: %w", err)
	}
	return nil
}

func newFileSystem(f types.FileSystemDescription, a *answer) *schema.FileSystem {
	system := &schema.FileSystem{
		Meta:                 posture.Meta{Name: sdk.ToString(f.Name), CreatedAt: posture.FromPtr(f.CreationTime), Tags: map[string]string{}},
		State:                string(f.LifeCycleState),
		Encrypted:            required(a, "encrypted", f.Encrypted),
		KMSKeyID:             sdk.ToString(f.KmsKeyId),
		AvailabilityZoneName: sdk.ToString(f.AvailabilityZoneName),
	}
	if system.Name == "" {
		system.Name = sdk.ToString(f.FileSystemId)
	}
	for _, t := range f.Tags {
		system.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return system
}

// readFileSystem: PolicyNotFound says that there is no such policy.
func readFileSystem(ctx context.Context, api *efs.Client, id *string, system *schema.FileSystem) []collectors.Gap {
	var gaps []collectors.Gap
	backup, err := api.DescribeBackupPolicy(ctx, &efs.DescribeBackupPolicyInput{FileSystemId: id})
	if err == nil && backup.BackupPolicy == nil {
		err = missing("EFS.DescribeBackupPolicy", "BackupPolicy")
	}
	switch {
	case hasCode(err, "PolicyNotFound"):
		system.BackupPolicyStatus = string(types.StatusDisabled)
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "backup_policy_status"))
	default:
		system.BackupPolicyStatus = string(backup.BackupPolicy.Status)
	}
	policy, err := api.DescribeFileSystemPolicy(ctx, &efs.DescribeFileSystemPolicyInput{FileSystemId: id})
	if err == nil && sdk.ToString(policy.Policy) == "" {
		err = missing("EFS.DescribeFileSystemPolicy", "Policy")
	}
	switch {
	case hasCode(err, "PolicyNotFound"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "policy"))
	default:
		system.Policy = *policy.Policy
	}
	return gaps
}
