package azure

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	armpostgresql "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v4"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var postgresServers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.PostgreSQLServerType},
	Operations: []collectors.Operation{
		{Name: "armpostgresqlflexibleservers.ServersClient.NewListPager", Permission: "Microsoft.DBforPostgreSQL/flexibleServers/read",
			Body: collectors.Store},
		{Name: "armpostgresqlflexibleservers.ConfigurationsClient.NewListByServerPager",
			Permission: "Microsoft.DBforPostgreSQL/flexibleServers/configurations/read", Body: collectors.Store},
		{Name: "armpostgresqlflexibleservers.FirewallRulesClient.NewListByServerPager",
			Permission: "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/read", Body: collectors.Store},
	},
	Collect: collectPostgresServers,
}

func collectPostgresServers(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armpostgresql.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armpostgresql.Server
	err = pages(ctx, api.NewServersClient().NewListPager(nil), func(page armpostgresql.ServersClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(s *armpostgresql.Server) string { return idOf(s.ID) }, func(s *armpostgresql.Server) error {
		out := newPostgresServer(s)
		var gaps []collectors.Gap
		var err error
		if out.Parameters, err = postgresParameters(ctx, api, out.Resource); err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list parameters: %w", err), "parameters"))
		}
		if out.FirewallRules, err = postgresFirewall(ctx, api, out.Resource); err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list firewall rules: %w", err), "firewall_rules"))
		}
		emit(idOf(s.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list PostgreSQL servers: %w", err)
	}
	return nil
}

func newPostgresServer(s *armpostgresql.Server) schema.PostgreSQLServer {
	p := value(s.Properties)
	network, backup, auth := value(p.Network), value(p.Backup), value(p.AuthConfig)
	out := schema.PostgreSQLServer{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), Version: text(p.Version),
		PublicNetworkAccess: cmp.Or(text(network.PublicNetworkAccess), "Enabled"),
		DelegatedSubnetID:   idOf(network.DelegatedSubnetResourceID),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armpostgresql.PrivateEndpointConnection) *armpostgresql.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		EntraAuth: text(auth.ActiveDirectoryAuth) == "Enabled", PasswordAuth: text(auth.PasswordAuth) != "Disabled",
		EncryptionType:      cmp.Or(text(value(p.DataEncryption).Type), "SystemManaged"),
		BackupRetentionDays: int(value(backup.BackupRetentionDays)), GeoRedundantBackup: text(backup.GeoRedundantBackup) == "Enabled",
		HighAvailabilityMode: cmp.Or(text(value(p.HighAvailability).Mode), "Disabled"),
	}
	out.CreatedAt = posture.FromPtr(value(s.SystemData).CreatedAt)
	return out
}

func postgresParameters(ctx context.Context, api *armpostgresql.ClientFactory, server schema.Resource) (schema.PostgreSQLParameters, error) {
	values := map[string]string{}
	err := pages(ctx, api.NewConfigurationsClient().NewListByServerPager(server.ResourceGroup, server.Name, nil),
		func(page armpostgresql.ConfigurationsClientListByServerResponse) error {
			for _, p := range page.Value {
				values[text(p.Name)] = text(value(p.Properties).Value)
			}
			return nil
		})
	if err != nil {
		return schema.PostgreSQLParameters{}, err
	}
	lower := func(name string) string { return strings.ToLower(values[name]) }
	out := schema.PostgreSQLParameters{
		RequireSecureTransport: lower("require_secure_transport"), SSLMinProtocolVersion: cmp.Or(values["ssl_min_protocol_version"], "TLSv1.2"),
		LogCheckpoints: lower("log_checkpoints"), LogConnections: lower("log_connections"), LogDisconnections: lower("log_disconnections"),
		PGAuditLog: lower("pgaudit.log"),
	}
	if _, there := values["connection_throttle.enable"]; there {
		out.ConnectionThrottling = posture.Some(lower("connection_throttle.enable"))
	}
	if days, there := values["logfiles.retention_days"]; there {
		n, err := strconv.Atoi(days)
		if err != nil {
			return out, fmt.Errorf("unmarshalling type int: logfiles.retention_days: %w", err)
		}
		out.LogRetentionDays = posture.Some(n)
	}
	return out, nil
}

func postgresFirewall(ctx context.Context, api *armpostgresql.ClientFactory, server schema.Resource) ([]schema.DatabaseFirewallRule, error) {
	var found firewall
	err := pages(ctx, api.NewFirewallRulesClient().NewListByServerPager(server.ResourceGroup, server.Name, nil),
		func(page armpostgresql.FirewallRulesClientListByServerResponse) error {
			for _, r := range page.Value {
				p := value(r.Properties)
				if err := found.add(r.Name, p.StartIPAddress, p.EndIPAddress); err != nil {
					return err
				}
			}
			return nil
		})
	return found.rules(), err
}
