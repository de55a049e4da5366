package project

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/logging/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

const listEntries = "logging.entries.list"

// changelogService is the audit logs of administrators' acts.
var changelogService = service{
	handle: func(s *gcp.Server, w *states) {
		gcp.List(s, listEntries, "entries", func(c gcp.Call) (*logging.ListLogEntriesResponse, error) {
			if _, err := w.at(c); err != nil {
				return nil, err
			}
			var asked logging.ListLogEntriesRequest
			if err := json.Unmarshal(c.Body, &asked); err != nil {
				return nil, &gcp.Error{Status: 400, Code: "INVALID_ARGUMENT", Message: err.Error()}
			}
			from, to, ok := timesOf(asked.Filter)
			if !ok || asked.OrderBy != "timestamp desc" {
				return nil, &gcp.Error{Status: 400, Code: "INVALID_ARGUMENT", Message: "the simulated log is read newest first, between two times"}
			}
			out := &logging.ListLogEntriesResponse{}
			for _, e := range changelog.Between(w.world, w.tick(c.Account), deeds, from, to) {
				if e.Arrives.After(c.Now) || e.Lost || e.Reads || !slices.Contains(asked.ResourceNames, nodeOf(e)) { // reads are in another log
					continue
				}
				out.Entries = append(out.Entries, entriesOf(e)...)
			}
			return out, nil
		})
	},
}

// Log returns what happened in a project or organization, in and out of the log, from one time to another.
func Log(w *world.World, account string, from, to time.Time) []changelog.Entry {
	states := &states{world: w, cached: map[cacheKey]*world.State{}}
	return changelog.Between(w, states.tick(account), deeds, from, to)
}

// tick is an account at its ticks.
func (w *states) tick(account string) func(int) *world.State {
	return func(tick int) *world.State {
		s, err := w.get(account, w.world.Start.Add(time.Duration(tick)*cmp.Or(w.world.Step, 24*time.Hour)))
		if err != nil {
			s = &world.State{World: w.world}
		}
		return s
	}
}

// loggedNode is the first of the nodes whose log entries a call asks for, of which a project or organization stands for the others.
func loggedNode(c gcp.Call) string {
	var asked logging.ListLogEntriesRequest
	if c.Method != listEntries || json.Unmarshal(c.Body, &asked) != nil || len(asked.ResourceNames) == 0 {
		return ""
	}
	return asked.ResourceNames[0]
}

var timeInFilter = regexp.MustCompile(`timestamp([<>])="([^"]+)"`)

// timesOf finds the times that a filter asks for.
func timesOf(filter string) (from, to time.Time, ok bool) {
	for _, m := range timeInFilter.FindAllStringSubmatch(filter, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[2])
		switch {
		case err != nil:
			return from, to, false
		case m[1] == ">":
			from = at
		default:
			to = at
		}
	}
	return from, to, !from.IsZero() && !to.IsZero()
}

// nodeOf is where an event is logged.
func nodeOf(e changelog.Entry) string {
	switch {
	case strings.HasPrefix(e.Item.Kind, "gcp.folder."):
		return firstFolder(e.State)
	case e.Item.Account.Sort == inOrganization:
		return e.Item.Account.ID
	}
	return "projects/" + e.Item.Account.ID
}

