package attribution

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// auditEntry is an entry of the log of the project acme; payload are members of its audit log, more further members of the entry.
func auditEntry(service, method, resource, payload, more string) string {
	return fmt.Sprintf(`{"insertId":"i-1","timestamp":"2026-05-01T09:30:00.25Z","logName":"projects/acme/logs/cloudaudit.googleapis.com%%2Factivity",
		"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"%s.googleapis.com","methodName":"%s","resourceName":"%s",
		"authenticationInfo":{"principalEmail":"alice@acme.example"},"requestMetadata":{"callerIp":"203.0.113.9","callerSuppliedUserAgent":"gcloud"}%s}%s}`,
		service, method, resource, payload, more)
}

func TestAuditLogEffects(t *testing.T) {
	const rule, key = "projects/acme/global/firewalls/allow-ssh", "projects/acme/locations/eu/keyRings/r/cryptoKeys/k"
	for name, test := range map[string]struct {
		entry string
		want  []Effect
	}{
		"a project goes by its id, however it is named": {auditEntry("cloudresourcemanager", "SetIamPolicy", "projects/4711", "", ""),
			[]Effect{{Type: "gcp.resourcemanager.project", ID: "acme", Fields: []string{"iam"}}}},
		"a folder by its name": {auditEntry("cloudresourcemanager", "google.cloud.resourcemanager.v3.Folders.SetIamPolicy", "folders/7", "", ""),
			[]Effect{{Type: "gcp.resourcemanager.folder", ID: "folders/7", Fields: []string{"iam"}}}},
		"a bucket by the end of its path": {auditEntry("storage", "storage.setIamPermissions", "projects/_/buckets/logs", "", ""),
			[]Effect{{Type: "gcp.storage.bucket", ID: "logs", Fields: []string{"iam", "acl_public"}}}},
		"a firewall rule, of which only a part is set": {auditEntry("compute", "v1.compute.firewalls.patch", rule, `,"request":{"@type":"type.googleapis.com/compute.firewalls.patch","disabled":true}`, ""),
			[]Effect{{Type: "gcp.compute.firewall_rule", ID: rule, Fields: []string{"disabled"}, Values: map[string]json.RawMessage{"disabled": json.RawMessage("true")}}}},
		"the same through an older version": {auditEntry("compute", "beta.compute.firewalls.delete", rule, "", ""),
			[]Effect{{Type: "gcp.compute.firewall_rule", ID: rule, Act: Deletes}}},
		"a rule of a policy by its priority": {auditEntry("compute", "v1.compute.networkFirewallPolicies.removeRule", "projects/acme/global/firewallPolicies/web", `,"request":{"priority":1000}`, ""),
			[]Effect{{Type: "gcp.compute.firewall_rule", ID: "projects/acme/global/firewallPolicies/web/rules/1000", Act: Deletes}}},
		"a database": {auditEntry("cloudsql", "cloudsql.instances.update", "projects/acme/instances/orders", "", ""),
			[]Effect{{Type: "gcp.sql.instance", ID: "projects/acme/instances/orders", Every: true}}},
		"a database's users are not read": {auditEntry("cloudsql", "cloudsql.users.create", "projects/acme/instances/orders", "", ""), nil},
		"a sink that is made is named after its parent": {auditEntry("logging", "google.logging.v2.ConfigServiceV2.CreateSink", "projects/acme", `,"request":{"sink":{"name":"all"}}`, ""),
			[]Effect{{Type: "gcp.logging.sink", ID: "projects/acme/sinks/all", Act: Creates}}},
		"a service account by the label of its e-mail": {auditEntry("iam", "google.iam.admin.v1.DisableServiceAccount", "projects/-/serviceAccounts/118", "", `,"resource":{"labels":{"email_id":"ci@acme.iam.gserviceaccount.com"}}`),
			[]Effect{{Type: "gcp.iam.service_account", ID: "projects/acme/serviceAccounts/ci@acme.iam.gserviceaccount.com", Fields: []string{"disabled"}}}},
		"a service account by number alone is any": {auditEntry("iam", "google.iam.admin.v1.DisableServiceAccount", "projects/-/serviceAccounts/118", "", ""),
			[]Effect{{Type: "gcp.iam.service_account", Fields: []string{"disabled"}}}},
		"a version is a part of its key": {auditEntry("cloudkms", "DestroyCryptoKeyVersion", key+"/cryptoKeyVersions/2", "", ""),
			[]Effect{{Type: "gcp.kms.crypto_key", ID: key, Fields: []string{"primary_state"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ParseAuditLog([]byte(test.entry))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Effects); diff != "" || len(e.Mentions) > 0 {
				t.Errorf("(-want +got):\n%s\nmentions %v", diff, e.Mentions)
			}
		})
	}
}

func TestAuditLogActors(t *testing.T) {
	for name, test := range map[string]struct {
		info string
		want Actor
	}{
		"somebody":            {`{"principalEmail":"alice@acme.example","principalSubject":"user:alice@acme.example"}`, Actor{Kind: User, Name: "alice@acme.example", ID: "user:alice@acme.example"}},
		"a service account":   {`{"principalEmail":"ci@acme.iam.gserviceaccount.com"}`, Actor{Kind: Machine, Name: "ci@acme.iam.gserviceaccount.com"}},
		"one of Google's own": {`{"principalEmail":"service-4711@gcp-sa-cloud-sql.iam.gserviceaccount.com"}`, Actor{Kind: Service, Name: "service-4711@gcp-sa-cloud-sql.iam.gserviceaccount.com"}},
		"Google's systems":    {`{"principalEmail":"system@google.com"}`, Actor{Kind: Service, Name: "system@google.com"}},
		"a pool's identity":   {`{"principalSubject":"principal://iam.googleapis.com/x/subject/repo"}`, Actor{Kind: Other, Name: "principal://iam.googleapis.com/x/subject/repo", ID: "principal://iam.googleapis.com/x/subject/repo"}},
		"an account and who impersonates it": {`{"principalEmail":"ci@acme.iam.gserviceaccount.com","serviceAccountDelegationInfo":[{"firstPartyPrincipal":{"principalEmail":"bruno@acme.example"}},{"firstPartyPrincipal":{"principalEmail":"hop@acme.iam.gserviceaccount.com"}}]}`,
			Actor{Kind: Machine, Name: "ci@acme.iam.gserviceaccount.com", Behind: "hop@acme.iam.gserviceaccount.com", Person: "bruno@acme.example"}},
		"nobody told": {`{}`, Actor{Kind: Other, Name: "storage.googleapis.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			entry := strings.Replace(auditEntry("storage", "storage.buckets.update", "projects/_/buckets/logs", "", ""), `{"principalEmail":"alice@acme.example"}`, test.info, 1)
			e, err := ParseAuditLog([]byte(entry))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Actor); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuditLogEntries(t *testing.T) {
	e, err := ParseAuditLog([]byte(auditEntry("compute", "v1.compute.routers.insert", "projects/acme/regions/eu/routers/r", `,"request":{"network":"projects/acme/global/networks/n"}`, `,"operation":{"id":"op","first":true}`)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(e.Mentions, "projects/acme/regions/eu/routers/r") || !slices.Contains(e.Mentions, "projects/acme/global/networks/n") || len(e.Effects) > 0 {
		t.Errorf("a method nobody knows mentions %v", e.Mentions)
	}
	e.Mentions = nil
	want := Event{ID: "i-1", Name: "v1.compute.routers.insert", Source: "compute.googleapis.com", Time: time.Date(2026, 5, 1, 9, 30, 0, 250_000_000, time.UTC), Address: "203.0.113.9", Client: "gcloud",
		Actor: Actor{Kind: User, Name: "alice@acme.example"}, Operation: "op", First: true}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, change := range map[string][2]string{
		"refused":  {`"requestMetadata"`, `"status":{"code":7},"requestMetadata"`},
		"not read": {"%2Factivity", "%2Fdata_access"},
	} {
		e, err := ParseAuditLog([]byte(strings.Replace(auditEntry("storage", "storage.buckets.delete", "projects/_/buckets/logs", "", ""), change[0], change[1], 1)))
		if err != nil || !e.Failed && !e.ReadOnly || len(e.Effects) > 0 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for name, entry := range map[string]string{"nothing": "", "text": `"x"`, "no payload": `{"insertId":"1","timestamp":"2026-05-01T09:30:00Z","textPayload":"hello"}`, "no time": `{"insertId":"1","protoPayload":{"methodName":"x"}}`} {
		if _, err := ParseAuditLog([]byte(entry)); err == nil {
			t.Errorf("%s is taken for an audit log", name)
		}
	}
}

func FuzzParseAuditLog(f *testing.F) {
	f.Add([]byte(auditEntry("compute", "v1.compute.firewalls.patch", "projects/acme/global/firewalls/a", `,"request":{"logConfig":{"enable":[{}]}}`, "")))
	f.Add([]byte(auditEntry("logging", "CreateSink", "", `,"request":{"sink":[{"name":"a"},{"name":"b"}]}`, "")))
	f.Fuzz(func(t *testing.T, entry []byte) {
		e, err := ParseAuditLog(entry)
		if err == nil && (e.ID == "" || e.Time.IsZero() || len(e.Mentions) > maxMentions) {
			t.Errorf("%+v", e)
		}
	})
}
