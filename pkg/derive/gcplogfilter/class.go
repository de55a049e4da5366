package gcplogfilter

import "strings"

// Class is a kind of log entries, such as those that record changes of firewall rules.
type Class struct {
	Name    string // "firewall"
	entries func(node string) []entry
}

// Changes are the classes of audit log entries whose absence from an alert the rules ask about. Their entries are those of
// changes that went through. Where a method exists in several versions of its API, the released one counts: v1.compute.
// Method names are those that the services write: Compute Engine puts the version in front, so that a filter for exactly
// compute.firewalls.insert selects nothing.
func Changes() []Class {
	return []Class{
		{"project_ownership", func(node string) []entry {
			return []entry{policyChange(node, "bindingDeltas", "ADD"), policyChange(node, "bindingDeltas", "REMOVE")}
		}},
		{"audit_config", func(node string) []entry {
			return []entry{policyChange(node, "auditConfigDeltas", "ADD"), policyChange(node, "auditConfigDeltas", "REMOVE")}
		}},
		methods("custom_role", "iam.googleapis.com", "iam_role",
			"google.iam.admin.v1.CreateRole", "google.iam.admin.v1.DeleteRole", "google.iam.admin.v1.UpdateRole"),
		methods("firewall", "compute.googleapis.com", "gce_firewall_rule",
			"v1.compute.firewalls.insert", "v1.compute.firewalls.patch", "v1.compute.firewalls.delete"),
		methods("network", "compute.googleapis.com", "gce_network", "v1.compute.networks.insert", "v1.compute.networks.patch",
			"v1.compute.networks.delete", "v1.compute.networks.addPeering", "v1.compute.networks.removePeering"),
		methods("route", "compute.googleapis.com", "gce_route", "v1.compute.routes.insert", "v1.compute.routes.delete"),
		methods("bucket_iam", "storage.googleapis.com", "gcs_bucket", "storage.setIamPermissions"),
		methods("sql_instance", "cloudsql.googleapis.com", "cloudsql_database", "cloudsql.instances.update"),
	}
}

// AuditLogs are all entries of audit logs, of whatever service: one pattern for each of the logs.
func AuditLogs() Class {
	return Class{"audit_logs", func(node string) []entry {
		var out []entry
		for _, log := range []string{"activity", "data_access", "system_event", "policy"} {
			e := inLog(node, "cloudaudit.googleapis.com/"+log)
			if !strings.HasPrefix(node, "projects/") { // entries of projects pass through too
				e.set(some, "logName", append(e["logname"].values, "projects/example/logs/cloudaudit.googleapis.com%2F"+log)...)
				e[source] = field{some, []string{node, "projects/example"}}
				delete(e, key([]string{"resource", "labels", "project_id"}))
			}
			e.set(some, "severity", "INFO", "NOTICE", "ERROR")
			e.set(some, "resource.type", "project", "audited_resource", "gce_firewall_rule", "gcs_bucket", "service_account")
			e.set(free, "protoPayload.serviceName", "compute.googleapis.com", "storage.googleapis.com")
			e.set(free, "protoPayload.methodName", "v1.compute.firewalls.insert", "storage.objects.get")
			out = append(out, e)
		}
		return out
	}}
}

// Everything is all entries of all logs.
func Everything() Class {
	return Class{"everything", func(node string) []entry {
		e := entry{}
		e.set(one, "severity", severities...)
		e.set(some, "logName", node+"/logs/cloudaudit.googleapis.com%2Factivity", node+"/logs/syslog")
		e.set(some, "resource.type", "project", "gce_instance")
		e.set(some, "timestamp")
		e.set(some, "insertId")
		e[logID] = field{some, []string{"cloudaudit.googleapis.com/activity", "syslog"}}
		return []entry{e}
	}}
}

// methods is the class of calls of a service's methods, each of which a filter must select.
func methods(name, service, resource string, methods ...string) Class {
	return Class{name, func(node string) []entry {
		var out []entry
		for _, m := range methods {
			e := inLog(node, "cloudaudit.googleapis.com/activity")
			e.set(one, "severity", "NOTICE")
			e.set(one, "resource.type", resource)
			switch resource {
			case "gcs_bucket":
				e.set(some, "resource.labels.bucket_name", "orders", "reports")
			case "cloudsql_database":
				e.set(some, "resource.labels.database_id", "acme:orders", "acme:reports")
			}
			e.set(one, "protoPayload.serviceName", service)
			e.set(one, "protoPayload.methodName", m)
			out = append(out, e)
		}
		return out
	}}
}

// policyChange is a change of a project's policy that adds or takes away: owners, or what is logged.
func policyChange(node, deltas, action string) entry {
	e := methods("", "cloudresourcemanager.googleapis.com", "project", "SetIamPolicy").entries(node)[0]
	path := "protoPayload.serviceData.policyDelta." + deltas + "."
	e.set(list, path+"action", action)
	if deltas == "bindingDeltas" {
		e.set(list, path+"role", "roles/owner")
		e.set(free, path+"member", "user:ada@example.com", "serviceAccount:robot@acme.iam.gserviceaccount.com")
	} else {
		e.set(free, path+"service", "allServices", "storage.googleapis.com")
	}
	return e
}

// inLog is what is known of every audit log entry in a log of node.
func inLog(node, id string) entry {
	e := entry{logID: {one, []string{id}}, source: {one, []string{node}}}
	e.set(one, "logName", node+"/logs/"+strings.ReplaceAll(id, "/", "%2F"))
	e.set(one, "protoPayload.@type", "type.googleapis.com/google.cloud.audit.AuditLog")
	if project, ok := strings.CutPrefix(node, "projects/"); ok {
		e.set(one, "resource.labels.project_id", project)
	}
	e.set(free, "protoPayload.authenticationInfo.principalEmail", "ada@example.com", "robot@acme.iam.gserviceaccount.com")
	e.set(some, "protoPayload.requestMetadata.callerIp", "203.0.113.7", "2001:db8::7", "private")
	e.set(some, "protoPayload.resourceName")
	e.set(some, "timestamp")
	e.set(some, "receiveTimestamp")
	e.set(some, "insertId")
	for _, other := range []string{"jsonPayload", "textPayload", "httpRequest"} {
		e.set(gone, other)
	}
	return e
}

func (e entry) set(kind fieldKind, path string, values ...string) {
	e[key(strings.Split(path, "."))] = field{kind, values}
}
