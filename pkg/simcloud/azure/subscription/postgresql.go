package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	postgres "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v4"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Servers are of version 16, which logs connections or does not; "newest" ones are of 18, which logs chosen stages.
var postgresService = service{
	providers: []string{"Microsoft.DBforPostgreSQL"},
	kinds: []world.Kind{{
		Name: "azure.postgresql", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "newest", Share: 0.3}, {Name: "plain", Share: 0.15, Drift: 0.15}, {Name: "old-tls", Share: 0.3},
			{Name: "no-checkpoints", Share: 0.3},
			{Name: "no-connections", Share: 0.3, Drift: 0.1}, {Name: "no-disconnections", Share: 0.2}, {Name: "short-logs", Share: 0.4},
			{Name: "no-log-files", Share: 0.2}, {Name: "no-throttle", Share: 0.4},
			{Name: "no-parameter", Share: 0.3}, {Name: "vnet", Share: 0.3}, {Name: "public-off", Share: 0.2},
			{Name: "all-addresses", Share: 0.1, Drift: 0.2}, {Name: "all-azure", Share: 0.3},
			{Name: "office", Share: 0.5}, {Name: "passwords-only", Share: 0.4}, {Name: "no-geo", Share: 0.4}, {Name: "short-backup", Share: 0.2},
			{Name: "single", Share: 0.3}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.postgresql.flexible_server", postgresID(it)), map[string]posture.Result{
				"azure-postgresql-flexible-server-tls":             failIf(it.Has("plain") || it.Has("old-tls")),
				"azure-postgresql-flexible-server-log-checkpoints": failIf(it.Has("no-checkpoints")),
				"azure-postgresql-flexible-server-log-connections": failIf(it.Has("no-connections") || it.Has("no-disconnections")),
				"azure-postgresql-flexible-server-log-retention": failIf((it.Has("short-logs") || it.Has("no-log-files")) &&
					!logsIts(s, postgresID(it))),
				"azure-postgresql-flexible-server-connection-throttling": unless(it.Has("no-parameter"), failIf(it.Has("no-throttle"))),
				"azure-postgresql-flexible-server-private": failIf(!it.Has("vnet") && !it.Has("public-off") &&
					(it.Has("all-addresses") || it.Has("all-azure"))),
				"azure-postgresql-flexible-server-entra-authentication": failIf(it.Has("passwords-only")),
				"azure-postgresql-flexible-server-resilient":            failIf(it.Has("no-geo") || it.Has("short-backup") || it.Has("single")),
			}
		},
	}},
	handle: handlePostgres,
}

func postgresID(it *world.Item) string {
	return idOf(it, "Microsoft.DBforPostgreSQL/flexibleServers", "psql-"+it.Name())
}

func handlePostgres(s *azure.Server, w *states) {
	azure.List(s, "armpostgresqlflexibleservers.ServersClient.NewListPager", func(c azure.Call) (*postgres.ServerListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &postgres.ServerListResult{}
		for _, it := range state.Items("azure.postgresql") {
			out.Value = append(out.Value, postgresServer(state, it))
		}
		return out, nil
	})
	azure.List(s, "armpostgresqlflexibleservers.ConfigurationsClient.NewListByServerPager",
		func(c azure.Call) (*postgres.ConfigurationListResult, error) {
			it, err := w.named(c, "azure.postgresql", "psql-", "serverName")
			if err != nil {
				return nil, err
			}
			out := &postgres.ConfigurationListResult{}
			for _, p := range postgresParameters(it) {
				out.Value = append(out.Value, &postgres.Configuration{ID: to.Ptr(postgresID(it) + "/configurations/" + p[0]), Name: &p[0],
					Properties: &postgres.ConfigurationProperties{Value: &p[1]}})
			}
			return out, nil
		})
	azure.List(s, "armpostgresqlflexibleservers.FirewallRulesClient.NewListByServerPager",
		func(c azure.Call) (*postgres.FirewallRuleListResult, error) {
			it, err := w.named(c, "azure.postgresql", "psql-", "serverName")
			if err != nil {
				return nil, err
			}
			out := &postgres.FirewallRuleListResult{}
			for _, r := range addressRules(it) {
				out.Value = append(out.Value, &postgres.FirewallRule{ID: to.Ptr(postgresID(it) + "/firewallRules/" + r.name), Name: &r.name,
					Properties: &postgres.FirewallRuleProperties{StartIPAddress: &r.start, EndIPAddress: &r.end}})
			}
			return out, nil
		})
}

