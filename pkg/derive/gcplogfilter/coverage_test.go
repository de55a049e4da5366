package gcplogfilter

import (
	"slices"
	"testing"
)

func nameOf(c Coverage) string { return [...]string{"unsure", "none", "part", "every"}[c] }

func change(t *testing.T, name string) Class {
	t.Helper()
	i := slices.IndexFunc(Changes(), func(c Class) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no class %s", name)
	}
	return Changes()[i]
}

const (
	firewallMethods = `(protoPayload.methodName:"compute.firewalls.patch"
		OR protoPayload.methodName:"compute.firewalls.insert" OR protoPayload.methodName:"compute.firewalls.delete")`
	firewall  = `resource.type="gce_firewall_rule" AND ` + firewallMethods
	ownership = `(protoPayload.serviceName="cloudresourcemanager.googleapis.com") AND (ProjectOwnership OR projectOwnerInvitee)
		OR (protoPayload.serviceData.policyDelta.bindingDeltas.action="REMOVE" AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner")
		OR (protoPayload.serviceData.policyDelta.bindingDeltas.action="ADD" AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner")`
	auditConfig = `protoPayload.methodName="SetIamPolicy" AND protoPayload.serviceData.policyDelta.auditConfigDeltas:*`
	customRole  = `resource.type="iam_role" AND (protoPayload.methodName="google.iam.admin.v1.CreateRole" OR
		protoPayload.methodName="google.iam.admin.v1.DeleteRole" OR protoPayload.methodName="google.iam.admin.v1.UpdateRole")`
	network = `resource.type="gce_network" AND (protoPayload.methodName:"compute.networks.insert" OR protoPayload.methodName:"compute.networks.patch" OR
		protoPayload.methodName:"compute.networks.delete" OR protoPayload.methodName:"compute.networks.removePeering"
		OR protoPayload.methodName:"compute.networks.addPeering")`
	route     = `resource.type="gce_route" AND (protoPayload.methodName:"compute.routes.delete" OR protoPayload.methodName:"compute.routes.insert")`
	bucketIAM = `resource.type=gcs_bucket AND protoPayload.methodName="storage.setIamPermissions"`
	sql       = `protoPayload.methodName="cloudsql.instances.update"`
)

