package subscription

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// changelogService is the Activity Log.
var changelogService = service{
	handle: func(s *azure.Server, w *states) {
		azure.List(s, "armmonitor.ActivityLogsClient.NewListPager", func(c azure.Call) (*armmonitor.EventDataCollection, error) {
			if _, err := w.at(c); err != nil {
				return nil, err
			}
			from, till, ok := timesOf(c.Query.Get("$filter"))
			if !ok {
				return nil, &azure.Error{Status: 400, Code: "BadRequest", Message: "The filter has to name two times."}
			}
			out := &armmonitor.EventDataCollection{}
			for _, e := range changelog.Between(w.world, w.tick(c.Account), deeds, from, till) {
				if !e.Arrives.After(c.Now) && !e.Lost {
					out.Value = append(out.Value, activity(e)...)
				}
			}
			return out, nil
		})
	},
}

// Log returns what happened in a subscription, in and out of the log, from one time to another.
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

var timeInFilter = regexp.MustCompile(`eventTimestamp (ge|le) '([^']+)'`)

// timesOf finds the times that a filter asks for.
func timesOf(filter string) (from, till time.Time, ok bool) {
	for _, m := range timeInFilter.FindAllStringSubmatch(filter, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[2])
		switch {
		case err != nil:
			return from, till, false
		case m[1] == "ge":
			from = at
		default:
			till = at
		}
	}
	return from, till, !from.IsZero() && !till.IsZero()
}

// deeds are what the log tells of.
var deeds = func() []changelog.Deed {
	// on is what a call is about, more the part of the resource that it names.
	on := func(id func(*world.State, *world.Item) string, more string) func(*world.State, *world.Item, bool) map[string]any {
		return func(s *world.State, it *world.Item, _ bool) map[string]any {
			return map[string]any{"id": id(s, it) + more}
		}
	}
	of := func(id func(*world.Item) string) func(*world.State, *world.Item) string {
		return func(_ *world.State, it *world.Item) string { return id(it) }
	}
	nsg, account, vault, server, instance := of(nsgID), of(storageID), of(vaultID), of(sqlID), of(sqlInstanceID)
	assignment := func(_ *world.State, it *world.Item) string {
		return "/subscriptions/" + it.Account.ID + "/providers/Microsoft.Authorization/roleAssignments/" + objectID(it, "assignment")
	}
	setting := func(_ *world.State, it *world.Item) string {
		return "/subscriptions/" + it.Account.ID + "/providers/microsoft.insights/diagnosticSettings/" + it.Name()
	}
	var out []changelog.Deed
	add := func(kind, defects, gives, takes string, request func(*world.State, *world.Item, bool) map[string]any, change ...func(*changelog.Deed)) {
		for _, defect := range strings.Fields(defects) {
			d := changelog.Deed{Kind: kind, Defect: defect, Gives: gives, Takes: takes, Request: request}
			for _, c := range change {
				c(&d)
			}
			out = append(out, d)
		}
	}
	key := func(typeName string, id func(*world.State, *world.Item) string) func(*changelog.Deed) {
		return func(d *changelog.Deed) {
			d.Key = func(s *world.State, it *world.Item) posture.Key { return keyOf(typeName, id(s, it)) }
		}
	}
	const network, storage, vaults, sql = "Microsoft.Network/networkSecurityGroups/", "Microsoft.Storage/storageAccounts/", "Microsoft.KeyVault/vaults/", "Microsoft.Sql/servers/"
	add("azure.nsg", world.Absent, network+"delete", network+"write", on(nsg, ""))
	add("azure.nsg", "open-ssh open-all", network+"securityRules/write", network+"securityRules/delete", on(nsg, "/securityRules/allow-in"))
	add("azure.storage", world.Absent, storage+"delete", storage+"write", on(account, ""))
	add("azure.storage", "plain-http anonymous open-network", storage+"write", storage+"write", on(account, ""))
	add("azure.storage", "short-soft-delete", storage+"blobServices/write", storage+"blobServices/write", on(account, "/blobServices/default"))
	add("azure.keyvault", world.Absent, vaults+"delete", vaults+"write", on(vault, ""))
	add("azure.keyvault", "purgeable open", vaults+"write", vaults+"write", on(vault, ""))
	add("azure.sql", world.Absent, sql+"delete", sql+"write", on(server, ""))
	add("azure.sql", "no-audit", sql+"auditingSettings/write", sql+"auditingSettings/write", on(server, "/auditingSettings/Default"))
	add("azure.sql", "no-alerts", sql+"securityAlertPolicies/write", sql+"securityAlertPolicies/write", on(server, "/securityAlertPolicies/Default"))
	add("azure.sql", "all-addresses", sql+"firewallRules/write", sql+"firewallRules/delete", on(server, "/firewallRules/all"))
	add("azure.sql.database", "not-encrypted", sql+"databases/transparentDataEncryption/write", sql+"databases/transparentDataEncryption/write", on(sqlDatabaseID, "/transparentDataEncryption/current"))
	add("azure.sql.instance", world.Absent, "Microsoft.Sql/managedInstances/delete", "Microsoft.Sql/managedInstances/write", on(instance, ""))
	add("azure.sql.instance", "public", "Microsoft.Sql/managedInstances/write", "Microsoft.Sql/managedInstances/write", on(instance, ""))
	permanent := func(d *changelog.Deed) {
		d.Concerns = func(it *world.Item) bool { return !it.Has("eligible") && !it.Has("timed") && !it.Has("active") }
	}
	const grants = "Microsoft.Authorization/roleAssignments/"
	add("azure.assignment", world.Absent, grants+"delete", grants+"write", on(assignment, ""), key("azure.authorization.role_assignment", assignment), permanent)
	add("azure.assignment", "conditioned owner to-program", grants+"write", grants+"write", on(assignment, ""), key("azure.authorization.role_assignment", assignment), permanent)
	const settings = "Microsoft.Insights/diagnosticSettings/"
	add("azure.export", world.Absent, settings+"delete", settings+"write", on(setting, ""), key("azure.monitor.subscription_diagnostic_setting", setting))
	add("azure.export", "nowhere elsewhere to-storage partial", settings+"write", settings+"write", on(setting, ""), key("azure.monitor.subscription_diagnostic_setting", setting))
	return out
}()

