package gcp

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
)

// reader is a collectors.Reader and the API that must be switched on in a project for there to be anything to read. Readers
// of APIs that belong to the caller rather than to what is read have none.
type reader struct {
	collectors.Reader[*client]
	api string
}

// projectReaders lists every reader of projects.
func projectReaders() []reader {
	return []reader{
		{project, ""},
		{services, ""},
		{orgPolicies, ""},
		{projectApproval, ""},
		{denyPolicies, ""},
		{serviceAccounts, ""},
		{workloadIdentityProviders, ""},
		{activities, ""},
		{apiKeys, ""}, // there are keys in projects that never had the API switched on
		{cryptoKeys, "cloudkms.googleapis.com"},
		{secrets, "secretmanager.googleapis.com"},
		{computeProject, "compute.googleapis.com"},
		{instances, "compute.googleapis.com"},
		{disks, "compute.googleapis.com"},
		{resourcePolicies, "compute.googleapis.com"},
		{diskSnapshots, "compute.googleapis.com"},
		{osInventories, "osconfig.googleapis.com"},
		{vulnerabilityReports, "osconfig.googleapis.com"},
		{clusters, "container.googleapis.com"},
		{binaryAuthorization, "binaryauthorization.googleapis.com"},
		{networks, "compute.googleapis.com"},
		{subnetworks, "compute.googleapis.com"},
		{firewallRules, "compute.googleapis.com"},
		{backendServices, "compute.googleapis.com"},
		{targetProxies, "compute.googleapis.com"},
		{sslPolicies, "compute.googleapis.com"},
		{urlMaps, "compute.googleapis.com"},
		{forwardingRules, "compute.googleapis.com"},
		{sslCertificates, "compute.googleapis.com"},
		{managedZones, "dns.googleapis.com"},
		{dnsPolicies, "dns.googleapis.com"},
		{buckets, "storage.googleapis.com"},
		{sqlInstances, "sqladmin.googleapis.com"},
		{alloyClusters, "alloydb.googleapis.com"},
		{alloyInstances, "alloydb.googleapis.com"},
		{datasets, "bigquery.googleapis.com"},
		{runServices, "run.googleapis.com"},
		{functions, "cloudfunctions.googleapis.com"},
		{topics, "pubsub.googleapis.com"},
		{dataprocClusters, "dataproc.googleapis.com"},
		{repositories, "artifactregistry.googleapis.com"},
		{deployTargets, "clouddeploy.googleapis.com"},
		{logSinks, ""}, // entries are routed and kept in projects that switched the API off, too
		{logBuckets, ""},
		{logMetrics, ""},
		{alertPolicies, "monitoring.googleapis.com"},
		{notificationChannels, "monitoring.googleapis.com"},
		{metricsScopes, "monitoring.googleapis.com"},
	}
}

// organizationReaders lists every reader of organizations.
func organizationReaders() []reader {
	return []reader{
		{organization, ""},
		{hierarchicalFirewallRules, ""},
		{policyHits, ""},
		{contacts, ""},
		{organizationApproval, ""},
		{securitySources, ""},
		{securityFindings, ""},
		{discoveryConfigs, ""},
		{directoryUsers, ""},
		{denyPolicies, ""},
		{workforcePools, ""},
		{organizationSinks, ""},
		{organizationLogBuckets, ""},
		{centralAlerts, ""},
	}
}

// opening are the calls that prove what can be read.
var opening = []collectors.Operation{
	{Name: "cloudresourcemanager.projects.get", Permission: "resourcemanager.projects.get", Body: collectors.Store},
	{Name: "cloudresourcemanager.projects.getAncestry", Permission: "resourcemanager.projects.get", Body: collectors.Store},
	{Name: "cloudresourcemanager.organizations.get", Permission: "resourcemanager.organizations.get", Body: collectors.Store},
}

// Filled lists the resource types that some reader fills.
func Filled() []string {
	var out []string
	for _, r := range append(projectReaders(), organizationReaders()...) {
		for _, t := range r.Fills {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Operations lists every method that a scan may call, once each, and what it needs.
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
	for _, r := range append(projectReaders(), organizationReaders()...) {
		add(r.Operations)
	}
	return out
}