func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		class, filter string
		want          Coverage
	}{
		// What the CIS benchmark asks for.
		"ownership":                     {"project_ownership", ownership, Every},
		"audit configuration":           {"audit_config", auditConfig, Every},
		"custom roles":                  {"custom_role", customRole, Every},
		"firewall rules":                {"firewall", firewall, Every},
		"networks":                      {"network", network, Every},
		"routes":                        {"route", route, Every},
		"permissions of buckets":        {"bucket_iam", bucketIAM, Every},
		"SQL instances":                 {"sql_instance", sql, Every},
		"one's filter is not another's": {"route", network, None},
		"nor here":                      {"bucket_iam", sql, None},
		"the old activity log is gone":  {"firewall", `resource.type="global" AND jsonPayload.event_subtype="compute.firewalls.insert"`, None},

		// Other spellings of the same.
		"the empty filter selects everything": {"firewall", "", Every},
		"without the resource":                {"firewall", firewallMethods, Every},
		"the resource alone":                  {"firewall", `resource.type = gce_firewall_rule`, Every},
		"with the version, exactly": {"firewall",
			`protoPayload.methodName=("v1.compute.firewalls.insert" OR "v1.compute.firewalls.patch" OR "v1.compute.firewalls.delete")`, Every},
		"with the version, contained": {"route", `protoPayload.methodName:("v1.compute.routes.insert" OR "v1.compute.routes.delete")`, Every},
		"with the released and the beta version": {"route",
			`protoPayload.methodName=("v1.compute.routes.insert" OR "beta.compute.routes.insert" OR "v1.compute.routes.delete" OR "beta.compute.routes.delete")`, Every},
		"a common part of all methods":     {"firewall", `protoPayload.methodName:"compute.firewalls."`, Every},
		"a regular expression":             {"firewall", `protoPayload.methodName=~"compute\.firewalls\.(insert|patch|delete)$"`, Every},
		"one that doubles its backslashes": {"firewall", `protoPayload.methodName=~"^v1\\.compute\\.firewalls\\..*"`, Every},
		"case does not count":              {"firewall", `RESOURCE.TYPE="GCE_Firewall_Rule" protopayload.methodname:"COMPUTE.FIREWALLS."`, Every},
		"names in snake case": {"bucket_iam",
			`resource.type="gcs_bucket" proto_payload.method_name="storage.setIamPermissions"`, Every},
		"by lines": {"bucket_iam",
			"resource.type=\"gcs_bucket\"\nprotoPayload.methodName=\"storage.setIamPermissions\"", Every},
		"with comments":                 {"bucket_iam", "-- CIS 2.10\n" + bucketIAM + " -- end", Every},
		"with welcome methods":          {"custom_role", customRole + ` OR protoPayload.methodName="google.iam.admin.v1.UndeleteRole"`, Every},
		"every method of the service":   {"sql_instance", `protoPayload.methodName:"cloudsql.instances"`, Every},
		"with the log, by its function": {"sql_instance", sql + ` AND log_id("cloudaudit.googleapis.com/activity")`, Every},
		"with the log, by its name":     {"sql_instance", sql + ` logName="projects/acme/logs/cloudaudit.googleapis.com%2Factivity"`, Every},
		"with part of the log's name":   {"sql_instance", sql + ` logName:"cloudaudit.googleapis.com"`, Every},
		"with the service":              {"sql_instance", sql + ` protoPayload.serviceName="cloudsql.googleapis.com"`, Every},
		"with the type of the payload": {"sql_instance",
			sql + ` protoPayload."@type"="type.googleapis.com/google.cloud.audit.AuditLog"`, Every},
		"with the project":                 {"sql_instance", sql + ` resource.labels.project_id="acme"`, Every},
		"with the source":                  {"sql_instance", sql + ` source(projects/acme)`, Every},
		"severity from notice on":          {"sql_instance", sql + ` severity>=NOTICE`, Every},
		"no errors":                        {"sql_instance", sql + ` severity<"ERROR"`, Every},
		"severity by its number":           {"sql_instance", sql + ` severity=300`, Every},
		"presence of what is always there": {"sql_instance", sql + ` protoPayload:* protoPayload.authenticationInfo.principalEmail:*`, Every},
		"other services are out":           {"sql_instance", sql + ` NOT protoPayload.serviceName="k8s.io"`, Every},
		"nested, with OR beside it":        {"sql_instance", `resource.type="gae_app" OR (` + sql + ` OR severity=DEBUG)`, Every},
		"a value alone":                    {"sql_instance", `"cloudsql.instances.update"`, Every},
		"ownership by its deltas":          {"project_ownership", `protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner"`, Every},
		"ownership by lists": {"project_ownership",
			`protoPayload.serviceData.policyDelta.bindingDeltas.action=("ADD" OR "REMOVE") protoPayload.serviceData.policyDelta.bindingDeltas.role:"owner"`, Every},
		"audit configuration, contained method": {"audit_config",
			`protoPayload.methodName:"SetIamPolicy" protoPayload.serviceData.policyDelta.auditConfigDeltas:*`, Every},
		"all of sampling":               {"sql_instance", sql + ` sample(insertId, 1)`, Every},
		"NOT of the opposite":           {"sql_instance", `NOT (protoPayload.methodName!="cloudsql.instances.update")`, Every},
		"not equal to what never comes": {"sql_instance", sql + ` protoPayload.methodName!=("a" OR "b")`, Every},

		// Less than every entry.
		"a method is missing": {"firewall",
			`resource.type="gce_firewall_rule" AND protoPayload.methodName:("compute.firewalls.insert" OR "compute.firewalls.delete")`, Part},
		"peering is missing": {"network",
			`resource.type="gce_network" AND protoPayload.methodName:("networks.insert" OR "networks.patch" OR "networks.delete")`, Part},
		"only owners added": {"project_ownership",
			`protoPayload.serviceData.policyDelta.bindingDeltas.action="ADD" AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner"`, Part},
		"only exemptions taken away": {"audit_config",
			auditConfig + ` protoPayload.serviceData.policyDelta.auditConfigDeltas.action="REMOVE"`, Part},
		"of one service only": {"audit_config",
			auditConfig + ` protoPayload.serviceData.policyDelta.auditConfigDeltas.service="storage.googleapis.com"`, Part},
		"one principal only": {"firewall", firewall + ` AND protoPayload.authenticationInfo.principalEmail="eve@example.com"`, Part},
		"one principal is left out": {"firewall",
			firewall + ` AND protoPayload.authenticationInfo.principalEmail!="terraform@acme.iam.gserviceaccount.com"`, Part},
		"robots are left out": {"firewall",
			firewall + ` AND NOT protoPayload.authenticationInfo.principalEmail:"gserviceaccount.com"`, Part},
		"robots are left out by expression": {"firewall",
			firewall + ` AND protoPayload.authenticationInfo.principalEmail !~ "gserviceaccount.com$"`, Part},
		"one bucket only":     {"bucket_iam", bucketIAM + ` AND resource.labels.bucket_name="logs-of-acme"`, Part},
		"some addresses only": {"bucket_iam", bucketIAM + ` protoPayload.requestMetadata.callerIp="203.0.113.7"`, Part},
		"a sample":            {"sql_instance", sql + ` sample(insertId, 0.1)`, Part},
		"without parentheses OR binds its neighbours": {"firewall",
			`resource.type="gce_firewall_rule" AND protoPayload.methodName:"compute.firewalls.patch" OR protoPayload.methodName:"compute.firewalls.insert"`, Part},

		// None.
		"exactly the method, without its version": {"firewall",
			`protoPayload.methodName=("compute.firewalls.insert" OR "compute.firewalls.patch" OR "compute.firewalls.delete")`, None},
		"a method whose name goes on": {"bucket_iam",
			`resource.type="gcs_bucket" AND protoPayload.methodName="storage.setIamPermissionsX"`, None},
		"the name is text in another field": {"sql_instance", `textPayload:"cloudsql.instances.update"`, None},
		"negated":                           {"sql_instance", `NOT ` + sql, None},
		"negated by a dash":                 {"sql_instance", `-` + sql, None},
		"negated as a list":                 {"sql_instance", `protoPayload.methodName=(NOT "cloudsql.instances.update")`, None},
		"not equal":                         {"sql_instance", `protoPayload.methodName!="cloudsql.instances.update"`, None},
		"commented out":                     {"sql_instance", "severity=DEBUG -- OR " + sql, None},
		"a quoted filter is a text":         {"sql_instance", `textPayload="` + `protoPayload.methodName=cloudsql.instances.update"`, None},
		"another resource":                  {"sql_instance", `resource.type="gce_instance" AND ` + sql, None},
		"another log":                       {"sql_instance", sql + ` log_id("cloudaudit.googleapis.com/data_access")`, None},
		"another project's log":             {"sql_instance", sql + ` logName="projects/other/logs/cloudaudit.googleapis.com%2Factivity"`, None},
		"another project":                   {"sql_instance", sql + ` resource.labels.project_id="other"`, None},
		"another source":                    {"sql_instance", sql + ` source(projects/other)`, None},
		"errors only":                       {"sql_instance", sql + ` severity>=ERROR`, None},
		"a field below a text":              {"sql_instance", `protoPayload.methodName.name="cloudsql.instances.update"`, None},
		"another payload":                   {"sql_instance", sql + ` AND jsonPayload.message:*`, None},
		"small or joins by AND":             {"sql_instance", sql + ` or resource.type="gce_instance"`, None},
		"none of sampling":                  {"sql_instance", sql + ` sample(insertId, 0)`, None},
		"regular expressions heed case":     {"sql_instance", `protoPayload.methodName=~"CLOUDSQL"`, None},

		// What cannot be told.
		"a field of the request":        {"firewall", firewall + ` AND protoPayload.request.sourceRanges="0.0.0.0/0"`, Unsure},
		"NOT of a field of the request": {"firewall", firewall + ` AND NOT protoPayload.request.name:"test"`, Unsure},
		"a value alone that may be there": {"project_ownership",
			`protoPayload.serviceName="cloudresourcemanager.googleapis.com" AND (ProjectOwnership OR projectOwnerInvitee)`, Unsure},
		"NOT of a value alone":             {"firewall", firewall + ` AND NOT "terraform"`, Unsure},
		"a function":                       {"firewall", firewall + ` AND ip_in_net(protoPayload.requestMetadata.callerIp, "10.0.0.0/8")`, Unsure},
		"a search":                         {"sql_instance", `SEARCH("cloudsql.instances.update")`, Unsure},
		"a field that is not of log entry": {"sql_instance", `methodName="cloudsql.instances.update"`, Unsure},
		"a time":                           {"sql_instance", sql + ` timestamp>="2026-01-01T00:00:00Z"`, Unsure},
		"an expression that is none":       {"sql_instance", `protoPayload.methodName=~"cloudsql("`, Unsure},
		"an escape left as written":        {"sql_instance", `protoPayload.methodName="\143loudsql.instances.update"`, Unsure},
		"other deltas beside": {"project_ownership",
			`NOT protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/viewer"`, Unsure},
		"unlike some of a list": {"sql_instance", `protoPayload.methodName!=("cloudsql.instances.update" OR "b")`, Unsure},
		"an order of texts":     {"sql_instance", `protoPayload.methodName>="cloudsql"`, Unsure},
		"null":                  {"sql_instance", `protoPayload.methodName!=NULL_VALUE`, Unsure},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(test.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Of(change(t, test.class), "projects/acme"); got != test.want {
				t.Errorf("%s: %s, want %s", f, nameOf(got), nameOf(test.want))
			}
		})
	}
}

