package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/synapse/armsynapse"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var synapseService = service{
	providers: []string{"Microsoft.Synapse"},
	kinds: []world.Kind{{
		Name: "azure.synapse", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "all-addresses", Share: 0.3, Drift: 0.15}, {Name: "public-off", Share: 0.3}, {Name: "sql-passwords", Share: 0.3}, {Name: "no-managed-network", Share: 0.2},
			{Name: "no-scans", Share: 0.3}, {Name: "no-audit", Share: 0.2, Drift: 0.1}, {Name: "platform-key", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.synapse.workspace", synapseID(it)), map[string]posture.Result{
				"azure-synapse-workspace-secured":   failIf(it.Has("all-addresses") && !it.Has("public-off") || it.Has("sql-passwords") || it.Has("no-managed-network")),
				"azure-synapse-workspace-monitored": failIf(it.Has("no-scans") || it.Has("no-audit")),
				"azure-synapse-workspace-cmk":       failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleSynapse,
}

func synapseName(it *world.Item) string { return "syn-" + it.Name() }

func synapseID(it *world.Item) string {
	return idOf(it, "Microsoft.Synapse/workspaces", synapseName(it))
}

func handleSynapse(s *azure.Server, w *states) {
	azure.List(s, "armsynapse.WorkspacesClient.NewListPager", func(c azure.Call) (*armsynapse.WorkspaceInfoListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsynapse.WorkspaceInfoListResult{}
		for _, it := range state.Items("azure.synapse") {
			out.Value = append(out.Value, synapse(it))
		}
		return out, nil
	})
	azure.List(s, "armsynapse.IPFirewallRulesClient.NewListByWorkspacePager", func(c azure.Call) (*armsynapse.IPFirewallRuleInfoListResult, error) {
		it, err := w.item(c, "azure.synapse", "workspaceName", synapseName)
		if err != nil {
			return nil, err
		}
		out := &armsynapse.IPFirewallRuleInfoListResult{}
		rule := func(name, start, end string) {
			out.Value = append(out.Value, &armsynapse.IPFirewallRuleInfo{
				ID: to.Ptr(synapseID(it) + "/firewallRules/" + name), Name: &name, Type: to.Ptr("Microsoft.Synapse/workspaces/firewallRules"),
				Properties: &armsynapse.IPFirewallRuleProperties{StartIPAddress: &start, EndIPAddress: &end, ProvisioningState: to.Ptr(armsynapse.ProvisioningStateSucceeded)},
			})
		}
		rule("AllowAllWindowsAzureIps", "0.0.0.0", "0.0.0.0")
		rule("office", "198.51.100.0", "198.51.100.255")
		if it.Has("all-addresses") {
			rule("allowAll", "0.0.0.0", "255.255.255.255")
		}
		return out, nil
	})
	azure.Handle(s, "armsynapse.WorkspaceManagedSQLServerVulnerabilityAssessmentsClient.Get", func(c azure.Call) (*armsynapse.ServerVulnerabilityAssessment, error) {
		it, err := w.item(c, "azure.synapse", "workspaceName", synapseName)
		if err != nil {
			return nil, err
		}
		return &armsynapse.ServerVulnerabilityAssessment{
			ID: to.Ptr(synapseID(it) + "/vulnerabilityAssessments/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.Synapse/workspaces/vulnerabilityAssessments"),
			Properties: &armsynapse.ServerVulnerabilityAssessmentProperties{
				StorageContainerPath: to.Ptr("https://stscans.blob.core.windows.net/va/"),
				RecurringScans:       &armsynapse.VulnerabilityAssessmentRecurringScansProperties{IsEnabled: to.Ptr(!it.Has("no-scans")), EmailSubscriptionAdmins: to.Ptr(true)},
			},
		}, nil
	})
	azure.Handle(s, "armsynapse.WorkspaceManagedSQLServerBlobAuditingPoliciesClient.Get", func(c azure.Call) (*armsynapse.ServerBlobAuditingPolicy, error) {
		it, err := w.item(c, "azure.synapse", "workspaceName", synapseName)
		if err != nil {
			return nil, err
		}
		state := armsynapse.BlobAuditingPolicyStateEnabled
		if it.Has("no-audit") {
			state = armsynapse.BlobAuditingPolicyStateDisabled
		}
		return &armsynapse.ServerBlobAuditingPolicy{
			ID: to.Ptr(synapseID(it) + "/auditingSettings/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.Synapse/workspaces/auditingSettings"),
			Properties: &armsynapse.ServerBlobAuditingPolicyProperties{State: &state, IsAzureMonitorTargetEnabled: to.Ptr(!it.Has("no-audit")), RetentionDays: to.Ptr[int32](0)},
		}, nil
	})
}

func synapse(it *world.Item) *armsynapse.Workspace {
	p := &armsynapse.WorkspaceProperties{
		ProvisioningState: to.Ptr("Succeeded"), WorkspaceUID: to.Ptr(objectID(it, "workspace")), SQLAdministratorLogin: to.Ptr("sqladminuser"),
		ConnectivityEndpoints:     map[string]*string{"sql": to.Ptr(synapseName(it) + ".sql.azuresynapse.net"), "dev": to.Ptr("https://" + synapseName(it) + ".dev.azuresynapse.net")},
		AzureADOnlyAuthentication: to.Ptr(!it.Has("sql-passwords")), PublicNetworkAccess: to.Ptr(armsynapse.WorkspacePublicNetworkAccessEnabled),
		ManagedVirtualNetwork: to.Ptr("default"), ManagedVirtualNetworkSettings: &armsynapse.ManagedVirtualNetworkSettings{PreventDataExfiltration: to.Ptr(it.Pick(2, "exfiltration") == 0)},
		Encryption: &armsynapse.EncryptionDetails{DoubleEncryptionEnabled: to.Ptr(!it.Has("platform-key"))},
	}
	if it.Has("no-managed-network") {
		p.ManagedVirtualNetwork, p.ManagedVirtualNetworkSettings = to.Ptr(""), nil
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr(armsynapse.WorkspacePublicNetworkAccessDisabled)
		p.PrivateEndpointConnections = []*armsynapse.PrivateEndpointConnection{{
			ID: to.Ptr(synapseID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"), Properties: &armsynapse.PrivateEndpointConnectionProperties{
				ProvisioningState: to.Ptr("Succeeded"), PrivateLinkServiceConnectionState: &armsynapse.PrivateLinkServiceConnectionState{Status: to.Ptr("Approved")},
			},
		}}
	}
	if !it.Has("platform-key") {
		p.Encryption.Cmk = &armsynapse.CustomerManagedKeyDetails{Status: to.Ptr("Consistent"), Key: &armsynapse.WorkspaceKeyDetails{
			Name: to.Ptr("default"), KeyVaultURL: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/synapse"),
		}}
	}
	return &armsynapse.Workspace{
		ID: to.Ptr(synapseID(it)), Name: to.Ptr(synapseName(it)), Type: to.Ptr("Microsoft.Synapse/workspaces"), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "data"),
		Identity: &armsynapse.ManagedIdentity{Type: to.Ptr(armsynapse.ResourceIdentityTypeSystemAssigned), PrincipalID: to.Ptr(objectID(it, "own"))}, Properties: p,
	}
}
