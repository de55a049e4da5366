package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has a data catalog and two Glue jobs, which take their encryption from one configuration, another that leaves
// logs out, or none.
var glueService = service{
	kinds: []world.Kind{
		{
			Name: "glue.job", Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "unsecured", Share: 0.2, Drift: 0.1}, {Name: "plain-logs", Share: 0.2}, {Name: "by-argument", Share: 0.3}, {Name: "no-live-log", Share: 0.3}, {Name: "new-version", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.glue.job", it, it.ARN("glue", it.Region, "job/"+it.Name())), map[string]posture.Result{
					"aws-glue-job-s3-encryption-enabled":      failIf(it.Has("unsecured") && !it.Has("by-argument")),
					"aws-glue-job-logs-encryption-enabled":    failIf(it.Has("unsecured") || it.Has("plain-logs")),
					"aws-glue-job-continuous-logging-enabled": failIf(it.Has("no-live-log") && !it.Has("new-version")),
				}
			},
		},
		{
			Name: "glue.catalog", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "plain", Share: 0.2, Drift: 0.1}, {Name: "plain-passwords", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return regional("aws.glue.region_status", it), map[string]posture.Result{"aws-glue-catalog-encrypted": failIf(it.Has("plain") || it.Has("plain-passwords"))}
			},
		},
	},
	handle: handleGlue,
}

func handleGlue(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*glue.GetJobsInput]) (*glue.GetJobsOutput, error) {
		out := &glue.GetJobsOutput{Jobs: []types.Job{}}
		state := at(w, c)
		for _, it := range state.In("glue.job", c.Region) {
			job := types.Job{Name: sdk.String(it.Name()), GlueVersion: sdk.String("4.0"), CreatedOn: sdk.Time(state.Long(it, 60)), SecurityConfiguration: sdk.String("encrypted"), Role: sdk.String("arn:aws:iam::" + c.Account + ":role/glue"),
				DefaultArguments: map[string]string{"--enable-continuous-cloudwatch-log": "true", "--warehouse-password": "0000"}}
			switch {
			case it.Has("unsecured"):
				job.SecurityConfiguration = nil
			case it.Has("plain-logs"):
				job.SecurityConfiguration = sdk.String("files-only")
			}
			if it.Has("by-argument") {
				job.DefaultArguments["--encryption-type"] = "sse-s3"
			}
			if it.Has("no-live-log") {
				delete(job.DefaultArguments, "--enable-continuous-cloudwatch-log")
			}
			if it.Has("new-version") {
				job.GlueVersion = sdk.String("5.0")
			}
			out.Jobs = append(out.Jobs, job)
		}
		return out, nil
	})
	aws.Handle(s, func(aws.Call[*glue.GetSecurityConfigurationsInput]) (*glue.GetSecurityConfigurationsOutput, error) {
		configuration := func(name string, logs types.CloudWatchEncryptionMode) types.SecurityConfiguration {
			return types.SecurityConfiguration{Name: &name, EncryptionConfiguration: &types.EncryptionConfiguration{S3Encryption: []types.S3Encryption{{S3EncryptionMode: types.S3EncryptionModeSsekms}},
				CloudWatchEncryption: &types.CloudWatchEncryption{CloudWatchEncryptionMode: logs}, JobBookmarksEncryption: &types.JobBookmarksEncryption{JobBookmarksEncryptionMode: types.JobBookmarksEncryptionModeDisabled}}}
		}
		return &glue.GetSecurityConfigurationsOutput{SecurityConfigurations: []types.SecurityConfiguration{
			configuration("files-only", types.CloudWatchEncryptionModeDisabled), configuration("old", types.CloudWatchEncryptionModeDisabled), configuration("encrypted", types.CloudWatchEncryptionModeSsekms)}}, nil
	})
	aws.Handle(s, func(c aws.Call[*glue.GetDataCatalogEncryptionSettingsInput]) (*glue.GetDataCatalogEncryptionSettingsOutput, error) {
		it := at(w, c).Find("glue.catalog", c.Region, 0)
		mode := types.CatalogEncryptionModeSsekms
		if it.Has("plain") {
			mode = types.CatalogEncryptionModeDisabled
		}
		return &glue.GetDataCatalogEncryptionSettingsOutput{DataCatalogEncryptionSettings: &types.DataCatalogEncryptionSettings{EncryptionAtRest: &types.EncryptionAtRest{CatalogEncryptionMode: mode},
			ConnectionPasswordEncryption: &types.ConnectionPasswordEncryption{ReturnConnectionPasswordEncrypted: !it.Has("plain-passwords")}}}, nil
	})
	aws.Handle(s, func(aws.Call[*glue.GetConnectionsInput]) (*glue.GetConnectionsOutput, error) {
		return &glue.GetConnectionsOutput{ConnectionList: []types.Connection{{Name: sdk.String("warehouse"), ConnectionType: types.ConnectionTypeJdbc}, {Name: sdk.String("ledger"), ConnectionType: types.ConnectionTypeJdbc}, {Name: sdk.String("events"), ConnectionType: types.ConnectionTypeKafka}}}, nil
	})
}