func TestSinks(t *testing.T) {
	const system = `NOT LOG_ID("cloudaudit.googleapis.com/activity") AND NOT LOG_ID("externalaudit.googleapis.com/activity") AND
		NOT LOG_ID("cloudaudit.googleapis.com/system_event") AND NOT LOG_ID("externalaudit.googleapis.com/system_event") AND
		NOT LOG_ID("cloudaudit.googleapis.com/access_transparency") AND NOT LOG_ID("externalaudit.googleapis.com/access_transparency")`
	for name, test := range map[string]struct {
		filter     string
		exclusions []string
		node       string
		touches    bool     // audit logs
		everything Coverage // of all logs
	}{
		"no filter":                      {"", nil, "projects/acme", true, Every},
		"every log by presence":          {"logName:*", nil, "projects/acme", true, Every},
		"every severity":                 {"severity>=DEFAULT", nil, "organizations/1", true, Every},
		"the default sink":               {system, nil, "projects/acme", true, Part},
		"its opposite":                   {"NOT (" + system + ")", nil, "projects/acme", true, Unsure},
		"the activity log":               {`log_id("cloudaudit.googleapis.com/activity")`, nil, "folders/7", true, Part},
		"audit logs by part of the name": {`logName:"logs/cloudaudit.googleapis.com"`, nil, "organizations/1", true, Part},
		"audit logs of one project":      {`logName="projects/acme/logs/cloudaudit.googleapis.com%2Factivity"`, nil, "projects/acme", true, Part},
		"audit logs of a resource":       {`log_id("cloudaudit.googleapis.com/activity") AND resource.type="gke_cluster"`, nil, "projects/acme", true, Part},
		"audit logs by payload":          {`protoPayload."@type"="type.googleapis.com/google.cloud.audit.AuditLog"`, nil, "projects/acme", true, Unsure},
		"a resource of no audit log":     {`resource.type="k8s_container"`, nil, "projects/acme", false, Part},
		"another log":                    {`log_id("syslog")`, nil, "projects/acme", false, Part},
		"severe entries of instances":    {`resource.type="gce_instance" AND severity>=ERROR`, nil, "projects/acme", false, Part},
		"text":                           {`textPayload:"health"`, nil, "projects/acme", false, Unsure},
		"an exclusion of something else": {"", []string{`resource.type="k8s_container"`}, "projects/acme", true, Unsure},
		"an exclusion of one audit log":  {"", []string{`log_id("cloudaudit.googleapis.com/data_access")`}, "projects/acme", true, Unsure},
		"an exclusion of all audit logs": {"", []string{`logName:"cloudaudit.googleapis.com"`}, "organizations/1", false, Part},
		"an exclusion of everything":     {"", []string{""}, "projects/acme", false, None},
		"exclusions of what the filter asks for": {
			`log_id("cloudaudit.googleapis.com/policy")`, []string{`log_id("cloudaudit.googleapis.com/policy")`}, "projects/acme", false, Part},
		"an exclusion of part of it by a sample":  {"", []string{`logName:"cloudaudit.googleapis.com" sample(insertId, 0.9)`}, "projects/acme", true, Unsure},
		"an exclusion beside the default filters": {system, []string{`resource.type="http_load_balancer"`}, "projects/acme", true, Part},
	} {
		t.Run(name, func(t *testing.T) {
			parts := []Filter{}
			for i, source := range append([]string{test.filter}, test.exclusions...) {
				f, err := Parse(source)
				if err != nil {
					t.Fatal(err)
				}
				if i > 0 {
					f = Not(f)
				}
				parts = append(parts, f)
			}
			f := All(parts...)
			if got := f.Touches(AuditLogs(), test.node); got != test.touches {
				t.Errorf("%s touches audit logs: %t", f, got)
			}
			if got := f.Of(Everything(), test.node); got != test.everything {
				t.Errorf("%s selects of everything: %s, want %s", f, nameOf(got), nameOf(test.everything))
			}
		})
	}
}

func TestFiltersTogether(t *testing.T) {
	parse := func(source string) Filter {
		f, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	inserts, deletes := parse(`protoPayload.methodName:"routes.insert"`), parse(`protoPayload.methodName:"routes.delete"`)
	class := change(t, "route")
	for name, test := range map[string]struct {
		filter Filter
		want   Coverage
	}{
		"each has its part":             {inserts, Part},
		"together they have every one":  {Any(inserts, deletes), Every},
		"both at once have none":        {All(inserts, deletes), None},
		"any with everything":           {Any(inserts, Filter{}), Every},
		"all with everything":           {All(inserts, Filter{}), Part},
		"not everything":                {Not(Filter{}), None},
		"a filter without its opposite": {All(inserts, Not(inserts)), None},
	} {
		if got := test.filter.Of(class, "projects/acme"); got != test.want {
			t.Errorf("%s: %s, want %s", name, nameOf(got), nameOf(test.want))
		}
	}
}
