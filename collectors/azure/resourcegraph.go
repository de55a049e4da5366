package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resourcegraph/armresourcegraph"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/plumbline-dev/plumbline/collectors"
)

var queryResources = collectors.Operation{
	Name: "armresourcegraph.Client.Resources", Permission: "Microsoft.ResourceGraph/resources/read",
	Body: collectors.Redact("primaryKey", "secondaryKey", "radiusServerSecret"),
}

// projected are the types that Resource Graph is asked for, each with the properties whose absence a reader takes for a setting.
// Where one is missing, Resource Graph may go by an older version of the service's API than the readers, and the service is asked.
//
// Left with their own calls are those that it does not have in full (what runs on a machine and its extensions, keys' ages of
// storage accounts, administrators of SQL servers, and of vaults, Cosmos DB, MySQL and PostgreSQL when they were made), what lies
// below a resource and is no row (firewall rules, parameters, diagnostic settings, keys), and those whose answers can hold
// secrets, such as scale sets, gateways with certificates and container apps: their bodies are redacted each in its own way.
var projected = map[string][]string{
	"microsoft.cache/redis":                                              {"disableAccessKeyAuthentication", "enableNonSslPort", "minimumTlsVersion", "publicNetworkAccess", "redisConfiguration", "sku"},
	"microsoft.compute/disks":                                            {"diskSizeGB", "diskState", "encryption", "networkAccessPolicy", "publicNetworkAccess", "timeCreated"},
	"microsoft.compute/snapshots":                                        {"encryption", "networkAccessPolicy", "publicNetworkAccess", "timeCreated"},
	"microsoft.containerregistry/registries":                             {"adminUserEnabled", "creationDate", "encryption", "policies", "publicNetworkAccess", "zoneRedundancy"},
	"microsoft.databricks/workspaces":                                    {"createdDateTime", "parameters", "publicNetworkAccess"},
	"microsoft.eventgrid/domains":                                        {"disableLocalAuth", "minimumTlsVersionAllowed", "publicNetworkAccess"},
	"microsoft.eventgrid/topics":                                         {"disableLocalAuth", "minimumTlsVersionAllowed", "publicNetworkAccess"},
	"microsoft.eventhub/namespaces":                                      {"createdAt", "disableLocalAuth", "minimumTlsVersion", "publicNetworkAccess", "zoneRedundant"},
	"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": {"managedRules", "policySettings"},
	"microsoft.network/azurefirewalls":                                   {"sku"},
	"microsoft.network/bastionhosts":                                     {"ipConfigurations"},
	"microsoft.network/dnsresolverpolicies/virtualnetworklinks":          {"virtualNetwork"},
	"microsoft.network/firewallpolicies":                                 {"threatIntelMode"},
	"microsoft.network/networkinterfaces":                                {"enableIPForwarding", "ipConfigurations"},
	"microsoft.network/networksecuritygroups":                            {"securityRules"},
	"microsoft.network/networkwatchers":                                  {"provisioningState"},
	"microsoft.network/networkwatchers/flowlogs":                         {"enabled", "format", "storageId", "targetResourceId"},
	"microsoft.network/publicipaddresses":                                {"publicIPAllocationMethod"},
	"microsoft.network/routetables":                                      {"routes"},
	"microsoft.network/virtualnetworkgateways":                           {"activeActive", "gatewayType", "ipConfigurations", "sku"},
	"microsoft.network/virtualnetworks":                                  {"addressSpace", "enableDdosProtection", "subnets"},
	"microsoft.operationalinsights/workspaces":                           {"createdDate", "features", "publicNetworkAccessForIngestion", "publicNetworkAccessForQuery", "retentionInDays", "sku"},
	"microsoft.search/searchservices":                                    {"disableLocalAuth", "encryptionWithCmk", "publicNetworkAccess", "replicaCount"},
	"microsoft.servicebus/namespaces":                                    {"createdAt", "disableLocalAuth", "zoneRedundant"},
}

// graphRows is how many rows a page may have: a page of more than 16 MB is refused, and networks are large.
const graphRows = 500

// row is a resource as Resource Graph has it, members as in the service's own list.
type row map[string]any

func (r row) text(name string) string {
	s, _ := r[name].(string)
	return strings.ToLower(s)
}

func (r row) properties() map[string]any {
	p, _ := r["properties"].(map[string]any)
	return p
}

// resourceGraph is what Azure Resource Graph has of a subscription, asked for when the first reader needs it. It hears of changes
// late, shows only what its caller may see, and has been known to leave resources out: a type counts only if Resource Manager
// lists the same resources of it, and at least one. A query that fails is no reader's error: it leaves nothing known, and readers
// ask the services themselves, whose lists are the record.
type resourceGraph struct {
	client *client
	once   sync.Once
	kinds  map[string][]row // by type
	byID   map[string]row   // of those types

	listOnce sync.Once
	listed   []*armresources.GenericResourceExpanded
	listErr  error
}

// pagesOf reads a list to its end, from Resource Graph where that can stand in for the service. Kind is the type of resource in
// lower case, under the id of what the resources are part of, "" for all of the subscription.
func pagesOf[T any](ctx context.Context, c *client, kind, under string, pager *runtime.Pager[T], each func(T) error) error {
	if page, ok := graphed[T](ctx, c, kind, under); ok {
		return each(page)
	}
	return pages(ctx, pager, each)
}