// deeds are what the log tells of. The names have the service before the method; "…" after the method says that the call takes a
// while, and leaves an entry when it begins and one when it is done.
var deeds = func() []changelog.Deed {
	named := func(name func(*world.State, *world.Item) string, more ...string) func(*world.State, *world.Item, bool) map[string]any {
		return func(s *world.State, it *world.Item, _ bool) map[string]any {
			request := map[string]any{"@type": "type.googleapis.com/google.protobuf.Struct"}
			for i := 0; i+1 < len(more); i += 2 {
				request[more[i]] = more[i+1]
			}
			return map[string]any{"resourceName": name(s, it), "request": request}
		}
	}
	projectName := func(_ *world.State, it *world.Item) string { return "projects/" + it.Account.ID }
	bucketPath := func(_ *world.State, it *world.Item) string { return "projects/_/buckets/" + bucketName(it) }
	firewall := func(_ *world.State, it *world.Item) string { return computePath(it, "firewalls", it.Name()) }
	sql := func(_ *world.State, it *world.Item) string { return sqlID(it) }
	sink := func(s *world.State, it *world.Item) string {
		return nodeOf(changelog.Entry{State: s, Item: it}) + "/sinks/" + it.Name()
	}
	system := func(s *world.State, it *world.Item) string {
		return nodeOf(changelog.Entry{State: s, Item: it}) + "/sinks/" + systemNames[it.Index]
	}
	logBucket := func(s *world.State, it *world.Item) string {
		return logBucketName(nodeOf(changelog.Entry{State: s, Item: it}), it)
	}
	account := func(_ *world.State, it *world.Item, _ bool) map[string]any { // by number, with the e-mail in the labels alone
		return map[string]any{
			"resourceName": "projects/-/serviceAccounts/" + it.Hex(12, "number"), "response": map[string]any{"email": accountEmail(it)},
			"labels": map[string]any{"email_id": accountEmail(it), "project_id": it.Account.ID},
		}
	}
	key := func(_ *world.State, it *world.Item) string { return keyName(it) }
	version := func(_ *world.State, it *world.Item) string { return keyName(it) + "/cryptoKeyVersions/1" }
	ofProject := func(s *world.State, it *world.Item) posture.Key {
		return keyOf("gcp.resourcemanager.project", it.Account.ID)
	}
	organization := func(s *world.State, it *world.Item) posture.Key {
		return keyOf("gcp.resourcemanager.organization", it.Account.ID)
	}
	itself := func(_ *world.State, it *world.Item) string { return it.Account.ID }

	var out []changelog.Deed
	add := func(kind, defects, call string, request func(*world.State, *world.Item, bool) map[string]any, change ...func(*changelog.Deed)) {
		for _, defect := range strings.Fields(defects) {
			d := changelog.Deed{Kind: kind, Defect: defect, Gives: call, Takes: call, Request: request}
			for _, c := range change {
				c(&d)
			}
			out = append(out, d)
		}
	}
	// comes is a thing that is made and taken away.
	comes := func(kind, made, gone string, request func(*world.State, *world.Item, bool) map[string]any) {
		out = append(out, changelog.Deed{Kind: kind, Defect: world.Absent, Gives: gone, Takes: made, Request: request})
	}
	at := func(key func(*world.State, *world.Item) posture.Key) func(*changelog.Deed) {
		return func(d *changelog.Deed) { d.Key = key }
	}
	where := func(concerns func(*world.Item) bool) func(*changelog.Deed) {
		return func(d *changelog.Deed) { d.Concerns = concerns }
	}

	const setPolicy = "cloudresourcemanager SetIamPolicy"
	add("gcp.project", "public guest foreign-account foreign-pool editors direct impersonators platform-uses decrypts writes-unlogged exempts", setPolicy, named(projectName))
	add("gcp.service_account", "admin", setPolicy, named(projectName), at(ofProject))
	add("gcp.default_service_account", "admin", setPolicy, named(projectName), at(ofProject))
	add("gcp.organization", "public guest foreign-pool basic-role impersonators manages-accounts reads-unlogged exempts", setPolicy, named(itself), at(organization))

	comes("gcp.bucket", "storage storage.buckets.create", "storage storage.buckets.delete", named(bucketPath))
	add("gcp.bucket", "public-grant", "storage storage.setIamPermissions", named(bucketPath))
	add("gcp.bucket", "fine-grained google-key", "storage storage.buckets.update", named(bucketPath))
	add("gcp.bucket", "public-acl", "storage storage.buckets.update", named(bucketPath), where(func(it *world.Item) bool { return it.Has("fine-grained") }))
	add("gcp.bucket", "not-kept", "storage storage.buckets.update", named(bucketPath), where(func(it *world.Item) bool { return it.Index < 3 }))

	comes("gcp.firewall", "compute v1.compute.firewalls.insert…", "compute v1.compute.firewalls.delete…", named(firewall))
	add("gcp.firewall", "open-ssh open-rdp open-database open-all", "compute v1.compute.firewalls.patch…", named(firewall, "alloweds", "tcp"))

	for _, engine := range []string{"postgres", "mysql", "sqlserver"} {
		comes("gcp.sql."+engine, "cloudsql cloudsql.instances.create…", "cloudsql cloudsql.instances.delete…", named(sql))
		add("gcp.sql."+engine, "open-network public-address plain-connections no-backups unprotected", "cloudsql cloudsql.instances.update…", named(sql))
	}
	add("gcp.sql.postgres", "sessions-unlogged errors-drowned slow-statements-logged changes-unlogged unaudited", "cloudsql cloudsql.instances.update…", named(sql))

	const sinks = "logging google.logging.v2.ConfigServiceV2."
	comes("gcp.log.sink", sinks+"CreateSink", sinks+"DeleteSink", named(sink))
	add("gcp.log.sink", "abroad off filtered excludes drops-audit", sinks+"UpdateSink", named(sink))
	add("gcp.log.system", "off drops-audit", sinks+"UpdateSink", named(system))
	add("gcp.organization.log.system", "off drops-audit", sinks+"UpdateSink", named(system))
	add("gcp.organization.log.sink", "only-itself off filtered excludes drops-audit", sinks+"UpdateSink", named(sink))
	add("gcp.folder.log.sink", "off filtered excludes drops-audit", sinks+"UpdateSink", named(sink))
	for _, kind := range []string{"gcp.log.bucket", "gcp.organization.log.bucket", "gcp.folder.log.bucket"} {
		add(kind, "unlocked", sinks+"UpdateBucket", named(logBucket))
	}

	comes("gcp.service_account", "iam google.iam.admin.v1.CreateServiceAccount", "iam google.iam.admin.v1.DeleteServiceAccount", account)
	add("gcp.service_account", "public outsider whole-pool", "iam google.iam.admin.v1.SetIAMPolicy", func(s *world.State, it *world.Item, has bool) map[string]any {
		out := account(s, it, has)
		out["resourceName"] = accountName(it)
		return out
	})
	add("gcp.crypto_key", "public", "cloudkms SetIamPolicy", named(key))
	add("gcp.crypto_key", "not-rotated", "cloudkms UpdateCryptoKey", named(key))
	add("gcp.crypto_key", "to-be-destroyed", "cloudkms DestroyCryptoKeyVersion", named(version))
	return out
}()