// activity is an event as the log keeps it: when a call begins and, by the same operation, when it is done.
func activity(e changelog.Entry) []*armmonitor.EventData {
	name, id := e.Name, e.Request["id"].(string)
	if e.Reads {
		name = name[:strings.LastIndex(name, "/")] + "/listKeys/action"
	}
	caller, claims := actorOf(e)
	event := func(id string, at time.Time, status string) *armmonitor.EventData {
		provider, _, _ := strings.Cut(name, "/")
		return &armmonitor.EventData{
			EventDataID: &id, EventTimestamp: &at, SubmissionTimestamp: &e.Arrives, Caller: &caller, Claims: claims, OperationID: to.Ptr(e.UUID()), CorrelationID: to.Ptr(e.UUID()),
			Category: localized("Administrative"), OperationName: localized(name), ResourceProviderName: localized(provider), Status: localized(status),
			HTTPRequest: &armmonitor.HTTPRequestInfo{ClientIPAddress: to.Ptr(fmt.Sprint("192.0.2.", 10+e.Pick(8, "address")))}, SubscriptionID: &e.Item.Account.ID,
		}
	}
	end := "Succeeded"
	if e.Failed {
		end = "Failed"
	}
	begun, done := event(e.UUID(), e.Time, "Started"), event(e.ID[20:]+e.ID[:12], e.Time.Add(8*time.Second), end)
	begun.ResourceID, done.ResourceID = &id, to.Ptr(strings.Replace(id, "resourceGroups", "resourcegroups", 1)) // the log is not of one mind on capitals
	return []*armmonitor.EventData{done, begun}
}

func localized(text string) *armmonitor.LocalizableString {
	return &armmonitor.LocalizableString{Value: &text, LocalizedValue: &text}
}

// actorOf is one of the people and programs that work in the subscription.
func actorOf(e changelog.Entry) (caller string, claims map[string]*string) {
	object := "http://schemas.microsoft.com/identity/claims/objectidentifier"
	if e.Pick(3, "actor") == 0 {
		id := "dddddddd-0000-4000-8000-000000000004"
		return id, labels("idtyp", "app", "appid", "eeeeeeee-0000-4000-8000-000000000005", object, id)
	}
	person := []string{"alice@acme.example", "bruno@acme.example", "chen@acme.example"}[e.Pick(3, "person")]
	return person, labels("name", person, object, "ffffffff-0000-4000-8000-00000000000"+fmt.Sprint(e.Pick(3, "person")))
}
