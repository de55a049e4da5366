package aws

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func glueReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{glueJobs, glueStatus}
}

var glueJobs = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.GlueJobType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		// Arguments of a job hold what its script needs, passwords among them.
		{Name: "Glue.GetJobs", Permission: "glue:GetJobs", Body: collectors.Digest},
		{Name: "Glue.GetSecurityConfigurations", Permission: "glue:GetSecurityConfigurations", Body: collectors.Store},
	},
	Collect: collectGlueJobs,
}

var glueStatus = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.GlueStatusType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Glue.GetDataCatalogEncryptionSettings", Permission: "glue:GetDataCatalogEncryptionSettings", Body: collectors.Store},
		{Name: "Glue.GetConnections", Permission: "glue:GetConnections", Body: collectors.Digest},
	},
	Collect: collectGlueStatus,
}

// collectGlueJobs reads security configurations once, when a job names one.
func collectGlueJobs(ctx context.Context, c *client, emit collectors.Emit) error {
	api := glue.NewFromConfig(c.config)
	configurations := sync.OnceValues(func() (map[string]types.EncryptionConfiguration, error) { return securityConfigurations(ctx, api) })
	err := pages(ctx, glue.NewGetJobsPaginator(api, &glue.GetJobsInput{MaxResults: sdk.Int32(200)}), func(page *glue.GetJobsOutput) error {
		for _, j := range page.Jobs {
			job := &schema.GlueJob{
				Meta:                  posture.Meta{Name: sdk.ToString(j.Name), CreatedAt: posture.FromPtr(j.CreatedOn)},
				GlueVersion:           sdk.ToString(j.GlueVersion),
				SecurityConfiguration: sdk.ToString(j.SecurityConfiguration),
				ContinuousLoggingArg:  j.DefaultArguments["--enable-continuous-cloudwatch-log"],
				S3EncryptionArg:       j.DefaultArguments["--encryption-type"],
			}
			gaps := append(readGlueEncryption(job, configurations), collectors.NotCollected("tags"))
			emit(c.arn("glue", "job/"+job.Name), job, gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Glue jobs: %w", err)
	}
	return nil
}

func securityConfigurations(ctx context.Context, api *glue.Client) (map[string]types.EncryptionConfiguration, error) {
	out := map[string]types.EncryptionConfiguration{}
	list := glue.NewGetSecurityConfigurationsPaginator(api, &glue.GetSecurityConfigurationsInput{MaxResults: sdk.Int32(200)})
	err := pages(ctx, list, func(page *glue.GetSecurityConfigurationsOutput) error {
		for _, s := range page.SecurityConfigurations {
			if s.EncryptionConfiguration != nil {
				out[sdk.ToString(s.Name)] = *s.EncryptionConfiguration
			}
		}
		return nil
	})
	return out, err
}

func readGlueEncryption(job *schema.GlueJob, configurations func() (map[string]types.EncryptionConfiguration, error)) []collectors.Gap {
	const disabled = "DISABLED"
	job.S3EncryptionMode, job.LogsEncryptionMode, job.BookmarkEncryptionMode = disabled, disabled, disabled
	if job.SecurityConfiguration == "" {
		return nil
	}
	all, err := configurations()
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "s3_encryption_mode", "logs_encryption_mode", "bookmark_encryption_mode")}
	}
	e := all[job.SecurityConfiguration]
	if len(e.S3Encryption) > 0 {
		job.S3EncryptionMode = cmp.Or(string(e.S3Encryption[0].S3EncryptionMode), disabled)
	}
	if e.CloudWatchEncryption != nil {
		job.LogsEncryptionMode = cmp.Or(string(e.CloudWatchEncryption.CloudWatchEncryptionMode), disabled)
	}
	if e.JobBookmarksEncryption != nil {
		job.BookmarkEncryptionMode = cmp.Or(string(e.JobBookmarksEncryption.JobBookmarksEncryptionMode), disabled)
	}
	return nil
}

// collectGlueStatus counts connections, and asks that their passwords stay where they are.
func collectGlueStatus(ctx context.Context, c *client, emit collectors.Emit) error {
	api := glue.NewFromConfig(c.config)
	status := &schema.GlueStatus{Meta: posture.Meta{Name: c.region}}
	a := &answer{service: glue.ServiceID, operation: "GetDataCatalogEncryptionSettings", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
	got, err := api.GetDataCatalogEncryptionSettings(ctx, &glue.GetDataCatalogEncryptionSettingsInput{})
	if err == nil && got.DataCatalogEncryptionSettings == nil {
		err = a.lacks("DataCatalogEncryptionSettings")
	}
	if err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "metadata_encryption_mode", "connection_password_encrypted"))
	} else {
		settings := got.DataCatalogEncryptionSettings
		status.MetadataEncryptionMode = told(a, "metadata_encryption_mode", required(a, "metadata_encryption_mode", settings.EncryptionAtRest).CatalogEncryptionMode)
		status.ConnectionPasswordEncrypted = required(a, "connection_password_encrypted", settings.ConnectionPasswordEncryption).ReturnConnectionPasswordEncrypted
	}
	list := glue.NewGetConnectionsPaginator(api, &glue.GetConnectionsInput{HidePassword: true, MaxResults: sdk.Int32(100)})
	if err := pages(ctx, list, func(page *glue.GetConnectionsOutput) error {
		status.ConnectionCount += int64(len(page.ConnectionList))
		return nil
	}); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "connection_count"))
	}
	emit(c.region, status, a.gaps...)
	return nil
}
