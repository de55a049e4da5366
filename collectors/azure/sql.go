package azure

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/sql/armsql"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// sqlKeys are the members that a few of these answers have for keys. They come back empty, and are not kept if ever they should
// not.
var sqlKeys = collectors.Redact("storageAccountAccessKey", "storageContainerSasKey")

var sqlServers = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SQLServerType, schema.SQLDatabaseType},
	Operations: []collectors.Operation{
		{Name: "armsql.ServersClient.NewListPager", Permission: "Microsoft.Sql/servers/read", Body: collectors.Store},
		{Name: "armsql.ExtendedServerBlobAuditingPoliciesClient.Get", Permission: "Microsoft.Sql/servers/extendedAuditingSettings/read",
			Body: sqlKeys},
		{Name: "armsql.ServerSecurityAlertPoliciesClient.Get", Permission: "Microsoft.Sql/servers/securityAlertPolicies/read", Body: sqlKeys},
		{Name: "armsql.FirewallRulesClient.NewListByServerPager", Permission: "Microsoft.Sql/servers/firewallRules/read", Body: collectors.Store},
		{Name: "armsql.EncryptionProtectorsClient.Get", Permission: "Microsoft.Sql/servers/encryptionProtector/read", Body: collectors.Store},
		{Name: "armsql.ServerVulnerabilityAssessmentsClient.Get", Permission: "Microsoft.Sql/servers/vulnerabilityAssessments/read", Body: sqlKeys},
		resourceByID,
		{Name: "armsql.DatabasesClient.NewListByServerPager", Permission: "Microsoft.Sql/servers/databases/read", Body: collectors.Store},
		{Name: "armsql.TransparentDataEncryptionsClient.Get", Permission: "Microsoft.Sql/servers/databases/transparentDataEncryption/read",
			Body: collectors.Store},
		{Name: "armsql.BackupShortTermRetentionPoliciesClient.Get",
			Permission: "Microsoft.Sql/servers/databases/backupShortTermRetentionPolicies/read", Body: collectors.Store},
		{Name: "armsql.LongTermRetentionPoliciesClient.Get", Permission: "Microsoft.Sql/servers/databases/backupLongTermRetentionPolicies/read",
			Body: collectors.Store},
	},
	Collect: collectSQLServers,
}

func collectSQLServers(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsql.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armsql.Server
	err = pages(ctx, api.NewServersClient().NewListPager(nil), func(page armsql.ServersClientListResponse) error {
		for _, s := range page.Value {
			if !strings.Contains(strings.ToLower(text(s.Kind)), "analytics") { // that of a Synapse workspace
				found = append(found, s)
			}
		}
		return nil
	})
	var mu sync.Mutex // of databases
	var databases []*armsql.Database
	lost := parallel(found, func(s *armsql.Server) string { return idOf(s.ID) }, func(s *armsql.Server) error {
		out := newSQLServer(s)
		emit(idOf(s.ID), &out, c.sqlDetails(ctx, api, s, &out)...)
		err := pages(ctx, api.NewDatabasesClient().NewListByServerPager(out.ResourceGroup, out.Name, nil),
			func(page armsql.DatabasesClientListByServerResponse) error {
				mu.Lock()
				databases = append(databases, page.Value...)
				mu.Unlock()
				return nil
			})
		if err != nil {
			err = fmt.Errorf("list databases of %s: %w", out.Name, err)
		}
		return collectors.Incomplete(schema.SQLDatabaseType, err)
	})
	_ = parallel(databases, func(d *armsql.Database) string { return idOf(d.ID) }, func(d *armsql.Database) error {
		if !strings.EqualFold(text(d.Name), "master") { // the service's own
			emitSQLDatabase(ctx, api, d, emit)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list SQL servers: %w", err)
	}
	return lost
}

func newSQLServer(s *armsql.Server) schema.SQLServer {
	p := value(s.Properties)
	admin := value(p.Administrators)
	return schema.SQLServer{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), MinimumTLSVersion: cmp.Or(text(p.MinimalTLSVersion), "None"),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armsql.ServerPrivateEndpointConnection) *armsql.PrivateLinkServiceConnectionStateStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		RestrictOutbound: text(p.RestrictOutboundNetworkAccess) == string(armsql.ServerNetworkAccessFlagEnabled),
		EntraAdmin:       schema.SQLAdmin{ObjectID: text(admin.Sid), IsGroup: text(admin.PrincipalType) == string(armsql.PrincipalTypeGroup)},
		EntraOnlyAuth:    is(admin.AzureADOnlyAuthentication),
	}
}

