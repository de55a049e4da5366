package subscription

import (
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/sql/armsql"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A server's assessments are express unless it has "classic" or "no-assessment". A database may be a "warehouse".
var sqlService = service{
	providers: []string{"Microsoft.Sql"},
	kinds: []world.Kind{
		{
			Name: "azure.sql", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "no-audit", Share: 0.2, Drift: 0.1}, {Name: "no-audit-target", Share: 0.1},
				{Name: "few-actions", Share: 0.2}, {Name: "to-storage", Share: 0.5},
				{Name: "short-audit", Share: 0.4}, {Name: "no-alerts", Share: 0.4, Drift: 0.1}, {Name: "old-tls", Share: 0.3},
				{Name: "public-off", Share: 0.3}, {Name: "no-endpoint", Share: 0.4},
				{Name: "all-addresses", Share: 0.1, Drift: 0.2}, {Name: "wide-range", Share: 0.15}, {Name: "all-azure", Share: 0.3},
				{Name: "office", Share: 0.4},
				{Name: "no-entra-admin", Share: 0.2}, {Name: "passwords", Share: 0.4}, {Name: "no-assessment", Share: 0.2},
				{Name: "classic", Share: 0.5}, {Name: "no-scans", Share: 0.3},
				{Name: "nobody-told", Share: 0.3}, {Name: "service-key", Share: 0.5}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				open := it.Has("all-addresses") || it.Has("wide-range")
				return keyOf("azure.sql.server", sqlID(it)), map[string]posture.Result{
					"azure-sql-server-auditing":            failIf(it.Has("no-audit") || it.Has("no-audit-target") || it.Has("few-actions")),
					"azure-sql-server-auditing-retention":  unless(it.Has("no-audit"), failIf(it.Has("short-audit") && it.Has("to-storage"))),
					"azure-sql-server-threat-detection":    failIf(it.Has("no-alerts") && !planOn(s, "SqlServers")),
					"azure-sql-server-minimum-tls-1-2":     failIf(it.Has("old-tls")),
					"azure-sql-server-firewall-restricted": unless(it.Has("public-off"), failIf(open)),
					"azure-sql-server-public-access-disabled": failIf(!it.Has("public-off") &&
						(it.Has("no-endpoint") || open || it.Has("all-azure") || it.Has("office"))),
					"azure-sql-server-entra-authentication": failIf(it.Has("no-entra-admin") || it.Has("passwords")),
					"azure-sql-server-vulnerability-assessment": failIf(it.Has("no-assessment") || it.Has("classic") &&
						(it.Has("no-scans") || it.Has("nobody-told"))),
					"azure-sql-server-tde-cmk": failIf(it.Has("service-key")),
				}
			},
		},
		{
			Name: "azure.sql.database", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "warehouse", Share: 0.2}, {Name: "not-encrypted", Share: 0.1, Drift: 0.2},
				{Name: "short-backup", Share: 0.2}, {Name: "local-backup", Share: 0.2},
				{Name: "no-long-backup", Share: 0.3}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.sql.database", sqlDatabaseID(s, it)), map[string]posture.Result{
					"azure-sql-database-tde": failIf(it.Has("not-encrypted")),
					"azure-sql-database-backup-retention": unless(it.Has("warehouse"),
						failIf(it.Has("short-backup") || it.Has("local-backup") || it.Has("no-long-backup"))),
				}
			},
		},
		{
			Name: "azure.sql.instance", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "public", Share: 0.2, Drift: 0.1}, {Name: "old-tls", Share: 0.2}, {Name: "passwords", Share: 0.3},
				{Name: "service-key", Share: 0.4},
				{Name: "no-scans", Share: 0.3}, {Name: "no-alerts", Share: 0.3}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.sql.managed_instance", sqlInstanceID(it)), map[string]posture.Result{
					"azure-sql-managed-instance-hardened":                 failIf(it.Has("public") || it.Has("old-tls") || it.Has("passwords")),
					"azure-sql-managed-instance-cmk":                      failIf(it.Has("service-key")),
					"azure-sql-managed-instance-threat-and-vulnerability": failIf(it.Has("no-scans") || it.Has("no-alerts") && !planOn(s, "SqlServers")),
				}
			},
		},
	},
	handle: handleSQL,
}

