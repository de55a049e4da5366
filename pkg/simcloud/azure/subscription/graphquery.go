package subscription

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resourcegraph/armresourcegraph"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

const resourceQuery = "armresourcegraph.Client.Resources"

// graphQueryService is Resource Graph. It shows what the services' own lists show, in its own way of writing, and less of each.
var graphQueryService = service{handle: func(s *azure.Server, w *states) {
	azure.Query(s, resourceQuery, func(c azure.Call) (*armresourcegraph.QueryResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		kinds, columns, err := parseQuery(c)
		if err != nil {
			return nil, err
		}
		rows := []map[string]any{}
		for _, kind := range kinds {
			of, err := w.rowsOf(s, state, kind)
			if err != nil {
				return nil, err
			}
			for _, r := range of {
				rows = append(rows, shape(r, columns))
			}
		}
		slices.SortFunc(rows, func(a, b map[string]any) int { return cmp.Compare(a["id"].(string), b["id"].(string)) })
		return &armresourcegraph.QueryResponse{
			Data: rows, TotalRecords: to.Ptr(int64(len(rows))), ResultTruncated: to.Ptr(armresourcegraph.ResultTruncatedFalse),
		}, nil
	})
}}

// understood is the one form of query that this Resource Graph knows: types in quotes, and columns.
var understood = regexp.MustCompile(`^resources \| where type in~ \(([^)]*)\) \| project (id, [\w, ]+) \| order by id asc$`)

func parseQuery(c azure.Call) (kinds, columns []string, err error) {
	var request armresourcegraph.QueryRequest
	if err := json.Unmarshal(c.Body, &request); err != nil || request.Query == nil || request.Options == nil ||
		request.Options.ResultFormat == nil || *request.Options.ResultFormat != armresourcegraph.ResultFormatObjectArray {
		return nil, nil, &azure.Error{Status: http.StatusBadRequest, Code: "BadRequest", Message: "The body is no query for rows as objects."}
	}
	parts := understood.FindStringSubmatch(*request.Query)
	if parts == nil {
		return nil, nil, &azure.Error{Status: http.StatusBadRequest, Code: "InvalidQuery", Message: "The query " + *request.Query + " is not understood."}
	}
	for _, quoted := range strings.Split(parts[1], ", ") {
		kinds = append(kinds, strings.ToLower(strings.Trim(quoted, "'")))
	}
	return kinds, strings.Split(parts[2], ", "), nil
}

// queriedSubscription is the subscription that a query is about.
func queriedSubscription(c azure.Call) string {
	var request armresourcegraph.QueryRequest
	if json.Unmarshal(c.Body, &request) != nil || len(request.Subscriptions) != 1 {
		return ""
	}
	return strings.ToLower(*request.Subscriptions[0])
}

// told are settings that newer versions of the services tell even where nobody made them.
var told = map[string]map[string]any{
	"microsoft.cache/redis":                    {"minimumTlsVersion": "1.0", "publicNetworkAccess": "Enabled"},
	"microsoft.compute/disks":                  {"encryption": ownKeys, "networkAccessPolicy": "AllowAll", "publicNetworkAccess": "Enabled"},
	"microsoft.compute/snapshots":              {"encryption": ownKeys, "networkAccessPolicy": "AllowAll", "publicNetworkAccess": "Enabled"},
	"microsoft.eventhub/namespaces":            {"minimumTlsVersion": "1.0", "publicNetworkAccess": "Enabled"},
	"microsoft.network/firewallpolicies":       {"threatIntelMode": "Alert"},
	"microsoft.operationalinsights/workspaces": {"publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled", "retentionInDays": 30},
	"microsoft.search/searchservices":          {"encryptionWithCmk": map[string]any{"enforcement": "Unspecified"}, "publicNetworkAccess": "enabled"},
}

var ownKeys = map[string]any{"type": "EncryptionAtRestWithPlatformKey"}

// rowsOf asks a type's own service: for the subscription, for the resource group, or for each thing that it is part of. Of types
// that nobody lists it has what Resource Manager describes. It goes by newer versions of the services than some clients do.
func (w *states) rowsOf(s *azure.Server, state *world.State, kind string) ([]map[string]any, error) {
	described := map[string]map[string]any{}
	var unlisted []map[string]any
	for _, d := range w.everything(state) {
		if strings.EqualFold(d.Type, kind) && d.Properties != nil {
			described[strings.ToLower(d.ID)] = d.Properties
			unlisted = append(unlisted, map[string]any{"id": d.ID, "name": path.Base(d.ID), "location": d.Location, "properties": d.Properties})
		}
	}
	subscription := "/subscriptions/" + state.Account.ID
	lists := []string{subscription + "/providers/" + kind, subscription + "/resourceGroups/" + group + "/providers/" + kind}
	if strings.Count(kind, "/") > 1 {
		lists = nil
		owners, err := w.rowsOf(s, state, path.Dir(kind))
		if err != nil {
			return nil, err
		}
		for _, o := range owners {
			lists = append(lists, o["id"].(string)+"/"+path.Base(kind))
		}
	}
	var out []map[string]any
	listed := false
	for _, list := range lists {
		var answer struct {
			Value []map[string]any `json:"value"`
		}
		var refused *azure.Error
		err := s.Ask(list, &answer)
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out, listed = append(out, answer.Value...), true
	}
	if !listed {
		out = unlisted
	}
	for _, r := range out {
		r["type"] = kind
		if p, ok := r["properties"].(map[string]any); ok {
			for _, more := range []map[string]any{described[strings.ToLower(r["id"].(string))], told[kind]} {
				for name, value := range more {
					if _, has := p[name]; !has {
						p[name] = value
					}
				}
			}
		}
	}
	return out, nil
}

// shape is a row with the columns that were asked for: where a resource has nothing to say, text is empty and everything else null.
func shape(r map[string]any, columns []string) map[string]any {
	out := map[string]any{"kind": "", "managedBy": ""}
	maps.DeleteFunc(out, func(name string, _ any) bool { return !slices.Contains(columns, name) })
	for _, name := range columns {
		if value, has := r[name]; has || out[name] == nil {
			out[name] = value
		}
	}
	if place, ok := out["location"].(string); ok {
		out["location"] = strings.ToLower(strings.ReplaceAll(place, " ", ""))
	}
	return out
}
