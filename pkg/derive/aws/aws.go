// Package aws computes the derived attributes of AWS resources, one file per service.
package aws

import "github.com/plumbline-dev/plumbline/pkg/derive"

// Derive fills every derived attribute, in an order in which each finds those it builds on.
func Derive(inv *derive.Inventory) {
	for _, step := range []func(*derive.Inventory){
		identity,
		regions,
		securityGroups,
		networkACLs,
		subnets, // after route tables, before all that asks whether a subnet is public
		vpcs,
		launchTemplates,
		regionSettings,
		instances,
		volumes,
		alarms,
		metricFilters,
		logsPolicies,
		databases,
		searchDomains,
		buildProjects,
		replicationTasks,
		dataCatalogs,
		iamRoot,
		iamPasswordPolicy,
		iamUsers,
		iamRoles,
		iamPolicies,
		iamInlinePolicies,
		iamFederation,
		bucketAccess,
		bucketReplication,
		logBuckets,
		trailBuckets,
		keys,
		functions,
		tables,
		secrets,
		topics,
		queues,
		distributions,
		managedInstances,
		repositories,
		fileSystems,
	} {
		step(inv)
	}
}