func sqlName(it *world.Item) string { return "Sql-" + it.Name() + "-" + it.Hex(4, "name") }

func sqlID(it *world.Item) string { return idOf(it, "Microsoft.Sql/servers", sqlName(it)) }

// sqlOf is the server of a database: the first is always there.
func sqlOf(s *world.State, it *world.Item) *world.Item {
	if server := s.Find("azure.sql", posture.Global, it.Index%3); server != nil {
		return server
	}
	return s.Find("azure.sql", posture.Global, 0)
}

func sqlDatabaseID(s *world.State, it *world.Item) string {
	return sqlID(sqlOf(s, it)) + "/databases/" + it.Name()
}

func sqlInstanceID(it *world.Item) string {
	return idOf(it, "Microsoft.Sql/managedInstances", "mi-"+it.Name())
}

func handleSQL(s *azure.Server, w *states) {
	azure.List(s, "armsql.ServersClient.NewListPager", func(c azure.Call) (*armsql.ServerListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsql.ServerListResult{}
		for _, it := range state.Items("azure.sql") {
			out.Value = append(out.Value, sqlServer(it))
		}
		// A Synapse workspace's own server is somebody else's.
		synapse := "/subscriptions/" + c.Account + "/resourceGroups/" + group + "/providers/Microsoft.Sql/servers/synapse"
		out.Value = append(out.Value, &armsql.Server{ID: &synapse, Name: to.Ptr("synapse"), Kind: to.Ptr("v12.0,analytics"),
			Location: to.Ptr(state.Account.Home())})
		return out, nil
	})
	onServer(s, w, "armsql.ExtendedServerBlobAuditingPoliciesClient.Get", func(it *world.Item) (*armsql.ExtendedServerBlobAuditingPolicy, error) {
		return &armsql.ExtendedServerBlobAuditingPolicy{ID: to.Ptr(sqlID(it) + "/extendedAuditingSettings/Default"), Name: to.Ptr("Default"),
			Properties: sqlAuditing(it)}, nil
	})
	onServer(s, w, "armsql.ServerSecurityAlertPoliciesClient.Get", func(it *world.Item) (*armsql.ServerSecurityAlertPolicy, error) {
		return &armsql.ServerSecurityAlertPolicy{ID: to.Ptr(sqlID(it) + "/securityAlertPolicies/Default"), Name: to.Ptr("Default"),
			Properties: sqlAlerts(it)}, nil
	})
	azure.List(s, "armsql.FirewallRulesClient.NewListByServerPager", func(c azure.Call) (*armsql.FirewallRuleListResult, error) {
		_, it, err := w.sqlServer(c)
		if err != nil {
			return nil, err
		}
		out := &armsql.FirewallRuleListResult{}
		for _, r := range addressRules(it) {
			out.Value = append(out.Value, &armsql.FirewallRule{ID: to.Ptr(sqlID(it) + "/firewallRules/" + r.name), Name: &r.name,
				Properties: &armsql.ServerFirewallRuleProperties{StartIPAddress: &r.start, EndIPAddress: &r.end}})
		}
		return out, nil
	})
	onServer(s, w, "armsql.EncryptionProtectorsClient.Get", func(it *world.Item) (*armsql.EncryptionProtector, error) {
		p := &armsql.EncryptionProtectorProperties{ServerKeyType: to.Ptr(armsql.ServerKeyTypeServiceManaged), ServerKeyName: to.Ptr("ServiceManaged")}
		if !it.Has("service-key") {
			p.ServerKeyType, p.AutoRotationEnabled = to.Ptr(armsql.ServerKeyTypeAzureKeyVault), to.Ptr(it.Pick(2, "rotation") == 0)
			p.URI = to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/sql/" + it.Hex(32, "version"))
		}
		return &armsql.EncryptionProtector{ID: to.Ptr(sqlID(it) + "/encryptionProtector/current"), Name: to.Ptr("current"), Properties: p}, nil
	})
	onServer(s, w, "armsql.ServerVulnerabilityAssessmentsClient.Get", func(it *world.Item) (*armsql.ServerVulnerabilityAssessment, error) {
		p := &armsql.ServerVulnerabilityAssessmentProperties{}
		switch {
		case it.Has("no-assessment") && it.Has("no-alerts"):
			return nil, assessmentsOff()
		case it.Has("classic") && !it.Has("no-assessment"):
			p.StorageContainerPath = to.Ptr("https://acmescans.blob.core.windows.net/vulnerability-assessment/")
			p.RecurringScans = scans(it)
		}
		return &armsql.ServerVulnerabilityAssessment{ID: to.Ptr(sqlID(it) + "/vulnerabilityAssessments/Default"), Name: to.Ptr("Default"),
			Properties: p}, nil
	})
	azure.List(s, "armsql.DatabasesClient.NewListByServerPager", func(c azure.Call) (*armsql.DatabaseListResult, error) {
		state, server, err := w.sqlServer(c)
		if err != nil {
			return nil, err
		}
		out := &armsql.DatabaseListResult{Value: []*armsql.Database{{ID: to.Ptr(sqlID(server) + "/databases/master"), Name: to.Ptr("master"),
			SKU: &armsql.SKU{Name: to.Ptr("System")}, Properties: &armsql.DatabaseProperties{}}}}
		for _, it := range state.Items("azure.sql.database") {
			if sqlOf(state, it) == server {
				out.Value = append(out.Value, sqlDatabase(state, it))
			}
		}
		return out, nil
	})
	onDatabase(s, w, "armsql.TransparentDataEncryptionsClient.Get", func(it *world.Item) (*armsql.LogicalDatabaseTransparentDataEncryption, error) {
		state := armsql.TransparentDataEncryptionStateEnabled
		if it.Has("not-encrypted") {
			state = armsql.TransparentDataEncryptionStateDisabled
		}
		return &armsql.LogicalDatabaseTransparentDataEncryption{Name: to.Ptr("current"),
			Properties: &armsql.TransparentDataEncryptionProperties{State: &state}}, nil
	})
	onDatabase(s, w, "armsql.BackupShortTermRetentionPoliciesClient.Get", func(it *world.Item) (*armsql.BackupShortTermRetentionPolicy, error) {
		days := int32(7 + it.Pick(28, "days"))
		if it.Has("short-backup") {
			days = 3
		}
		return &armsql.BackupShortTermRetentionPolicy{Name: to.Ptr("default"),
			Properties: &armsql.BackupShortTermRetentionPolicyProperties{RetentionDays: &days}}, nil
	})
	onDatabase(s, w, "armsql.LongTermRetentionPoliciesClient.Get", func(it *world.Item) (*armsql.LongTermRetentionPolicy, error) {
		p := &armsql.BaseLongTermRetentionPolicyProperties{WeeklyRetention: to.Ptr("PT0S"), MonthlyRetention: to.Ptr("PT0S"),
			YearlyRetention: to.Ptr("PT0S"), WeekOfYear: to.Ptr[int32](0)}
		if !it.Has("no-long-backup") {
			*[]**string{&p.WeeklyRetention, &p.MonthlyRetention, &p.YearlyRetention}[it.Pick(3, "every")] = to.Ptr("P1Y")
		}
		return &armsql.LongTermRetentionPolicy{Name: to.Ptr("default"), Properties: p}, nil
	})
	azure.List(s, "armsql.ManagedInstancesClient.NewListPager", func(c azure.Call) (*armsql.ManagedInstanceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsql.ManagedInstanceListResult{}
		for _, it := range state.Items("azure.sql.instance") {
			out.Value = append(out.Value, sqlInstance(it))
		}
		return out, nil
	})
	onInstance(s, w, "armsql.ManagedInstanceEncryptionProtectorsClient.Get",
		func(it *world.Item) (*armsql.ManagedInstanceEncryptionProtector, error) {
			kind := armsql.ServerKeyTypeAzureKeyVault
			if it.Has("service-key") {
				kind = armsql.ServerKeyTypeServiceManaged
			}
			return &armsql.ManagedInstanceEncryptionProtector{Name: to.Ptr("current"),
				Properties: &armsql.ManagedInstanceEncryptionProtectorProperties{ServerKeyType: &kind}}, nil
		})
	onInstance(s, w, "armsql.ManagedInstanceVulnerabilityAssessmentsClient.Get",
		func(it *world.Item) (*armsql.ManagedInstanceVulnerabilityAssessment, error) {
			if it.Has("no-scans") && it.Has("no-alerts") {
				return nil, assessmentsOff()
			}
			return &armsql.ManagedInstanceVulnerabilityAssessment{Name: to.Ptr("Default"),
				Properties: &armsql.ManagedInstanceVulnerabilityAssessmentProperties{
					StorageContainerPath: to.Ptr("https://acmescans.blob.core.windows.net/vulnerability-assessment/"), RecurringScans: scans(it)}}, nil
		})
	onInstance(s, w, "armsql.ManagedServerSecurityAlertPoliciesClient.Get", func(it *world.Item) (*armsql.ManagedServerSecurityAlertPolicy, error) {
		return &armsql.ManagedServerSecurityAlertPolicy{Name: to.Ptr("Default"), Properties: sqlAlerts(it)}, nil
	})
}

