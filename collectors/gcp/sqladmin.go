package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/api/sqladmin/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var sqlInstances = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SQLInstanceType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "sql.instances.list", Permission: "cloudsql.instances.list", Body: collectors.Redact("rootPassword", "password", "clientKey")},
	},
	Collect: collectSQLInstances,
}

// collectSQLInstances reads the instances of all regions; those that could not be reached are named in warnings.
func collectSQLInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := sqladmin.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "sql.instances.list", of: schema.SQLInstanceType}
	err = api.Instances.List(c.project).MaxResults(1000).Pages(ctx, func(page *sqladmin.InstancesListResponse) error {
		for _, w := range page.Warnings {
			switch { // the other codes speak of writing
			case w.Code == "REGION_UNREACHABLE" && w.Region != "":
				missing.place(w.Region)
			case w.Code == "REGION_UNREACHABLE":
				missing.page(nil, w.Code)
			}
		}
		for _, i := range page.Items {
			emit("projects/"+c.project+"/instances/"+i.Name, collectors.In(i.Region, newSQLInstance(i)))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list instances: %w", err)
	}
	return errors.Join(missing.err(), err)
}

func newSQLInstance(i *sqladmin.DatabaseInstance) *schema.SQLInstance {
	settings := cmp.Or(i.Settings, &sqladmin.Settings{})
	address := cmp.Or(settings.IpConfiguration, &sqladmin.IpConfiguration{})
	backup := cmp.Or(settings.BackupConfiguration, &sqladmin.BackupConfiguration{})
	password := cmp.Or(settings.PasswordValidationPolicy, &sqladmin.PasswordValidationPolicy{})
	out := &schema.SQLInstance{
		Meta:            posture.Meta{Name: i.Name, Tags: settings.UserLabels, CreatedAt: timestamp(i.CreateTime)},
		DatabaseVersion: i.DatabaseVersion, InstanceType: i.InstanceType, IsPrimary: i.InstanceType == "CLOUD_SQL_INSTANCE", State: i.State,
		PublicIPEnabled: address.Ipv4Enabled, PrivateNetwork: address.PrivateNetwork,
		PSCEnabled: address.PscConfig != nil && address.PscConfig.PscEnabled, AuthorizedNetworks: []string{},
		SSLMode: address.SslMode, RequireSSL: address.RequireSsl, ConnectorEnforcement: settings.ConnectorEnforcement,
		BackupEnabled: backup.Enabled, PITREnabled: backup.PointInTimeRecoveryEnabled || backup.BinaryLogEnabled,
		AvailabilityType: settings.AvailabilityType, DeletionProtection: settings.DeletionProtectionEnabled, Flags: map[string]string{},
		PasswordPolicyEnabled: password.EnablePasswordPolicy, PasswordMinLength: password.MinLength,
		PendingMaintenanceVersions: append([]string{}, i.AvailableMaintenanceVersions...),
		QueryInsights:              settings.InsightsConfig != nil && settings.InsightsConfig.QueryInsightsEnabled,
	}
	switch engine, _, _ := strings.Cut(i.DatabaseVersion, "_"); engine {
	case "POSTGRES", "MYSQL", "SQLSERVER":
		out.Engine = strings.ToLower(engine)
	}
	for _, a := range i.IpAddresses {
		out.PublicIPEnabled = out.PublicIPEnabled || a.Type == "PRIMARY"
	}
	for _, n := range address.AuthorizedNetworks {
		out.AuthorizedNetworks = append(out.AuthorizedNetworks, n.Value)
	}
	if backup.BackupRetentionSettings != nil {
		out.BackupRetainedCount = backup.BackupRetentionSettings.RetainedBackups
	}
	if i.DiskEncryptionConfiguration != nil {
		out.KMSKeyName = i.DiskEncryptionConfiguration.KmsKeyName
	}
	for _, f := range settings.DatabaseFlags {
		out.Flags[f.Name] = f.Value
		// PostgreSQL writes a dot where MySQL writes an underscore.
		if f.Name == "cloudsql.iam_authentication" || f.Name == "cloudsql_iam_authentication" {
			out.IAMAuthentication = strings.EqualFold(f.Value, "on")
		}
	}
	return out
}
