package azure

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/synapse/armsynapse"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var synapseWorkspaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SynapseWorkspaceType},
	Operations: []collectors.Operation{
		{Name: "armsynapse.WorkspacesClient.NewListPager", Permission: "Microsoft.Synapse/workspaces/read", Body: collectors.Redact("sqlAdministratorLoginPassword", "extraProperties")},
		{Name: "armsynapse.IPFirewallRulesClient.NewListByWorkspacePager", Permission: "Microsoft.Synapse/workspaces/firewallRules/read", Body: collectors.Store},
		{Name: "armsynapse.WorkspaceManagedSQLServerVulnerabilityAssessmentsClient.Get", Permission: "Microsoft.Synapse/workspaces/vulnerabilityAssessments/read", Body: collectors.Redact("storageAccountAccessKey", "storageContainerSasKey", "storageContainerPath")},
		{Name: "armsynapse.WorkspaceManagedSQLServerBlobAuditingPoliciesClient.Get", Permission: "Microsoft.Synapse/workspaces/auditingSettings/read", Body: collectors.Redact("storageAccountAccessKey")},
	},
	Collect: collectSynapse,
}

func collectSynapse(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armsynapse.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armsynapse.Workspace
	err = pages(ctx, factory.NewWorkspacesClient().NewListPager(nil), func(page armsynapse.WorkspacesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(w *armsynapse.Workspace) string { return idOf(w.ID) }, func(w *armsynapse.Workspace) error {
		out := newSynapseWorkspace(w)
		gaps := synapseDetails(ctx, factory, &out)
		emit(idOf(w.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	return nil
}

func newSynapseWorkspace(w *armsynapse.Workspace) schema.SynapseWorkspace {
	p := value(w.Properties)
	return schema.SynapseWorkspace{
		Resource: resource(w.ID, w.Name, w.Location, w.Tags), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), FirewallRules: []schema.SynapseAddresses{},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armsynapse.PrivateEndpointConnection) *string {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
		EntraOnlyAuth: is(p.AzureADOnlyAuthentication), ManagedVNet: text(p.ManagedVirtualNetwork) != "",
		DataExfiltrationProtection: is(value(p.ManagedVirtualNetworkSettings).PreventDataExfiltration),
		CMKKeyURL:                  text(value(value(value(p.Encryption).Cmk).Key).KeyVaultURL),
	}
}

// synapseDetails reads what the list of workspaces does not tell, and returns what could not be read of it.
func synapseDetails(ctx context.Context, factory *armsynapse.ClientFactory, out *schema.SynapseWorkspace) []collectors.Gap {
	var gaps []collectors.Gap
	err := pages(ctx, factory.NewIPFirewallRulesClient().NewListByWorkspacePager(out.ResourceGroup, out.Name, nil), func(page armsynapse.IPFirewallRulesClientListByWorkspaceResponse) error {
		for _, r := range page.Value {
			p := value(r.Properties)
			out.FirewallRules = append(out.FirewallRules, schema.SynapseAddresses{Name: text(r.Name), StartIP: text(p.StartIPAddress), EndIP: text(p.EndIPAddress)})
		}
		return nil
	})
	slices.SortFunc(out.FirewallRules, func(a, b schema.SynapseAddresses) int { return cmp.Compare(a.Name, b.Name) })
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("list firewall rules: %w", err), "firewall_rules"))
	}
	scans, err := factory.NewWorkspaceManagedSQLServerVulnerabilityAssessmentsClient().Get(ctx, out.ResourceGroup, out.Name, armsynapse.VulnerabilityAssessmentNameDefault, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read vulnerability assessment: %w", err), "va"))
	}
	out.VA.RecurringScans = is(value(value(scans.Properties).RecurringScans).IsEnabled)
	auditing, err := factory.NewWorkspaceManagedSQLServerBlobAuditingPoliciesClient().Get(ctx, out.ResourceGroup, out.Name, armsynapse.BlobAuditingPolicyNameDefault, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read auditing policy: %w", err), "auditing"))
	}
	out.Auditing.State = cmp.Or(text(value(auditing.Properties).State), string(armsynapse.BlobAuditingPolicyStateDisabled))
	return gaps
}
