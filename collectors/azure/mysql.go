package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/mysql/armmysqlflexibleservers"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var mysqlServers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MySQLServerType},
	Operations: []collectors.Operation{
		{Name: "armmysqlflexibleservers.ServersClient.NewListPager", Permission: "Microsoft.DBforMySQL/flexibleServers/read", Body: collectors.Store},
		{Name: "armmysqlflexibleservers.ConfigurationsClient.NewListByServerPager",
			Permission: "Microsoft.DBforMySQL/flexibleServers/configurations/read", Body: collectors.Store},
		{Name: "armmysqlflexibleservers.FirewallRulesClient.NewListByServerPager",
			Permission: "Microsoft.DBforMySQL/flexibleServers/firewallRules/read", Body: collectors.Store},
	},
	Collect: collectMySQLServers,
}

func collectMySQLServers(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armmysqlflexibleservers.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armmysqlflexibleservers.Server
	err = pages(ctx, api.NewServersClient().NewListPager(nil), func(page armmysqlflexibleservers.ServersClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(s *armmysqlflexibleservers.Server) string { return idOf(s.ID) }, func(s *armmysqlflexibleservers.Server) error {
		out := newMySQLServer(s)
		var gaps []collectors.Gap
		var err error
		if out.Parameters, err = mysqlParameters(ctx, api, out.Resource); err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list parameters: %w", err), "parameters"))
		}
		if out.FirewallRules, err = mysqlFirewall(ctx, api, out.Resource); err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list firewall rules: %w", err), "firewall_rules"))
		}
		emit(idOf(s.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list MySQL servers: %w", err)
	}
	return nil
}

func newMySQLServer(s *armmysqlflexibleservers.Server) schema.MySQLServer {
	p := value(s.Properties)
	network, backup := value(p.Network), value(p.Backup)
	out := schema.MySQLServer{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), Version: text(p.Version),
		PublicNetworkAccess: cmp.Or(text(network.PublicNetworkAccess), "Enabled"),
		DelegatedSubnetID:   idOf(network.DelegatedSubnetResourceID), EncryptionType: cmp.Or(text(value(p.DataEncryption).Type), "SystemManaged"),
		BackupRetentionDays: int(value(backup.BackupRetentionDays)), GeoRedundantBackup: text(backup.GeoRedundantBackup) == "Enabled",
		HighAvailabilityMode: cmp.Or(text(value(p.HighAvailability).Mode), "Disabled"),
	}
	out.CreatedAt = posture.FromPtr(value(s.SystemData).CreatedAt)
	return out
}

func mysqlParameters(ctx context.Context, api *armmysqlflexibleservers.ClientFactory, server schema.Resource) (schema.MySQLParameters, error) {
	values := map[string]string{}
	err := pages(ctx, api.NewConfigurationsClient().NewListByServerPager(server.ResourceGroup, server.Name, nil),
		func(page armmysqlflexibleservers.ConfigurationsClientListByServerResponse) error {
			for _, p := range page.Value {
				values[text(p.Name)] = text(value(p.Properties).Value)
			}
			return nil
		})
	return schema.MySQLParameters{
		RequireSecureTransport: values["require_secure_transport"], TLSVersion: listed(values["tls_version"], ","),
		AuditLogEnabled: values["audit_log_enabled"], AuditLogEvents: listed(values["audit_log_events"], ","),
	}, err
}

func mysqlFirewall(ctx context.Context, api *armmysqlflexibleservers.ClientFactory,
	server schema.Resource) ([]schema.DatabaseFirewallRule, error) {
	var found firewall
	err := pages(ctx, api.NewFirewallRulesClient().NewListByServerPager(server.ResourceGroup, server.Name, nil),
		func(page armmysqlflexibleservers.FirewallRulesClientListByServerResponse) error {
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
