package project

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/api/sqladmin/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Cloud SQL: a kind for each engine, and one for the servers elsewhere that are replicated from.
var sqlService = service{
	api: "sqladmin.googleapis.com",
	kinds: []world.Kind{
		sqlKind("postgres", 3, "sessions-unlogged", "errors-drowned", "slow-statements-logged", "changes-unlogged", "unaudited"),
		sqlKind("mysql", 2, "databases-shown"),
		sqlKind("sqlserver", 2, "external-scripts", "ownership-chaining", "contained-authentication", "remote-access", "details-shown",
			"few-connections", "user-options"),
		{
			Name: "gcp.sql.source", Sort: inProject, Count: 1,
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				verdicts := map[string]posture.Result{}
				for rule := range sqlVerdicts(it, "") {
					verdicts[rule] = posture.DoesNotApply
				}
				return in(it.Region, "gcp.sql.instance", sqlID(it)), verdicts
			},
		},
	},
	handle: handleSQL,
}

// sqlKind are the instances of one engine, with the defects that all engines have and those of its flags.
func sqlKind(engine string, count int, flags ...string) world.Kind {
	kind := world.Kind{
		Name: "gcp.sql." + engine, Sort: inProject, Count: count,
		Defects: []world.Defect{{Name: "replica", Share: 0.2}, {Name: "open-network", Drift: 0.2},
			{Name: "public-address", Share: 0.25, Drift: 0.1}, {Name: "plain-connections", Share: 0.2, Drift: 0.1},
			{Name: "no-backups", Share: 0.15, Drift: 0.1}, {Name: "no-log-kept", Share: 0.2}, {Name: "one-zone", Share: 0.3},
			{Name: "unprotected", Share: 0.2, Drift: 0.1}, {Name: "google-key", Share: 0.4}, {Name: "weak-passwords", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return in(it.Region, "gcp.sql.instance", sqlID(it)), sqlVerdicts(it, engine)
		},
	}
	for _, name := range flags {
		kind.Defects = append(kind.Defects, world.Defect{Name: name, Share: 0.25, Drift: 0.15})
	}
	return kind
}

func sqlVerdicts(it *world.Item, engine string) map[string]posture.Result {
	replica, noBackups := it.Has("replica"), it.Has("no-backups")
	out := map[string]posture.Result{
		"gcp-sql-instance-no-open-networks":       failIf(it.Has("open-network")),
		"gcp-sql-instance-private-only":           failIf(it.Has("public-address")),
		"gcp-sql-instance-tls-required":           failIf(it.Has("plain-connections")),
		"gcp-sql-instance-automated-backups":      unless(replica, failIf(noBackups)),
		"gcp-sql-instance-point-in-time-recovery": unless(replica, failIf(noBackups || it.Has("no-log-kept"))),
		"gcp-sql-instance-high-availability":      unless(replica, failIf(it.Has("one-zone"))),
		"gcp-sql-instance-deletion-protection":    failIf(it.Has("unprotected")),
		"gcp-sql-instance-cmek":                   failIf(it.Has("google-key")),
		"gcp-sql-instance-password-policy":        unless(engine == "sqlserver", failIf(it.Has("weak-passwords"))),
	}
	for wanted, defects := range map[string]map[string]string{
		"postgres": {
			"gcp-sql-postgres-log-sessions":         "sessions-unlogged",
			"gcp-sql-postgres-log-errors":           "errors-drowned",
			"gcp-sql-postgres-log-min-duration-off": "slow-statements-logged",
			"gcp-sql-postgres-log-statement":        "changes-unlogged",
			"gcp-sql-postgres-pgaudit":              "unaudited",
		},
		"mysql": {"gcp-sql-mysql-skip-show-database": "databases-shown"},
		"sqlserver": {
			"gcp-sql-sqlserver-external-scripts-off":         "external-scripts",
			"gcp-sql-sqlserver-ownership-chaining-off":       "ownership-chaining",
			"gcp-sql-sqlserver-contained-authentication-off": "contained-authentication",
			"gcp-sql-sqlserver-remote-access-off":            "remote-access",
			"gcp-sql-sqlserver-trace-3625":                   "details-shown",
			"gcp-sql-sqlserver-user-connections-unlimited":   "few-connections",
			"gcp-sql-sqlserver-user-options-unset":           "user-options",
		},
	} {
		for rule, defect := range defects {
			out[rule] = unless(engine != wanted, failIf(it.Has(defect)))
		}
	}
	return out
}

// sqlName is unique in the project, whatever the engine and region.
func sqlName(it *world.Item) string {
	return strings.TrimPrefix(it.Kind, "gcp.sql.") + "-" + it.Name() + "-" + it.Region
}

func sqlID(it *world.Item) string { return "projects/" + it.Account.ID + "/instances/" + sqlName(it) }

func handleSQL(s *gcp.Server, w *states) {
	gcp.List(s, "sql.instances.list", "items", func(c gcp.Call) (*sqladmin.InstancesListResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &sqladmin.InstancesListResponse{Kind: "sql#instancesList"}
		for _, kind := range []string{"gcp.sql.postgres", "gcp.sql.mysql", "gcp.sql.sqlserver", "gcp.sql.source"} {
			for _, it := range state.Items(kind) {
				out.Items = append(out.Items, sqlInstance(state, it))
			}
		}
		return out, nil
	})
}

func sqlInstance(state *world.State, it *world.Item) *sqladmin.DatabaseInstance {
	name, project := sqlName(it), it.Account.ID
	i := &sqladmin.DatabaseInstance{
		Kind: "sql#instance", Name: name, Project: project, Region: it.Region, State: "RUNNABLE", CreateTime: stamp(state.Long(it, 90)),
		ConnectionName: project + ":" + it.Region + ":" + name, SelfLink: "https://sqladmin.googleapis.com/v1/" + sqlID(it),
		BackendType: "SECOND_GEN", InstanceType: "CLOUD_SQL_INSTANCE", Etag: it.Hex(16, "etag"),
		Settings: &sqladmin.Settings{
			Kind: "sql#settings", ActivationPolicy: "ALWAYS", Tier: "db-custom-2-7680", Edition: "ENTERPRISE", PricingPlan: "PER_USE",
			SettingsVersion: 7, DataDiskType: "PD_SSD", UserLabels: map[string]string{"team": "data"},
			AvailabilityType: "REGIONAL", DeletionProtectionEnabled: !it.Has("unprotected"),
			ConnectorEnforcement: []string{"NOT_REQUIRED", "REQUIRED"}[it.Pick(2, "connectors")], IpConfiguration: sqlAddress(it),
			BackupConfiguration: &sqladmin.BackupConfiguration{Kind: "sql#backupConfiguration", StartTime: "02:00"},
			InsightsConfig:      &sqladmin.InsightsConfig{QueryInsightsEnabled: it.Pick(2, "insights") == 0},
		},
	}
	switch it.Kind {
	case "gcp.sql.postgres":
		i.DatabaseVersion = []string{"POSTGRES_16", "POSTGRES_18"}[it.Pick(2, "version")]
	case "gcp.sql.mysql":
		i.DatabaseVersion = "MYSQL_8_4"
	case "gcp.sql.sqlserver":
		i.DatabaseVersion = "SQLSERVER_2022_STANDARD"
	default: // nothing of it runs in Google's cloud
		i.DatabaseVersion, i.InstanceType, i.BackendType = "MYSQL_8_0", "ON_PREMISES_INSTANCE", "EXTERNAL"
		i.Settings = &sqladmin.Settings{Kind: "sql#settings", SettingsVersion: 1, AvailabilityType: "ZONAL"}
		i.OnPremisesConfiguration = &sqladmin.OnPremisesConfiguration{
			Kind: "sql#onPremisesConfiguration", HostPort: "198.51.100.7:3306", Username: "replicator"}
		return i
	}
	if it.Has("public-address") {
		i.IpAddresses = []*sqladmin.IpMapping{{IpAddress: "203.0.113.20", Type: "PRIMARY"}}
	} else if i.Settings.IpConfiguration.PrivateNetwork != "" {
		i.IpAddresses = []*sqladmin.IpMapping{{IpAddress: "10.20.0.5", Type: "PRIVATE"}}
	}
	if it.Pick(3, "maintenance") == 0 {
		i.AvailableMaintenanceVersions = []string{i.DatabaseVersion + ".R20260105.01_08"}
	}
	if !it.Has("google-key") {
		i.DiskEncryptionConfiguration = &sqladmin.DiskEncryptionConfiguration{Kind: "sql#diskEncryptionConfiguration",
			KmsKeyName: "projects/" + project + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/databases"}
	}
	if it.Has("one-zone") {
		i.Settings.AvailabilityType = "ZONAL"
	}
	if it.Has("replica") { // which has no backups of its own
		i.InstanceType, i.MasterInstanceName, i.Settings.AvailabilityType = "READ_REPLICA_INSTANCE", project+":main", "ZONAL"
	} else {
		sqlBackups(it, i.Settings.BackupConfiguration)
	}
	if it.Kind != "gcp.sql.sqlserver" && !(it.Has("weak-passwords") && it.Pick(2, "passwords") == 0) {
		i.Settings.PasswordValidationPolicy = &sqladmin.PasswordValidationPolicy{
			EnablePasswordPolicy: true, MinLength: 14, Complexity: "COMPLEXITY_DEFAULT"}
		if it.Has("weak-passwords") {
			i.Settings.PasswordValidationPolicy.MinLength = 8
		}
	}
	flags := sqlFlags(it)
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		i.Settings.DatabaseFlags = append(i.Settings.DatabaseFlags, &sqladmin.DatabaseFlags{Name: name, Value: flags[name]})
	}
	return i
}

func sqlAddress(it *world.Item) *sqladmin.IpConfiguration {
	out := &sqladmin.IpConfiguration{AuthorizedNetworks: []*sqladmin.AclEntry{{Kind: "sql#aclEntry", Name: "office", Value: "192.0.2.0/24"}}}
	if it.Has("open-network") {
		out.AuthorizedNetworks = append(out.AuthorizedNetworks, &sqladmin.AclEntry{Kind: "sql#aclEntry", Name: "everywhere", Value: "0.0.0.0/0"})
	}
	if it.Has("public-address") {
		out.Ipv4Enabled = true
	}
	if it.Pick(2, "path") == 0 {
		out.PrivateNetwork = "projects/" + it.Account.ID + "/global/networks/main"
	} else {
		out.PscConfig = &sqladmin.PscConfig{PscEnabled: true, AllowedConsumerProjects: []string{it.Account.ID}}
	}
	old := it.Pick(3, "tls") == 0 // set up before there were modes
	switch {
	case it.Has("plain-connections") && old:
	case it.Has("plain-connections"):
		out.SslMode = "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
	case old:
		out.RequireSsl = true
	case it.Kind == "gcp.sql.sqlserver":
		out.SslMode, out.RequireSsl = "ENCRYPTED_ONLY", true
	case it.Pick(2, "certificates") == 0:
		out.SslMode, out.RequireSsl = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED", true
	default:
		out.SslMode = "ENCRYPTED_ONLY"
	}
	return out
}

func sqlBackups(it *world.Item, out *sqladmin.BackupConfiguration) {
	if it.Has("no-backups") {
		return
	}
	out.Enabled, out.Location = true, it.Region
	out.BackupRetentionSettings = &sqladmin.BackupRetentionSettings{RetainedBackups: int64(7 + it.Pick(8, "kept")), RetentionUnit: "COUNT"}
	if it.Has("no-log-kept") {
		return
	}
	out.TransactionLogRetentionDays = 7
	if it.Kind == "gcp.sql.mysql" {
		out.BinaryLogEnabled = true
	} else {
		out.PointInTimeRecoveryEnabled = true
	}
}

// sqlFlags are the database flags of an instance. Where a default does, about half of the instances leave it at that.
func sqlFlags(it *world.Item) map[string]string {
	out := map[string]string{}
	written := func(name, value string) {
		if it.Pick(2, name) == 0 {
			out[name] = value
		}
	}
	switch it.Kind {
	case "gcp.sql.postgres":
		out["log_connections"] = []string{"on", "authentication,authorization"}[it.Pick(2, "version")]
		if !it.Has("sessions-unlogged") {
			out["log_disconnections"] = "on"
		}
		written("log_error_verbosity", "default")
		written("log_min_error_statement", "error")
		if it.Has("errors-drowned") {
			out["log_min_messages"] = "debug1"
		}
		if written("log_min_duration_statement", "-1"); it.Has("slow-statements-logged") {
			out["log_min_duration_statement"] = "500"
		}
		if out["log_statement"] = "ddl"; it.Has("changes-unlogged") {
			out["log_statement"] = "none"
		}
		if out["cloudsql.enable_pgaudit"] = "on"; !it.Has("unaudited") {
			out["pgaudit.log"] = "write,ddl"
		}
		written("cloudsql.iam_authentication", "on")
	case "gcp.sql.mysql":
		if !it.Has("databases-shown") {
			out["skip_show_database"] = "on"
		}
		written("cloudsql_iam_authentication", "on")
	case "gcp.sql.sqlserver":
		for name, defect := range map[string]string{"external scripts enabled": "external-scripts",
			"cross db ownership chaining": "ownership-chaining", "contained database authentication": "contained-authentication"} {
			if written(name, "off"); it.Has(defect) {
				out[name] = "on"
			}
		}
		if !it.Has("remote-access") {
			out["remote access"] = "off"
		}
		if !it.Has("details-shown") {
			out["3625"] = "on"
		}
		if written("user connections", "0"); it.Has("few-connections") {
			out["user connections"] = "100"
		}
		if it.Has("user-options") {
			out["user options"] = "512"
		}
	}
	return out
}