// entriesOf is an event as Cloud Logging keeps it: one entry, or one when a long call begins and one when it is done.
func entriesOf(e changelog.Entry) []*logging.LogEntry {
	service, method, _ := strings.Cut(e.Name, " ")
	method, long := strings.CutSuffix(method, "…")
	payload := map[string]any{
		"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": service + ".googleapis.com", "methodName": method,
		"resourceName": e.Request["resourceName"], "authenticationInfo": actorOf(e),
		"requestMetadata": map[string]any{"callerIp": fmt.Sprint("203.0.113.", 10+e.Pick(8, "address")), "callerSuppliedUserAgent": "google-cloud-sdk gcloud/500.0.0"},
	}
	for _, part := range []string{"request", "response"} {
		if value, ok := e.Request[part]; ok {
			payload[part] = value
		}
	}
	if e.Failed {
		payload["status"], long = map[string]any{"code": 7, "message": "PERMISSION_DENIED"}, false
	}
	entry := func(id string, at time.Time, first, last bool) *logging.LogEntry {
		data, _ := json.Marshal(payload) // of maps and text: never fails
		out := &logging.LogEntry{
			InsertId: id, LogName: nodeOf(e) + "/logs/cloudaudit.googleapis.com%2Factivity", Severity: "NOTICE", ProtoPayload: data,
			Timestamp: at.Format(time.RFC3339Nano), ReceiveTimestamp: e.Arrives.Format(time.RFC3339Nano), Resource: &logging.MonitoredResource{Type: "audited_resource"},
		}
		if labels, ok := e.Request["labels"].(map[string]any); ok {
			out.Resource.Labels = map[string]string{"email_id": labels["email_id"].(string), "project_id": labels["project_id"].(string)}
		}
		if long {
			out.Operation = &logging.LogEntryOperation{Id: "operation-" + e.ID[:12], Producer: service + ".googleapis.com", First: first, Last: last}
		}
		return out
	}
	if !long {
		return []*logging.LogEntry{entry(e.ID[:16], e.Time, false, false)}
	}
	begun := entry(e.ID[:16], e.Time, true, false)
	delete(payload, "request")
	return []*logging.LogEntry{entry(e.ID[16:], e.Time.Add(20*time.Second), false, true), begun}
}

// actorOf is one of the people and programs that work in the project.
func actorOf(e changelog.Entry) map[string]any {
	people := []string{"alice@acme.example", "bruno@acme.example", "chen@acme.example"}
	switch e.Pick(5, "actor") {
	case 0, 1:
		person := people[e.Pick(3, "person")]
		return map[string]any{"principalEmail": person, "principalSubject": "user:" + person}
	case 2:
		email := "deploy@acme-production.iam.gserviceaccount.com"
		return map[string]any{"principalEmail": email, "principalSubject": "serviceAccount:" + email}
	case 3:
		email := "deploy@acme-production.iam.gserviceaccount.com"
		return map[string]any{"principalEmail": email, "serviceAccountDelegationInfo": []any{map[string]any{
			"firstPartyPrincipal": map[string]any{"principalEmail": people[e.Pick(3, "person")]},
		}}}
	default:
		return map[string]any{"principalSubject": "principal://iam.googleapis.com/projects/4711/locations/global/workloadIdentityPools/ci/subject/repo:acme/infra"}
	}
}
