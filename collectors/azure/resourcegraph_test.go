package azure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

// graphOf is a subscription whose Resource Graph, Resource Manager and services answer as scripted.
func graphOf(answers map[string]string) *client {
	settings := policy.ClientOptions{Cloud: cloud.AzurePublic, Transport: &scripted{answers: answers, asked: map[string]int{}}, Retry: policy.RetryOptions{MaxRetries: -1}}
	c := &client{credential: nobody{}, options: &arm.ClientOptions{ClientOptions: settings, DisableRPRegistration: true}, subscription: "own"}
	c.resourceGraph = &resourceGraph{client: c}
	return c
}

// answered is an answer of Resource Graph that holds rows; further says what else it says.
func answered(total int, further string, rows ...string) string {
	return fmt.Sprintf(`{"totalRecords": %d, "count": %d, %s "data": [%s]}`, total, len(rows), further, strings.Join(rows, ","))
}

func TestListsComeFromResourceGraph(t *testing.T) {
	const (
		query, list, service = "armresourcegraph.Client.Resources", "armresources.Client.NewListPager", "armcompute.DisksClient.NewListPager"
		whole                = `"resultTruncated": "false",`
		properties           = `"properties": {"diskSizeGB": 64, "diskState": "Attached", "encryption": {"type": "EncryptionAtRestWithCustomerKey"}, "timeCreated": "2026-01-02T03:04:05Z", "networkAccessPolicy": "DenyAll", "publicNetworkAccess": "Disabled"}`
		a                    = `{"id": "/subscriptions/own/resourceGroups/RG/providers/Microsoft.Compute/disks/A", "type": "microsoft.compute/disks", "name": "A", "location": "westeurope", "managedBy": "/S/VM", "tags": null, ` + properties + `}`
		b                    = `{"id": "/subscriptions/own/resourcegroups/rg/providers/microsoft.compute/disks/b", "type": "microsoft.compute/disks", "name": "b", "location": "westeurope", ` + properties + `}`
		half                 = `{"id": "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Compute/disks/b", "type": "microsoft.compute/disks", "name": "b", "properties": {"diskSizeGB": 64}}`
		bare                 = `{"id": "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Compute/disks/b", "type": "microsoft.compute/disks", "name": "b", "properties": null}`
		odd                  = `{"id": "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Compute/disks/b", "type": "microsoft.compute/disks", "name": "b", "properties": {"diskSizeGB": "64", "diskState": "Attached", "encryption": {}, "timeCreated": "then", "networkAccessPolicy": "DenyAll", "publicNetworkAccess": "Disabled"}}`
	)
	known := func(names ...string) string {
		var out []string
		for _, name := range names {
			out = append(out, `{"id": "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Compute/disks/`+name+`", "type": "Microsoft.Compute/disks"}`)
		}
		return `{"value": [` + strings.Join(out, ",") + `]}`
	}
	both := []string{"a", "b"}
	asked := []string{"asked"}
	for name, test := range map[string]struct {
		rows, known string
		refused     bool // providers could not be listed
		want        []string
	}{
		"all rows on one page":                         {answered(2, whole, a, b), known("a", "b"), false, both},
		"one page after the other":                     {answered(2, `"$skipToken": "next",`+whole, a) + "\n---\n" + answered(2, whole, b), known("a", "B"), false, both},
		"the query is refused":                         {"403 AuthorizationFailed", known("a", "b"), false, asked},
		"the query is throttled":                       {"429 RateLimiting", known("a", "b"), false, asked},
		"a page that is refused":                       {answered(2, `"$skipToken": "next",`+whole, a) + "\n---\n403 AuthorizationFailed", known("a"), false, asked},
		"rows are cut off":                             {answered(2, `"resultTruncated": "true",`, a), known("a"), false, asked},
		"all rows came, though cut off it says":        {answered(1, `"resultTruncated": "true",`, a), known("a"), false, asked},
		"nothing is said about cutting off":            {answered(2, "", a, b), known("a", "b"), false, asked},
		"fewer rows than there are":                    {answered(3, whole, a, b), known("a", "b"), false, asked},
		"rows as a table":                              {`{"totalRecords": 2, "count": 2, "resultTruncated": "false", "data": {"columns": [], "rows": []}}`, known("a", "b"), false, asked},
		"a row that is none":                           {answered(2, whole, a, `"b"`), known("a", "b"), false, asked},
		"a body that is none of Resource Graph's":      {`{"value": []}`, known("a", "b"), false, asked},
		"no row proves nothing":                        {answered(0, whole), known(), false, asked},
		"a resource that Resource Graph does not have": {answered(1, whole, a), known("a", "b"), false, asked},
		"a resource that is gone":                      {answered(2, whole, a, b), known("a"), false, asked},
		"a row twice in the place of another":          {answered(2, whole, a, a), known("a", "b"), false, asked},
		"a row that lacks properties":                  {answered(2, whole, a, half), known("a", "b"), false, asked},
		"a row without properties":                     {answered(2, whole, a, bare), known("a", "b"), false, asked},
		"properties of another shape":                  {answered(2, whole, a, odd), known("a", "b"), false, asked},
		"Resource Manager does not list":               {answered(2, whole, a, b), "403 AuthorizationFailed", false, asked},
		"nobody says what the identity may read":       {answered(2, whole, a, b), known("a", "b"), true, asked},
	} {
		t.Run(name, func(t *testing.T) {
			c := graphOf(map[string]string{query: test.rows, list: test.known, service: `{"value": [{"id": "/S/resourceGroups/rg/asked", "name": "asked"}]}`})
			if test.refused {
				c.providers.err = errors.New("refused")
			}
			for range 2 { // the second time without a query
				var got []string
				err := collectDisks(context.Background(), c, func(_ string, attributes any, _ ...collectors.Gap) {
					d := attributes.(*schema.Disk)
					got = append(got, strings.ToLower(d.Name))
					if d.Name == "A" && (d.ManagedBy != "/s/vm" || d.ResourceGroup != "rg" || d.EncryptionType != "EncryptionAtRestWithCustomerKey" || d.SizeGB != 64) {
						t.Errorf("disk is %+v", d)
					}
				})
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("disks are %v (%v), want %v", got, err, test.want)
				}
			}
			if n := c.options.Transport.(*scripted).asked[query]; n > 2 {
				t.Errorf("%d queries", n)
			}
		})
	}
}