func assessmentsOff() error {
	return &azure.Error{Status: http.StatusBadRequest, Code: "VulnerabilityAssessmentADSIsDisabled",
		Message: "Advanced Data Security should be enabled in order to use Vulnerability Assessment."}
}

// sqlAssessments are the express assessments of servers, which have no operation of their own.
func sqlAssessments(s *world.State) []described {
	var out []described
	for _, it := range s.Items("azure.sql") {
		state := "Enabled"
		if it.Has("no-assessment") || it.Has("classic") {
			state = "Disabled"
		}
		out = append(out, described{ID: sqlID(it) + "/sqlVulnerabilityAssessments/Default", Type: "Microsoft.Sql/servers/sqlVulnerabilityAssessments",
			Properties: map[string]any{"state": state}})
	}
	return out
}

// sqlServer finds the server that a call is about.
func (w *states) sqlServer(c azure.Call) (*world.State, *world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range state.Items("azure.sql") {
		if strings.EqualFold(sqlName(it), c.Params["serverName"]) {
			return state, it, nil
		}
	}
	return nil, nil, azure.NotFound("The server '" + c.Params["serverName"] + "'")
}

// onServer registers what answers for one server, onDatabase and onInstance for one database or managed instance.
func onServer[Out any](s *azure.Server, w *states, id string, answer func(*world.Item) (*Out, error)) {
	azure.Handle(s, id, func(c azure.Call) (*Out, error) {
		_, it, err := w.sqlServer(c)
		if err != nil {
			return nil, err
		}
		return answer(it)
	})
}