func postgresServer(state *world.State, it *world.Item) *postgres.Server {
	p := &postgres.ServerProperties{
		Version: to.Ptr(postgres.ServerVersion("16")), State: to.Ptr(postgres.ServerStateReady), AdministratorLogin: to.Ptr("operator"),
		FullyQualifiedDomainName: to.Ptr("psql-" + it.Name() + ".postgres.database.azure.com"), Network: &postgres.Network{},
		AuthConfig: &postgres.AuthConfig{ActiveDirectoryAuth: to.Ptr(postgres.ActiveDirectoryAuthEnumEnabled),
			PasswordAuth: to.Ptr([]postgres.PasswordAuthEnum{postgres.PasswordAuthEnumEnabled,
				postgres.PasswordAuthEnumDisabled}[it.Pick(2, "passwords")])},
		Backup: &postgres.Backup{BackupRetentionDays: to.Ptr(int32(7 + it.Pick(20, "days"))),
			GeoRedundantBackup: to.Ptr(postgres.GeoRedundantBackupEnumEnabled)},
		HighAvailability: &postgres.HighAvailability{
			Mode: to.Ptr([]postgres.HighAvailabilityMode{postgres.HighAvailabilityModeSameZone,
				postgres.HighAvailabilityModeZoneRedundant}[it.Pick(2, "mode")])},
	}
	if it.Has("newest") {
		p.Version = to.Ptr(postgres.ServerVersion("18"))
	}
	if it.Has("vnet") {
		p.Network.DelegatedSubnetResourceID = to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/postgres"))
		p.Network.PublicNetworkAccess = to.Ptr(postgres.ServerPublicNetworkAccessStateDisabled)
	}
	if it.Has("public-off") {
		p.Network.PublicNetworkAccess = to.Ptr(postgres.ServerPublicNetworkAccessStateDisabled)
		p.PrivateEndpointConnections = []*postgres.PrivateEndpointConnection{{Properties: &postgres.PrivateEndpointConnectionProperties{
			PrivateLinkServiceConnectionState: &postgres.PrivateLinkServiceConnectionState{Status: to.Ptr(postgres.PrivateEndpointServiceConnectionStatusApproved)},
		}}}
	}
	if it.Has("passwords-only") {
		p.AuthConfig = []*postgres.AuthConfig{nil, {ActiveDirectoryAuth: to.Ptr(postgres.ActiveDirectoryAuthEnumDisabled)}}[it.Pick(2, "auth")]
	}
	if it.Has("no-geo") {
		p.Backup.GeoRedundantBackup = to.Ptr(postgres.GeoRedundantBackupEnumDisabled)
	}
	if it.Has("short-backup") {
		p.Backup.BackupRetentionDays = to.Ptr[int32](3)
	}
	if it.Has("single") {
		p.HighAvailability = []*postgres.HighAvailability{nil, {Mode: to.Ptr(postgres.HighAvailabilityModeDisabled)}}[it.Pick(2, "single")]
	}
	if it.Pick(2, "key") == 0 {
		p.DataEncryption = &postgres.DataEncryption{Type: to.Ptr(postgres.ArmServerKeyTypeAzureKeyVault),
			PrimaryKeyURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/postgres")}
	}
	return &postgres.Server{
		ID: to.Ptr(postgresID(it)), Name: to.Ptr("psql-" + it.Name()), Type: to.Ptr("Microsoft.DBforPostgreSQL/flexibleServers"),
		Location: to.Ptr(it.Account.Home()),
		Tags:     labels("team", "data"), SystemData: &postgres.SystemData{CreatedAt: to.Ptr(state.Long(it, 60))}, Properties: p,
	}
}

// postgresParameters are names and values.
func postgresParameters(it *world.Item) [][2]string {
	out := [][2]string{{"max_connections", "859"}}
	add := func(name, good, bad, defect string) {
		if it.Has(defect) {
			good = bad
		}
		out = append(out, [2]string{name, good})
	}
	add("require_secure_transport", "on", "off", "plain")
	add("ssl_min_protocol_version", []string{"TLSv1.2", "TLSv1.3"}[it.Pick(2, "tls")], "TLSv1.1", "old-tls")
	add("log_checkpoints", []string{"on", "ON"}[it.Pick(2, "case")], "off", "no-checkpoints")
	if it.Has("newest") {
		add("log_connections", "receipt,authentication", []string{"", "off"}[it.Pick(2, "none")], "no-connections")
	} else {
		add("log_connections", "on", "off", "no-connections")
	}
	add("log_disconnections", "on", "off", "no-disconnections")
	add("pgaudit.log", []string{"ddl,role", "none"}[it.Pick(2, "audit")], "none", "no-audit")
	if !it.Has("no-parameter") {
		add("connection_throttle.enable", "on", "off", "no-throttle")
	}
	if !it.Has("no-log-files") {
		add("logfiles.retention_days", "7", "3", "short-logs")
	}
	return out
}