// sqlDetails reads what the list of servers does not tell, and returns what could not be read of it.
func (c *client) sqlDetails(ctx context.Context, api *armsql.ClientFactory, s *armsql.Server, out *schema.SQLServer) []collectors.Gap {
	var gaps []collectors.Gap
	policy, err := api.NewExtendedServerBlobAuditingPoliciesClient().Get(ctx, out.ResourceGroup, out.Name, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read auditing policy: %w", err), "auditing"))
	}
	audit := value(policy.Properties)
	out.Auditing = schema.SQLAuditing{
		State: cmp.Or(text(audit.State), "Disabled"), RetentionDays: int(value(audit.RetentionDays)), StorageEndpoint: text(audit.StorageEndpoint),
		AzureMonitorTarget: is(audit.IsAzureMonitorTargetEnabled), ActionGroups: list(audit.AuditActionsAndGroups),
	}
	alerts, err := api.NewServerSecurityAlertPoliciesClient().Get(ctx, out.ResourceGroup, out.Name, armsql.SecurityAlertPolicyNameDefault, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read security alert policy: %w", err), "threat_detection"))
	}
	threat := value(alerts.Properties)
	out.ThreatDetection = schema.SQLThreatDetection{
		State: cmp.Or(text(threat.State), "Disabled"), EmailAdmins: is(threat.EmailAccountAdmins), Emails: addresses(threat.EmailAddresses),
	}
	if out.FirewallRules, err = sqlFirewall(ctx, api, out); err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("list firewall rules: %w", err), "firewall_rules"))
	}
	protector, err := api.NewEncryptionProtectorsClient().Get(ctx, out.ResourceGroup, out.Name, armsql.EncryptionProtectorNameCurrent, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read encryption protector: %w", err), "tde_key_type", "tde_key_uri", "tde_auto_rotation"))
	}
	key := value(protector.Properties)
	out.TDEKeyType, out.TDEKeyURI, out.TDEAutoRotation = cmp.Or(text(key.ServerKeyType), "ServiceManaged"), text(key.URI), is(key.AutoRotationEnabled)
	if out.VA, err = c.sqlAssessment(ctx, api, s, out); err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read vulnerability assessment: %w", err), "va"))
	}
	return gaps
}