func TestPartsComeFromResourceGraph(t *testing.T) {
	const watcher = "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Network/networkWatchers/"
	row := func(id, kind, properties string) string {
		return `{"id": "` + id + `", "type": "` + kind + `", "name": "x", "properties": ` + properties + `}`
	}
	rows, known := []string{}, []string{}
	for _, r := range [][3]string{
		{watcher + "we", "microsoft.network/networkwatchers", `{"provisioningState": "Succeeded"}`},
		{watcher + "we2", "microsoft.network/networkwatchers", `{"provisioningState": "Succeeded"}`},
		{watcher + "we2/flowLogs/one", "microsoft.network/networkwatchers/flowlogs", `{"enabled": true, "format": {"version": 2}, "storageId": "/s", "targetResourceId": "/t"}`},
	} {
		rows = append(rows, row(r[0], r[1], r[2]))
		known = append(known, row(r[0], r[1], "null"))
	}
	c := graphOf(map[string]string{
		"armresourcegraph.Client.Resources": answered(len(rows), `"resultTruncated": "false",`, rows...),
		"armresources.Client.NewListPager":  `{"value": [` + strings.Join(known, ",") + `]}`,
	})
	got := map[string]string{} // flow log → watcher
	err := collectNetworkWatchers(t.Context(), c, func(id string, attributes any, _ ...collectors.Gap) {
		if f, ok := attributes.(*schema.FlowLog); ok {
			got[id] = f.WatcherID
		}
	})
	id := strings.ToLower(watcher + "we2")
	if err != nil || len(got) != 1 || got[id+"/flowlogs/one"] != id {
		t.Errorf("flow logs and their watchers: %v (%v)", got, err)
	}
}

func TestMembersComeFromResourceGraph(t *testing.T) {
	const id = "/subscriptions/own/resourcegroups/rg/providers/microsoft.containerregistry/registries/cr"
	for name, test := range map[string]struct {
		member string // of the row
		asked  string
		want   bool
		fails  bool
	}{
		"what a row has":                {`, "anonymousPullEnabled": true`, "403 AuthorizationFailed", true, false},
		"what a row lacks is asked for": {"", `{"properties": {"anonymousPullEnabled": true}}`, true, false},
		"null is asked for":             {`, "anonymousPullEnabled": null`, `{"properties": {}}`, false, false},
		"the answer is refused":         {"", "403 AuthorizationFailed", false, true},
		"a row has something else":      {`, "anonymousPullEnabled": "yes"`, "403 AuthorizationFailed", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			row := `{"id": "` + id + `", "type": "microsoft.containerregistry/registries", "properties": {"adminUserEnabled": false, "creationDate": "2026-01-02T03:04:05Z",
				"encryption": {"status": "disabled"}, "policies": {}, "publicNetworkAccess": "Enabled", "zoneRedundancy": "Disabled"` + test.member + `}}`
			c := graphOf(map[string]string{
				"armresourcegraph.Client.Resources": answered(1, `"resultTruncated": "false",`, row),
				"armresources.Client.NewListPager":  `{"value": [{"id": "` + id + `", "type": "Microsoft.ContainerRegistry/registries"}]}`,
				"armresources.Client.GetByID":       test.asked,
			})
			found := 0
			err := collectContainerRegistries(t.Context(), c, func(_ string, attributes any, gaps ...collectors.Gap) {
				found++
				r := attributes.(*schema.ContainerRegistry)
				if r.AnonymousPull != test.want || (len(gaps) > 0) != test.fails {
					t.Errorf("anonymous pull %v, gaps %v", r.AnonymousPull, gaps)
				}
			})
			if err != nil || found != 1 {
				t.Errorf("%d registries: %v", found, err)
			}
		})
	}
}

func TestPlacesAreWrittenAlike(t *testing.T) {
	for _, written := range []string{"West Europe", "westeurope", "WestEurope"} {
		if got := resource(nil, nil, &written, nil).Location; got != "westeurope" {
			t.Errorf("%q is %q", written, got)
		}
	}
}
