package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	"github.com/aws/aws-sdk-go-v2/service/efs/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var efsService = service{
	kinds: []world.Kind{{
		Name: "efs.file_system", Count: 3,
		Defects: []world.Defect{{Name: "plain", Share: 0.15}, {Name: "no-backup", Share: 0.2, Drift: 0.1}, {Name: "public-policy", Share: 0.05, Drift: 0.1}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			planned := posture.Pass
			if it.Has("no-backup") {
				planned = posture.Unknown // a plan might select it
			}
			return keyOf("aws.efs.file_system", it, it.ARN("elasticfilesystem", it.Region, "file-system/"+fileSystemID(it))), map[string]posture.Result{
				"aws-efs-file-system-encrypted":           failIf(it.Has("plain")),
				"aws-efs-file-system-backup-enabled":      failIf(it.Has("no-backup")),
				"aws-efs-file-system-in-backup-plan":      planned,
				"aws-efs-file-system-protected-by-backup": posture.Unknown,
				"aws-efs-file-system-policy-not-public":   failIf(it.Has("public-policy")),
			}
		},
	}},
	handle: handleEFS,
}

func fileSystemID(it *world.Item) string { return "fs-" + it.Hex(17, "id") }

func handleEFS(s *aws.Server, w *states) {
	find := func(state *world.State, region string, id *string) (*world.Item, error) {
		for _, it := range state.In("efs.file_system", region) {
			if fileSystemID(it) == sdk.ToString(id) {
				return it, nil
			}
		}
		return nil, &types.FileSystemNotFound{Message: sdk.String("File system does not exist.")}
	}
	aws.Handle(s, func(c aws.Call[*efs.DescribeFileSystemsInput]) (*efs.DescribeFileSystemsOutput, error) {
		out := &efs.DescribeFileSystemsOutput{}
		state := at(w, c)
		for _, it := range state.In("efs.file_system", c.Region) {
			f := types.FileSystemDescription{FileSystemId: sdk.String(fileSystemID(it)), FileSystemArn: sdk.String(it.ARN("elasticfilesystem", c.Region, "file-system/"+fileSystemID(it))), OwnerId: sdk.String(c.Account), CreationToken: sdk.String(it.Hex(8, "token")),
				CreationTime: sdk.Time(state.Long(it, 120)), LifeCycleState: types.LifeCycleStateAvailable, PerformanceMode: types.PerformanceModeGeneralPurpose, NumberOfMountTargets: 2, Encrypted: sdk.Bool(!it.Has("plain")),
				SizeInBytes: &types.FileSystemSize{Value: 6144}, Tags: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("platform")}}}
			if !it.Has("plain") {
				f.KmsKeyId = sdk.String(it.ARN("kms", c.Region, "key/files"))
			}
			if it.Index == 1 {
				f.Name, f.AvailabilityZoneName = sdk.String(it.Name()), sdk.String(c.Region+"a")
			}
			out.FileSystems = append(out.FileSystems, f)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*efs.DescribeBackupPolicyInput]) (*efs.DescribeBackupPolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FileSystemId)
		switch {
		case err != nil:
			return nil, err
		case it.Has("no-backup"):
			return nil, &types.PolicyNotFound{Message: sdk.String("No policy found")}
		}
		return &efs.DescribeBackupPolicyOutput{BackupPolicy: &types.BackupPolicy{Status: types.StatusEnabled}}, nil
	})
	aws.Handle(s, func(c aws.Call[*efs.DescribeFileSystemPolicyInput]) (*efs.DescribeFileSystemPolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FileSystemId)
		if err != nil {
			return nil, err
		}
		condition := `,"Condition":{"Bool":{"elasticfilesystem:AccessedViaMountTarget":"true"}}`
		switch {
		case it.Has("public-policy"):
			condition = ""
		case it.Index == 0:
			return nil, &types.PolicyNotFound{Message: sdk.String("No policy found")}
		}
		arn := it.ARN("elasticfilesystem", c.Region, "file-system/"+fileSystemID(it))
		tls := ""
		if it.Index == 2 {
			tls = `,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"` + arn + `","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
		}
		return &efs.DescribeFileSystemPolicyOutput{FileSystemId: c.Input.FileSystemId, Policy: sdk.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"elasticfilesystem:ClientMount","Resource":"` + arn + `"` + condition + `}` + tls + `]}`)}, nil
	})
}