func sqlFirewall(ctx context.Context, api *armsql.ClientFactory, out *schema.SQLServer) ([]schema.DatabaseFirewallRule, error) {
	var found firewall
	err := pages(ctx, api.NewFirewallRulesClient().NewListByServerPager(out.ResourceGroup, out.Name, nil),
		func(page armsql.FirewallRulesClientListByServerResponse) error {
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

// sqlAssessment looks for an express assessment first: a server has one or the other.
func (c *client) sqlAssessment(ctx context.Context, api *armsql.ClientFactory, s *armsql.Server,
	out *schema.SQLServer) (schema.SQLAssessment, error) {
	none := schema.SQLAssessment{Mode: "none", Emails: []string{}}
	var express struct {
		State string `json:"state"`
	}
	if err := c.properties(ctx, text(s.ID)+"/sqlVulnerabilityAssessments/default", "2023-08-01", &express); err != nil {
		return none, err
	}
	if express.State == "Enabled" {
		return schema.SQLAssessment{Mode: "express", RecurringScans: true, Emails: []string{}}, nil
	}
	classic, err := api.NewServerVulnerabilityAssessmentsClient().Get(ctx, out.ResourceGroup, out.Name,
		armsql.VulnerabilityAssessmentNameDefault, nil)
	if noAssessment(err) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	p := value(classic.Properties)
	if text(p.StorageContainerPath) == "" {
		return none, nil
	}
	scans := value(p.RecurringScans)
	return schema.SQLAssessment{Mode: "classic", RecurringScans: is(scans.IsEnabled), EmailAdmins: is(scans.EmailSubscriptionAdmins),
		Emails: addresses(scans.Emails)}, nil
}

// noAssessment reports whether err says that there can be no classic assessment, as Defender is off.
func noAssessment(err error) bool { return hasCode(err, "VulnerabilityAssessmentADSIsDisabled") }

// addresses leaves out the empty one that stands for none.
func addresses(in []*string) []string {
	return slices.DeleteFunc(list(in), func(a string) bool { return a == "" })
}

func emitSQLDatabase(ctx context.Context, api *armsql.ClientFactory, d *armsql.Database, emit collectors.Emit) {
	p := value(d.Properties)
	server, _, _ := strings.Cut(idOf(d.ID), "/databases/")
	out := schema.SQLDatabase{
		Resource: resource(d.ID, d.Name, d.Location, d.Tags), ServerID: server, Status: text(p.Status), SKU: text(value(d.SKU).Name),
		ZoneRedundant: is(p.ZoneRedundant), BackupRedundancy: text(p.CurrentBackupStorageRedundancy),
		LongTerm: schema.SQLLongTermRetention{Weekly: "PT0S", Monthly: "PT0S", Yearly: "PT0S"},
	}
	out.CreatedAt = posture.FromPtr(p.CreationDate)
	name := server[strings.LastIndex(server, "/")+1:]
	var gaps []collectors.Gap
	tde, err := api.NewTransparentDataEncryptionsClient().Get(ctx, out.ResourceGroup, name, out.Name,
		armsql.TransparentDataEncryptionNameCurrent, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read encryption: %w", err), "tde_state"))
	}
	out.TDEState = cmp.Or(text(value(tde.Properties).State), "Disabled")
	if out.SKU != "DataWarehouse" {
		short, err := api.NewBackupShortTermRetentionPoliciesClient().Get(ctx, out.ResourceGroup, name, out.Name,
			armsql.ShortTermRetentionPolicyNameDefault, nil)
		if err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("read short-term retention: %w", err), "short_term_retention_days"))
		}
		out.ShortTermRetentionDays = int(value(value(short.Properties).RetentionDays))
		long, err := api.NewLongTermRetentionPoliciesClient().Get(ctx, out.ResourceGroup, name, out.Name,
			armsql.LongTermRetentionPolicyNameDefault, nil)
		if err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("read long-term retention: %w", err), "long_term"))
		}
		kept := value(long.Properties)
		out.LongTerm = schema.SQLLongTermRetention{
			Weekly: cmp.Or(text(kept.WeeklyRetention), "PT0S"), Monthly: cmp.Or(text(kept.MonthlyRetention), "PT0S"),
			Yearly: cmp.Or(text(kept.YearlyRetention), "PT0S"),
		}
	}
	emit(idOf(d.ID), &out, gaps...)
}

// firewall gathers the rules of a database server.
type firewall struct {
	byName map[string]schema.DatabaseFirewallRule
}

// add reads one rule, an IPv4 range with both ends in it.
func (f *firewall) add(name, start, end *string) error {
	from, err := netip.ParseAddr(text(start))
	if err != nil {
		return fmt.Errorf("rule %s: %w", text(name), err)
	}
	to, err := netip.ParseAddr(text(end))
	if err != nil {
		return fmt.Errorf("rule %s: %w", text(name), err)
	}
	if !from.Is4() || !to.Is4() {
		return fmt.Errorf("rule %s: %s to %s is no IPv4 range", text(name), from, to)
	}
	if f.byName == nil {
		f.byName = map[string]schema.DatabaseFirewallRule{}
	}
	f.byName[text(name)] = schema.DatabaseFirewallRule{Name: text(name), StartIP: from.String(), EndIP: to.String(),
		PublicAddresses: publicAddresses(from, to)}
	return nil
}