// graphed is the page that a service's list would be, made of Resource Graph's rows; false if those are not to be relied on.
func graphed[T any](ctx context.Context, c *client, kind, under string) (T, bool) {
	var page T
	rows := c.resourceGraph.of(ctx, kind)
	if len(rows) == 0 {
		return page, false
	}
	list := []row{}
	for _, r := range rows {
		if under == "" || strings.HasPrefix(r.text("id"), under+"/") {
			list = append(list, r)
		}
	}
	body, err := json.Marshal(map[string]any{"value": list})
	if err == nil {
		err = json.Unmarshal(body, &page)
	}
	return page, err == nil
}

// member reads one property of a resource into out: from Resource Graph where that has it, else as a version of the API tells it.
func (c *client) member(ctx context.Context, id, version, name string, out any) error {
	value, known := c.resourceGraph.property(ctx, id, name)
	if !known {
		all := map[string]any{}
		if err := c.properties(ctx, id, version, &all); err != nil {
			return err
		}
		value = all[name]
	}
	raw, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", name, id, err)
	}
	return nil
}

func (g *resourceGraph) property(ctx context.Context, id, name string) (any, bool) {
	if g == nil {
		return nil, false
	}
	g.read(ctx)
	value := g.byID[strings.ToLower(id)].properties()[name]
	return value, value != nil
}

// of returns the resources of a type; none if they are not known.
func (g *resourceGraph) of(ctx context.Context, kind string) []row {
	if g == nil {
		return nil
	}
	g.read(ctx)
	return g.kinds[kind]
}

// list is Resource Manager's own list, read once for all who need it.
func (g *resourceGraph) list(ctx context.Context) ([]*armresources.GenericResourceExpanded, error) {
	g.listOnce.Do(func() { g.listed, g.listErr = g.client.listAll(ctx) })
	return g.listed, g.listErr
}

// read asks, the first time. Who may not list providers has no role on the whole subscription, and would see a part of it in
// either list without being told.
func (g *resourceGraph) read(ctx context.Context) {
	g.once.Do(func() {
		if g.client.providers.err != nil {
			return
		}
		rows, err := g.client.query(ctx, slices.Sorted(maps.Keys(projected)), "id, name, type, kind, location, tags, sku, zones, managedBy, properties")
		if err != nil {
			return
		}
		listed, err := g.list(ctx)
		if err != nil {
			return
		}
		g.kinds, g.byID = agreed(rows, listed), map[string]row{}
		for _, rows := range g.kinds {
			for _, r := range rows {
				g.byID[r.text("id")] = r
			}
		}
	})
}

// query asks Resource Graph for every row of these types; that is an error unless all of them came.
func (c *client) query(ctx context.Context, kinds []string, columns string) ([]row, error) {
	api, err := armresourcegraph.NewClient(c.credential, c.options)
	if err != nil {
		return nil, err
	}
	request := armresourcegraph.QueryRequest{
		Query:         to.Ptr("resources | where type in~ ('" + strings.Join(kinds, "', '") + "') | project " + columns + " | order by id asc"),
		Subscriptions: []*string{&c.subscription},
		Options:       &armresourcegraph.QueryRequestOptions{ResultFormat: to.Ptr(armresourcegraph.ResultFormatObjectArray), Top: to.Ptr[int32](graphRows)},
	}
	var out []row
	for {
		answer, err := api.Resources(ctx, request, nil)
		if err != nil {
			return nil, fmt.Errorf("query Resource Graph: %w", err)
		}
		page, ok := answer.Data.([]any)
		if !ok {
			return nil, fmt.Errorf("query Resource Graph: rows are %T", answer.Data)
		}
		for _, one := range page {
			r, _ := one.(map[string]any)
			out = append(out, r)
		}
		if request.Options.SkipToken = answer.SkipToken; text(answer.SkipToken) != "" {
			continue
		}
		if text(answer.ResultTruncated) != string(armresourcegraph.ResultTruncatedFalse) || value(answer.TotalRecords) != int64(len(out)) {
			return nil, errors.New("query Resource Graph: the answer is cut off")
		}
		return out, nil
	}
}

// agreed are the rows, by type, of the types of which Resource Manager lists the same resources and that have what they need.
func agreed(rows []row, listed []*armresources.GenericResourceExpanded) map[string][]row {
	want := map[string]map[string]bool{} // ids by type
	for _, r := range listed {
		kind := strings.ToLower(text(r.Type))
		if want[kind] == nil {
			want[kind] = map[string]bool{}
		}
		want[kind][idOf(r.ID)] = true
	}
	out := map[string][]row{}
	for _, r := range rows {
		out[r.text("type")] = append(out[r.text("type")], r)
	}
	maps.DeleteFunc(out, func(kind string, rows []row) bool {
		missing := maps.Clone(want[kind])
		for _, r := range rows {
			if !missing[r.text("id")] || !holds(r.properties(), projected[kind]) {
				return true // one too many, or twice, or only half a resource
			}
			delete(missing, r.text("id"))
		}
		return len(missing) > 0
	})
	return out
}

func holds(properties map[string]any, names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return properties[name] == nil })
}
