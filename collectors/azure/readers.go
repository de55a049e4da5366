package azure

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
)

// reader is a collectors.Reader and the resource provider that must be registered in a subscription for there to be anything
// to read; "" for those that always are.
type reader struct {
	collectors.Reader[*client]
	provider string
}

// subscriptionReaders lists every reader of subscriptions.
func subscriptionReaders() []reader {
	return []reader{
		{subscription, ""},
		{roles, ""},
		{roleManagementPolicies, ""},
		{locks, ""},
		{policyAssignments, ""},
		{complianceSummaries, "Microsoft.PolicyInsights"},
		{policyStates, "Microsoft.PolicyInsights"},
		{caches, "Microsoft.Cache"},
		{sites, "Microsoft.Web"},
		{serviceBusNamespaces, "Microsoft.ServiceBus"},
		{eventHubNamespaces, "Microsoft.EventHub"},
		{eventGridTopics, "Microsoft.EventGrid"},
		{apiManagementServices, "Microsoft.ApiManagement"},
		{searchServices, "Microsoft.Search"},
		{databricksWorkspaces, "Microsoft.Databricks"},
		{cognitiveAccounts, "Microsoft.CognitiveServices"},
		{synapseWorkspaces, "Microsoft.Synapse"},
		{dataFactories, "Microsoft.DataFactory"},
		{automationAccounts, "Microsoft.Automation"},
		{machineLearningWorkspaces, "Microsoft.MachineLearningServices"},
		{storageAccounts, "Microsoft.Storage"},
		{securityGroups, "Microsoft.Network"},
		{virtualNetworks, "Microsoft.Network"},
		{routeTables, "Microsoft.Network"},
		{networkInterfaces, "Microsoft.Network"},
		{publicIPs, "Microsoft.Network"},
		{networkWatchers, "Microsoft.Network"},
		{bastionHosts, "Microsoft.Network"},
		{applicationGateways, "Microsoft.Network"},
		{wafPolicies, "Microsoft.Network"},
		{vpnGateways, "Microsoft.Network"},
		{firewalls, "Microsoft.Network"},
		{virtualMachines, "Microsoft.Compute"},
		{scaleSets, "Microsoft.Compute"},
		{disks, "Microsoft.Compute"},
		{diskSnapshots, "Microsoft.Compute"},
		{frontDoors, ""},
		{kubernetesClusters, "Microsoft.ContainerService"},
		{containerRegistries, "Microsoft.ContainerRegistry"},
		{containerApps, "Microsoft.App"},
		{keyVaults, "Microsoft.KeyVault"},
		{managedHSMs, "Microsoft.KeyVault"},
		{sqlServers, "Microsoft.Sql"},
		{managedInstances, "Microsoft.Sql"},
		{mysqlServers, "Microsoft.DBforMySQL"},
		{postgresServers, "Microsoft.DBforPostgreSQL"},
		{cosmosAccounts, "Microsoft.DocumentDB"},
		{activityLogAlerts, "Microsoft.Insights"},
		{actionGroups, "Microsoft.Insights"},
		{autoscaleSettings, "Microsoft.Insights"},
		{subscriptionDiagnosticSettings, "Microsoft.Insights"},
		{insightsComponents, "Microsoft.Insights"},
		{inventory, ""},
		{pricings, "Microsoft.Security"},
		{securityContacts, ""},
		{securitySettings, "Microsoft.Security"},
		{assessments, ""},
		{jitPolicies, "Microsoft.Security"},
		{iotSolutions, "Microsoft.Security"},
		{continuousExports, "Microsoft.Security"},
		{logWorkspaces, "Microsoft.OperationalInsights"},
		{recoveryVaults, "Microsoft.RecoveryServices"},
		{backupVaults, "Microsoft.DataProtection"},
	}
}

// tenantReaders lists every reader of tenants.
func tenantReaders() []reader {
	return []reader{
		{tenant, ""},
		{users, ""},
		{directoryRoles, ""},
		{conditionalAccess, ""},
		{namedLocations, ""},
		{applications, ""},
		{accessReviews, ""},
		{entraDiagnostics, ""},
		{managementGroups, ""},
		{members, ""},
		{tenantPolicy, ""},
		{upperRoles, ""},
	}
}

// opening are the calls that prove what can be read.
var opening = []collectors.Operation{
	{Name: "armsubscriptions.Client.Get", Permission: "Microsoft.Resources/subscriptions/read", Body: collectors.Store},
	{Name: "armresources.ProvidersClient.NewListPager", Permission: "Microsoft.Resources/subscriptions/providers/read", Body: collectors.Store},
	{Name: "graph.organization", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
}

// Filled lists the resource types that some reader fills.
func Filled() []string {
	var out []string
	for _, r := range append(subscriptionReaders(), tenantReaders()...) {
		for _, t := range r.Fills {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Operations lists every operation that a scan may call, once each, and what it needs.
func Operations() []collectors.Operation {
	var out []collectors.Operation
	seen := map[string]bool{}
	add := func(operations []collectors.Operation) {
		for _, op := range operations {
			if !seen[op.Name] {
				seen[op.Name] = true
				out = append(out, op)
			}
		}
	}
	add(opening)
	for _, r := range append(subscriptionReaders(), tenantReaders()...) {
		add(r.Operations)
	}
	return out
}
