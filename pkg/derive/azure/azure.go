// Package azure computes the derived attributes of Azure resources, one file per service. It runs for subscriptions and for
// tenants; steps whose types are not there do nothing.
package azure

import "github.com/plumbline-dev/plumbline/pkg/derive"

// Derive fills every derived attribute, in an order in which each finds those it builds on.
func Derive(inv *derive.Inventory) {
	for _, step := range []func(*derive.Inventory){
		managementPaths,
		directoryRoleHolders,
		tenantAdmins,
		userRoles,
		expiredCredentials,
		rolePrincipals,
		subscriptionOwners,
		rolesElsewhere,
		blobContainers,
		securityGroups,
		subnets,
		networkFlowLogs,
		virtualNetworks,
		publicAddresses,
		interfaceMachines,
		gatewayFirewalls,
		machineNetworks,
		scaleSetNetworks,
		clusterLogging,
		siteIdentities,
		databricksSubnets,
		activityLogExports,
		alertReach,
		justInTime,
		watchedHubs,
		machineBackups,
		vaultContents,
		deleteLocks,
		usedLocations,
		logDestinations,
		postgresLogs,
	} {
		step(inv)
	}
}