func onDatabase[Out any](s *azure.Server, w *states, id string, answer func(*world.Item) (*Out, error)) {
	azure.Handle(s, id, func(c azure.Call) (*Out, error) {
		state, server, err := w.sqlServer(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("azure.sql.database") {
			if sqlOf(state, it) == server && it.Name() == c.Params["databaseName"] {
				return answer(it)
			}
		}
		return nil, azure.NotFound("The database '" + c.Params["databaseName"] + "'")
	})
}

func onInstance[Out any](s *azure.Server, w *states, id string, answer func(*world.Item) (*Out, error)) {
	azure.Handle(s, id, func(c azure.Call) (*Out, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("azure.sql.instance") {
			if "mi-"+it.Name() == c.Params["managedInstanceName"] {
				return answer(it)
			}
		}
		return nil, azure.NotFound("The managed instance '" + c.Params["managedInstanceName"] + "'")
	})
}

func sqlServer(it *world.Item) *armsql.Server {
	p := &armsql.ServerProperties{
		Version: to.Ptr("12.0"), State: to.Ptr("Ready"),
		FullyQualifiedDomainName: to.Ptr(strings.ToLower(sqlName(it)) + ".database.windows.net"), AdministratorLogin: to.Ptr("operator"),
		MinimalTLSVersion: to.Ptr([]string{"1.2", "1.3"}[it.Pick(2, "tls")]), PublicNetworkAccess: to.Ptr(armsql.ServerNetworkAccessFlagEnabled),
		RestrictOutboundNetworkAccess: to.Ptr([]armsql.ServerNetworkAccessFlag{armsql.ServerNetworkAccessFlagEnabled,
			armsql.ServerNetworkAccessFlagDisabled}[it.Pick(2, "outbound")]),
	}
	if it.Has("old-tls") {
		p.MinimalTLSVersion = []*string{nil, to.Ptr("None"), to.Ptr("1.0")}[it.Pick(3, "old tls")]
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr(armsql.ServerNetworkAccessFlagDisabled)
	}
	if !it.Has("no-endpoint") {
		p.PrivateEndpointConnections = []*armsql.ServerPrivateEndpointConnection{{Properties: &armsql.PrivateEndpointConnectionProperties{
			PrivateLinkServiceConnectionState: &armsql.PrivateLinkServiceConnectionStateProperty{
				Status: to.Ptr(armsql.PrivateLinkServiceConnectionStateStatusApproved), Description: to.Ptr("app"),
			},
		}}}
	}
	if !it.Has("no-entra-admin") {
		p.Administrators = &armsql.ServerExternalAdministrator{
			AdministratorType: to.Ptr(armsql.AdministratorTypeActiveDirectory), Login: to.Ptr("dba"),
			Sid:                       to.Ptr("cccccccc-0000-4000-8000-" + it.Hex(12, "dba")),
			PrincipalType:             to.Ptr([]armsql.PrincipalType{armsql.PrincipalTypeGroup, armsql.PrincipalTypeUser}[it.Pick(2, "dba")]),
			AzureADOnlyAuthentication: to.Ptr(!it.Has("passwords")),
		}
	}
	return &armsql.Server{
		ID: to.Ptr(sqlID(it)), Name: to.Ptr(sqlName(it)), Type: to.Ptr("Microsoft.Sql/servers"), Kind: to.Ptr("v12.0"),
		Location: to.Ptr(it.Account.Home()),
		Tags:     labels("team", "data"), Properties: p,
	}
}

func sqlAuditing(it *world.Item) *armsql.ExtendedServerBlobAuditingPolicyProperties {
	p := &armsql.ExtendedServerBlobAuditingPolicyProperties{State: to.Ptr(armsql.BlobAuditingPolicyStateEnabled),
		RetentionDays: to.Ptr[int32](0), StorageEndpoint: to.Ptr(""),
		IsAzureMonitorTargetEnabled: to.Ptr(!it.Has("to-storage") || it.Pick(2, "also") == 0)}
	actions := []string{"SUCCESSFUL_DATABASE_AUTHENTICATION_GROUP", "FAILED_DATABASE_AUTHENTICATION_GROUP", "BATCH_COMPLETED_GROUP"}
	if it.Has("few-actions") {
		actions = actions[:2]
	} else if it.Pick(2, "actions") == 0 {
		actions = nil
	}
	for _, a := range actions {
		p.AuditActionsAndGroups = append(p.AuditActionsAndGroups, &a)
	}
	if it.Has("to-storage") {
		p.StorageEndpoint, p.RetentionDays = to.Ptr("https://acmeaudit.blob.core.windows.net/"), to.Ptr([]int32{0, 90, 365}[it.Pick(3, "audit days")])
		if it.Has("short-audit") {
			p.RetentionDays = to.Ptr[int32](30)
		}
	}
	if it.Has("no-audit-target") {
		p.IsAzureMonitorTargetEnabled = to.Ptr(false)
		if it.Has("to-storage") {
			p.StorageEndpoint = nil
		}
	}
	if it.Has("no-audit") {
		p.State = to.Ptr(armsql.BlobAuditingPolicyStateDisabled)
	}
	return p
}

func sqlAlerts(it *world.Item) *armsql.SecurityAlertsPolicyProperties {
	p := &armsql.SecurityAlertsPolicyProperties{State: to.Ptr(armsql.SecurityAlertsPolicyStateEnabled),
		EmailAccountAdmins: to.Ptr(it.Pick(2, "mail") == 0), EmailAddresses: []*string{to.Ptr("")}}
	if it.Has("no-alerts") {
		p.State = to.Ptr(armsql.SecurityAlertsPolicyStateDisabled)
	} else if it.Pick(2, "addresses") == 0 {
		p.EmailAddresses = []*string{to.Ptr("dba@acme.example")}
	}
	return p
}

func scans(it *world.Item) *armsql.VulnerabilityAssessmentRecurringScansProperties {
	p := &armsql.VulnerabilityAssessmentRecurringScansProperties{IsEnabled: to.Ptr(!it.Has("no-scans")),
		EmailSubscriptionAdmins: to.Ptr(false), Emails: []*string{}}
	switch {
	case it.Has("nobody-told"):
	case it.Pick(2, "told") == 0:
		p.EmailSubscriptionAdmins = to.Ptr(true)
	default:
		p.Emails = []*string{to.Ptr("dba@acme.example")}
	}
	return p
}

// addressRule is a firewall rule of a database server.
type addressRule struct{ name, start, end string }

// addressRules are the firewall rules that follow from a server's defects.
func addressRules(it *world.Item) []addressRule {
	var out []addressRule
	if it.Has("all-addresses") {
		out = append(out, addressRule{"everybody", "0.0.0.0", "255.255.255.255"})
	}
	if it.Has("all-azure") {
		out = append(out, addressRule{"AllowAllWindowsAzureIps", "0.0.0.0", "0.0.0.0"})
	}
	if it.Has("office") {
		out = append(out, addressRule{"office", "198.51.100.0", "198.51.100.255"}, addressRule{"vpn", "10.0.0.0", "10.255.255.255"})
	}
	if it.Has("wide-range") {
		out = append(out, addressRule{"provider", "20.0.0.0", "20.63.255.255"})
	}
	return out
}

func sqlDatabase(state *world.State, it *world.Item) *armsql.Database {
	copies := []armsql.BackupStorageRedundancy{armsql.BackupStorageRedundancyGeo, armsql.BackupStorageRedundancyGeoZone}[it.Pick(2, "copies")]
	if it.Has("local-backup") {
		copies = []armsql.BackupStorageRedundancy{armsql.BackupStorageRedundancyLocal, armsql.BackupStorageRedundancyZone}[it.Pick(2, "copies")]
	}
	sku := []string{"GP_Gen5", "BC_Gen5", "GP_S_Gen5"}[it.Pick(3, "sku")]
	if it.Has("warehouse") {
		sku = "DataWarehouse"
	}
	return &armsql.Database{
		ID: to.Ptr(sqlDatabaseID(state, it)), Name: to.Ptr(it.Name()), Type: to.Ptr("Microsoft.Sql/servers/databases"),
		Location: to.Ptr(it.Account.Home()), Tags: labels("team", "data"),
		Kind: to.Ptr("v12.0,user"), SKU: &armsql.SKU{Name: &sku, Capacity: to.Ptr[int32](2)}, Properties: &armsql.DatabaseProperties{
			Status: to.Ptr(armsql.DatabaseStatusOnline), CreationDate: to.Ptr(state.Long(it, 100)),
			ZoneRedundant: to.Ptr(it.Pick(2, "zones") == 0), CurrentBackupStorageRedundancy: &copies,
		},
	}
}

func sqlInstance(it *world.Item) *armsql.ManagedInstance {
	p := &armsql.ManagedInstanceProperties{
		State: to.Ptr("Ready"), PublicDataEndpointEnabled: to.Ptr(it.Has("public")), MinimalTLSVersion: to.Ptr("1.2"),
		ZoneRedundant: to.Ptr(it.Pick(2, "zones") == 0),
		SubnetID:      to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/sqlmi")),
		CurrentBackupStorageRedundancy: to.Ptr([]armsql.BackupStorageRedundancy{armsql.BackupStorageRedundancyGeo,
			armsql.BackupStorageRedundancyLocal}[it.Pick(2, "copies")]),
		Administrators: &armsql.ManagedInstanceExternalAdministrator{Login: to.Ptr("dba"),
			AzureADOnlyAuthentication: to.Ptr(!it.Has("passwords"))},
	}
	if it.Has("old-tls") {
		p.MinimalTLSVersion = []*string{to.Ptr("None"), to.Ptr("1.1")}[it.Pick(2, "old tls")]
	}
	return &armsql.ManagedInstance{
		ID: to.Ptr(sqlInstanceID(it)), Name: to.Ptr("mi-" + it.Name()), Type: to.Ptr("Microsoft.Sql/managedInstances"),
		Location: to.Ptr(it.Account.Home()),
		SKU:      &armsql.SKU{Name: to.Ptr("GP_Gen5")}, Tags: labels("team", "data"), Properties: p,
	}
}
