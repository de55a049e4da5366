// Package gcp computes the derived attributes of Google Cloud resources, one file per service. It runs for projects and for
// organizations; steps whose types are not there do nothing.
package gcp

import "github.com/plumbline-dev/plumbline/pkg/derive"

// Derive fills every derived attribute, in an order in which each finds those it builds on.
func Derive(inv *derive.Inventory) {
	for _, step := range []func(*derive.Inventory){
		projectServices,
		projectIAM,
		hierarchyMembers,
		projectPolicies,
		projectApproval,
		organizationServices,
		projectPublicPrevention,
		sinkExclusions,
		logBucketSources,
		projectSinks,
		bucketSinks,
		alertPolicies,
		projectAlerts,
		firewallRules,
		networks,
		backendServices,
		targetProxies,
		sslCertificates,
		computeSettings,
		instanceFlags,
		instancePatching,
		diskBackups,
		clusterPolicies,
		accountRoles,
		accountOutsiders,
		accountKeys,
		accountActivity,
		keyGrants,
		functionGrants,
		repositoryScanning,
	} {
		step(inv)
	}
}