// rules are the rules by name.
func (f *firewall) rules() []schema.DatabaseFirewallRule {
	out := []schema.DatabaseFirewallRule{}
	for _, r := range f.byName {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b schema.DatabaseFirewallRule) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// unrouted are the IPv4 ranges that nobody has on the internet.
var unrouted = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// publicAddresses counts the addresses from one to another, both included, that are public.
func publicAddresses(from, to netip.Addr) int64 {
	number := func(a netip.Addr) int64 { four := a.As4(); return int64(binary.BigEndian.Uint32(four[:])) }
	shared := func(low, high int64) int64 { return max(0, min(high, number(to))-max(low, number(from))+1) }
	n := shared(0, 1<<32-1)
	for _, p := range unrouted {
		first := number(p.Addr())
		n -= shared(first, first+1<<(32-p.Bits())-1)
	}
	return n
}

var managedInstances = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SQLManagedInstanceType},
	Operations: []collectors.Operation{
		{Name: "armsql.ManagedInstancesClient.NewListPager", Permission: "Microsoft.Sql/managedInstances/read", Body: collectors.Store},
		{Name: "armsql.ManagedInstanceEncryptionProtectorsClient.Get", Permission: "Microsoft.Sql/managedInstances/encryptionProtector/read",
			Body: collectors.Store},
		{Name: "armsql.ManagedInstanceVulnerabilityAssessmentsClient.Get",
			Permission: "Microsoft.Sql/managedInstances/vulnerabilityAssessments/read", Body: sqlKeys},
		{Name: "armsql.ManagedServerSecurityAlertPoliciesClient.Get", Permission: "Microsoft.Sql/managedInstances/securityAlertPolicies/read",
			Body: sqlKeys},
	},
	Collect: collectManagedInstances,
}

func collectManagedInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsql.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armsql.ManagedInstance
	err = pages(ctx, api.NewManagedInstancesClient().NewListPager(nil), func(page armsql.ManagedInstancesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(i *armsql.ManagedInstance) string { return idOf(i.ID) }, func(i *armsql.ManagedInstance) error {
		emitManagedInstance(ctx, api, i, emit)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list managed instances: %w", err)
	}
	return nil
}

func emitManagedInstance(ctx context.Context, api *armsql.ClientFactory, i *armsql.ManagedInstance, emit collectors.Emit) {
	p := value(i.Properties)
	out := schema.SQLManagedInstance{
		Resource: resource(i.ID, i.Name, i.Location, i.Tags), MinimumTLSVersion: cmp.Or(text(p.MinimalTLSVersion), "None"),
		PublicEndpoint: is(p.PublicDataEndpointEnabled),
		EntraOnlyAuth:  is(value(p.Administrators).AzureADOnlyAuthentication), ZoneRedundant: is(p.ZoneRedundant),
		BackupRedundancy: text(p.CurrentBackupStorageRedundancy),
	}
	var gaps []collectors.Gap
	protector, err := api.NewManagedInstanceEncryptionProtectorsClient().Get(ctx, out.ResourceGroup, out.Name,
		armsql.EncryptionProtectorNameCurrent, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read encryption protector: %w", err), "tde_key_type"))
	}
	out.TDEKeyType = cmp.Or(text(value(protector.Properties).ServerKeyType), "ServiceManaged")
	assessment, err := api.NewManagedInstanceVulnerabilityAssessmentsClient().Get(ctx, out.ResourceGroup, out.Name,
		armsql.VulnerabilityAssessmentNameDefault, nil)
	if err != nil && !noAssessment(err) {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read vulnerability assessment: %w", err), "va"))
	}
	out.VA.RecurringScans = is(value(value(assessment.Properties).RecurringScans).IsEnabled)
	alerts, err := api.NewManagedServerSecurityAlertPoliciesClient().Get(ctx, out.ResourceGroup, out.Name,
		armsql.SecurityAlertPolicyNameDefault, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read security alert policy: %w", err), "threat_detection"))
	}
	out.ThreatDetection.State = cmp.Or(text(value(alerts.Properties).State), "Disabled")
	emit(idOf(i.ID), &out, gaps...)
}
