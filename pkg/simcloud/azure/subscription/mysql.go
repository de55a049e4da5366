package subscription

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	mysql "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/mysql/armmysqlflexibleservers"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var mysqlService = service{
	providers: []string{"Microsoft.DBforMySQL"},
	kinds: []world.Kind{{
		Name: "azure.mysql", Sort: inSubscription, Global: true, Count: 3,
		Defects: []world.Defect{{Name: "plain", Share: 0.15, Drift: 0.15}, {Name: "old-tls", Share: 0.3}, {Name: "no-audit", Share: 0.3},
			{Name: "no-connections", Share: 0.3},
			{Name: "vnet", Share: 0.3}, {Name: "public-off", Share: 0.2}, {Name: "all-addresses", Share: 0.1, Drift: 0.2},
			{Name: "all-azure", Share: 0.3}, {Name: "office", Share: 0.5},
			{Name: "no-geo", Share: 0.4}, {Name: "short-backup", Share: 0.2}, {Name: "single", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.mysql.flexible_server", mysqlID(it)), map[string]posture.Result{
				"azure-mysql-flexible-server-tls":             failIf(it.Has("plain")),
				"azure-mysql-flexible-server-minimum-tls-1-2": failIf(it.Has("old-tls")),
				"azure-mysql-flexible-server-audit-log":       failIf(it.Has("no-audit") || it.Has("no-connections")),
				"azure-mysql-flexible-server-private": failIf(!it.Has("vnet") && !it.Has("public-off") &&
					(it.Has("all-addresses") || it.Has("all-azure"))),
				"azure-mysql-flexible-server-resilient": failIf(it.Has("no-geo") || it.Has("short-backup") || it.Has("single")),
			}
		},
	}},
	handle: handleMySQL,
}

func mysqlID(it *world.Item) string {
	return idOf(it, "Microsoft.DBforMySQL/flexibleServers", "mysql-"+it.Name())
}

func handleMySQL(s *azure.Server, w *states) {
	azure.List(s, "armmysqlflexibleservers.ServersClient.NewListPager", func(c azure.Call) (*mysql.ServerListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &mysql.ServerListResult{}
		for _, it := range state.Items("azure.mysql") {
			out.Value = append(out.Value, mysqlServer(state, it))
		}
		return out, nil
	})
	azure.List(s, "armmysqlflexibleservers.ConfigurationsClient.NewListByServerPager", func(c azure.Call) (*mysql.ConfigurationListResult, error) {
		it, err := w.named(c, "azure.mysql", "mysql-", "serverName")
		if err != nil {
			return nil, err
		}
		out := &mysql.ConfigurationListResult{}
		for _, p := range mysqlParameters(it) {
			out.Value = append(out.Value, &mysql.Configuration{ID: to.Ptr(mysqlID(it) + "/configurations/" + p[0]), Name: &p[0],
				Properties: &mysql.ConfigurationProperties{Value: &p[1]}})
		}
		return out, nil
	})
	azure.List(s, "armmysqlflexibleservers.FirewallRulesClient.NewListByServerPager", func(c azure.Call) (*mysql.FirewallRuleListResult, error) {
		it, err := w.named(c, "azure.mysql", "mysql-", "serverName")
		if err != nil {
			return nil, err
		}
		out := &mysql.FirewallRuleListResult{}
		for _, r := range addressRules(it) {
			out.Value = append(out.Value, &mysql.FirewallRule{ID: to.Ptr(mysqlID(it) + "/firewallRules/" + r.name), Name: &r.name,
				Properties: &mysql.FirewallRuleProperties{StartIPAddress: &r.start, EndIPAddress: &r.end}})
		}
		return out, nil
	})
}

// named finds the thing of a kind that a parameter of the call names, prefix taken away.
func (w *states) named(c azure.Call, kind, prefix, parameter string) (*world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, err
	}
	for _, it := range state.Items(kind) {
		if strings.EqualFold(prefix+it.Name(), c.Params[parameter]) {
			return it, nil
		}
	}
	return nil, azure.NotFound("The resource '" + c.Params[parameter] + "'")
}

func mysqlServer(state *world.State, it *world.Item) *mysql.Server {
	p := &mysql.ServerProperties{
		Version: to.Ptr(mysql.ServerVersionEight021), State: to.Ptr(mysql.ServerStateReady), AdministratorLogin: to.Ptr("operator"),
		FullyQualifiedDomainName: to.Ptr("mysql-" + it.Name() + ".mysql.database.azure.com"), Network: &mysql.Network{},
		Backup: &mysql.Backup{BackupRetentionDays: to.Ptr(int32(7 + it.Pick(20, "days"))),
			GeoRedundantBackup: to.Ptr(mysql.EnableStatusEnumEnabled)},
		HighAvailability: &mysql.HighAvailability{Mode: to.Ptr([]mysql.HighAvailabilityMode{mysql.HighAvailabilityModeSameZone,
			mysql.HighAvailabilityModeZoneRedundant}[it.Pick(2, "mode")])},
	}
	if it.Has("vnet") {
		p.Network.DelegatedSubnetResourceID = to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/mysql"))
		p.Network.PublicNetworkAccess = to.Ptr(mysql.EnableStatusEnumDisabled)
	}
	if it.Has("public-off") {
		p.Network.PublicNetworkAccess = to.Ptr(mysql.EnableStatusEnumDisabled)
	}
	if it.Has("no-geo") {
		p.Backup.GeoRedundantBackup = to.Ptr(mysql.EnableStatusEnumDisabled)
	}
	if it.Has("short-backup") {
		p.Backup.BackupRetentionDays = to.Ptr[int32](3)
	}
	if it.Has("single") {
		p.HighAvailability = []*mysql.HighAvailability{nil, {Mode: to.Ptr(mysql.HighAvailabilityModeDisabled)}}[it.Pick(2, "single")]
	}
	if it.Pick(2, "key") == 0 {
		p.DataEncryption = &mysql.DataEncryption{Type: to.Ptr(mysql.DataEncryptionTypeAzureKeyVault),
			PrimaryKeyURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/mysql")}
	}
	return &mysql.Server{
		ID: to.Ptr(mysqlID(it)), Name: to.Ptr("mysql-" + it.Name()), Type: to.Ptr("Microsoft.DBforMySQL/flexibleServers"),
		Location: to.Ptr(it.Account.Home()), Tags: labels("team", "data"),
		SystemData: &mysql.SystemData{CreatedAt: to.Ptr(state.Long(it, 60))}, Properties: p,
	}
}

// mysqlParameters are names and values.
func mysqlParameters(it *world.Item) [][2]string {
	secure, tls, audit, events := "ON", "TLSv1.2,TLSv1.3", "ON", "CONNECTION,ADMIN,DDL"
	if it.Has("plain") {
		secure = "OFF"
	}
	if it.Has("old-tls") {
		tls = "TLSv1.1,TLSv1.2"
	}
	if it.Has("no-audit") {
		audit = "OFF"
	}
	if it.Has("no-connections") {
		events = "ADMIN,DDL"
	}
	return [][2]string{{"audit_log_enabled", audit}, {"audit_log_events", events}, {"max_connections", "341"},
		{"require_secure_transport", secure}, {"tls_version", tls}}
}
