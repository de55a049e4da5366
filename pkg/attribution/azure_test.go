package attribution

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const inGroup = "/subscriptions/S/resourceGroups/RG/providers/"

// activityEvent is an event of the Activity Log; more are further members.
func activityEvent(operation, resource, status, more string) string {
	return fmt.Sprintf(`{"eventDataId":"e-1","eventTimestamp":"2026-05-01T09:30:00.5Z","caller":"alice@acme.example","operationId":"op-1","category":{"value":"Administrative"},
		"httpRequest":{"clientIpAddress":"192.0.2.7"},"claims":{"name":"Alice"},"operationName":{"value":"%s"},"resourceId":"%s","status":{"value":"%s"}%s}`, operation, resource, status, more)
}

func TestActivityEffects(t *testing.T) {
	const group, account, server = "/subscriptions/s/resourcegroups/rg/providers/microsoft.network/networksecuritygroups/web", "/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/logs", "/subscriptions/s/resourcegroups/rg/providers/microsoft.sql/servers/db"
	for name, test := range map[string]struct {
		operation, resource string
		want                []Effect
	}{
		"a rule is a part of its group": {"Microsoft.Network/networkSecurityGroups/securityRules/write", inGroup + "Microsoft.Network/networkSecurityGroups/Web/securityRules/ssh",
			[]Effect{{Type: "azure.network.security_group", ID: group, Fields: []string{"rules"}}}},
		"a group that is made or set": {"Microsoft.Network/networkSecurityGroups/write", inGroup + "Microsoft.Network/networkSecurityGroups/Web",
			[]Effect{{Type: "azure.network.security_group", ID: group, Act: Puts, Fields: []string{"tags", "rules"}}}},
		"a subnet may be any group's": {"Microsoft.Network/virtualNetworks/subnets/write", inGroup + "Microsoft.Network/virtualNetworks/v/subnets/a",
			[]Effect{{Type: "azure.network.security_group", Fields: []string{"attached_subnet_ids"}}}},
		"the capitals of an operation do not matter": {"MICROSOFT.STORAGE/STORAGEACCOUNTS/DELETE", inGroup + "Microsoft.Storage/storageAccounts/Logs",
			[]Effect{{Type: "azure.storage.account", ID: account, Act: Deletes}}},
		"a part that can also be set with the account's keys": {"Microsoft.Storage/storageAccounts/blobServices/write", inGroup + "Microsoft.Storage/storageAccounts/logs/blobServices/default",
			[]Effect{{Type: "azure.storage.account", ID: account, Fields: []string{"blob"}, Hidden: true}}},
		"a server's audit settings": {"Microsoft.Sql/servers/auditingSettings/write", inGroup + "Microsoft.Sql/servers/db/auditingSettings/Default",
			[]Effect{{Type: "azure.sql.server", ID: server, Fields: []string{"auditing"}}}},
		"a diagnostic setting of the subscription": {"Microsoft.Insights/diagnosticSettings/write", "/subscriptions/S/providers/microsoft.insights/diagnosticSettings/all",
			[]Effect{{Type: "azure.monitor.subscription_diagnostic_setting", ID: "/subscriptions/s/providers/microsoft.insights/diagnosticsettings/all", Act: Puts, Every: true}}},
		"a diagnostic setting of a resource": {"Microsoft.Insights/diagnosticSettings/delete", inGroup + "Microsoft.Sql/servers/db/providers/microsoft.insights/diagnosticSettings/x",
			[]Effect{{Type: "azure.monitor.resource_diagnostics", ID: server, Every: true}}},
		"a role that is granted": {"Microsoft.Authorization/roleAssignments/write", "/subscriptions/S/providers/Microsoft.Authorization/roleAssignments/A-1",
			[]Effect{{Type: "azure.authorization.role_assignment", ID: "/subscriptions/s/providers/microsoft.authorization/roleassignments/a-1", Act: Puts, Every: true}}},
		"tags of whatever it is": {"Microsoft.Resources/tags/write", inGroup + "Microsoft.Sql/servers/db/providers/Microsoft.Resources/tags/default",
			[]Effect{{Type: anyType, ID: server, Fields: []string{"tags"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ParseActivity([]byte(activityEvent(test.operation, test.resource, "Succeeded", "")))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Effects); diff != "" || len(e.Mentions) > 0 {
				t.Errorf("(-want +got):\n%s\nmentions %v", diff, e.Mentions)
			}
		})
	}
}

func TestActivityActors(t *testing.T) {
	const object = `"http://schemas.microsoft.com/identity/claims/objectidentifier":"o-1"`
	for name, test := range map[string]struct {
		caller, claims string
		want           Actor
	}{
		"somebody":                      {"alice@acme.example", `{"name":"Alice",` + object + `}`, Actor{Kind: User, Name: "alice@acme.example", ID: "o-1"}},
		"an application":                {"o-1", `{"idtyp":"app","appid":"a-1",` + object + `}`, Actor{Kind: Machine, Name: "o-1", ID: "o-1", Behind: "a-1"}},
		"a part of Azure":               {"Microsoft.RecoveryServices", `{}`, Actor{Kind: Service, Name: "Microsoft.RecoveryServices"}},
		"nobody told":                   {"", `null`, Actor{Kind: Service, Name: "Azure"}},
		"somebody whose address is not": {"", `{"name":"Alice","idtyp":"user",` + object + `}`, Actor{Kind: User, Name: "Alice", ID: "o-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			event := strings.NewReplacer(`"caller":"alice@acme.example"`, fmt.Sprintf(`"caller":%q`, test.caller), `"claims":{"name":"Alice"}`, `"claims":`+test.claims).
				Replace(activityEvent("Microsoft.Sql/servers/write", inGroup+"Microsoft.Sql/servers/db", "Succeeded", ""))
			e, err := ParseActivity([]byte(event))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Actor); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestActivityEvents(t *testing.T) {
	const resource = inGroup + "Microsoft.Cache/redis/R/firewallRules/a"
	parse := func(operation, status, more string) Event {
		t.Helper()
		e, err := ParseActivity([]byte(activityEvent(operation, resource, status, more)))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	begun, done := parse("Microsoft.Cache/redis/firewallRules/write", "Started", ""), parse("Microsoft.Cache/redis/firewallRules/write", "Succeeded", "")
	if !slices.Contains(done.Mentions, "/subscriptions/s/resourcegroups/rg/providers/microsoft.cache/redis/r") || !slices.Contains(done.Mentions, strings.ToLower(resource)) {
		t.Errorf("an operation nobody knows mentions %v", done.Mentions)
	}
	if begun.Operation != done.Operation || begun.Operation == "" || !begun.First || begun.Last || done.First || !done.Last {
		t.Errorf("begin %+v and end %+v do not belong together", begun, done)
	}
	want := Event{ID: "e-1", Name: "Microsoft.Cache/redis/firewallRules/write", Source: "Microsoft.Cache", Time: time.Date(2026, 5, 1, 9, 30, 0, 500_000_000, time.UTC), Address: "192.0.2.7",
		Actor: Actor{Kind: User, Name: "alice@acme.example"}}
	got := done
	got.Mentions, got.Operation, got.Last = nil, "", false
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if other := parse("Microsoft.Cache/redis/write", "Succeeded", ""); other.Operation == done.Operation {
		t.Error("a deployment's operations count as one")
	}
	for name, e := range map[string]Event{
		"what failed":       parse("Microsoft.Sql/servers/delete", "Failed", ""),
		"what was given up": parse("Microsoft.Sql/servers/delete", "Canceled", ""),
		"handing out keys":  parse("Microsoft.Cache/redis/listKeys/action", "Succeeded", ""),
		"the health of it":  parse("Microsoft.Sql/servers/write", "Succeeded", `,"category":{"value":"ResourceHealth"}`),
	} {
		if !e.Failed && !e.ReadOnly || len(e.Effects)+len(e.Mentions) > 0 {
			t.Errorf("%s counts as a change: %+v", name, e)
		}
	}
	for name, event := range map[string]string{"nothing": "", "no id": `{"eventTimestamp":"2026-05-01T09:30:00Z","operationName":{"value":"x"}}`, "no operation": `{"eventTimestamp":"2026-05-01T09:30:00Z","eventDataId":"1"}`} {
		if _, err := ParseActivity([]byte(event)); err == nil {
			t.Errorf("%s is taken for an event", name)
		}
	}
}

func FuzzParseActivity(f *testing.F) {
	f.Add([]byte(activityEvent("Microsoft.Insights/diagnosticSettings/write", inGroup+"x/y/z/providers/microsoft.insights/diagnosticSettings/", "Accepted", "")))
	f.Add([]byte(activityEvent("Microsoft.Sql/servers/firewallRules/write", "/providers//servers/", "Succeeded", `,"claims":[1]`)))
	f.Fuzz(func(t *testing.T, event []byte) {
		e, err := ParseActivity(event)
		if err == nil && (e.ID == "" || e.Time.IsZero() || e.Actor.Name == "") {
			t.Errorf("%+v", e)
		}
	})
}
