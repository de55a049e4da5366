package subscription

import (
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// inventoryService adds resources of which nothing is read but that they exist, and what they log.
var inventoryService = service{
	providers: []string{"Microsoft.Batch", "Microsoft.Devices", "Microsoft.Logic", "Microsoft.StreamAnalytics"},
	kinds: []world.Kind{
		{Name: "azure.resource", Sort: inSubscription, Global: true, Count: 6, Defects: []world.Defect{{Name: "unsupported", Share: 0.25}}},
		{
			Name: "azure.iothub", Sort: inSubscription, Global: true, Count: 2, Defects: []world.Defect{{Name: "unwatched", Share: 0.2, Drift: 0.3}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				unwatched := false
				for _, hub := range s.Items("azure.iothub") {
					unwatched = unwatched || hub.Has("unwatched") || s.Find("azure.security.iot", posture.Global, 0).Has("off")
				}
				return map[world.Judged]posture.Result{
					{Rule: "azure-security-iot-hub-defender-enabled", Resource: subscriptionKey(s)}: unless(len(s.Items("azure.iothub")) == 0, failIf(unwatched)),
				}
			},
		},
	},
	handle: func(*azure.Server, *states) {}, // Resource Manager lists them
}

func otherID(it *world.Item) string {
	kind := []string{"Microsoft.Batch/batchAccounts", "Microsoft.Logic/workflows", "Microsoft.StreamAnalytics/streamingJobs"}[it.Index%3]
	return idOf(it, kind, "x"+strings.ReplaceAll(it.Name(), "-", ""))
}

func iotHubID(it *world.Item) string {
	return idOf(it, "Microsoft.Devices/IotHubs", "iot-"+it.Name())
}

// inventoryResources are the resources of every service here that stand alone, and those of which nothing else is read.
func inventoryResources(s *world.State) []described {
	var out []described
	add := func(it *world.Item, id, kind string) {
		out = append(out, described{ID: id, Type: typeOfID(id), Kind: kind, Location: it.Account.Home()})
	}
	for _, it := range s.Items("azure.resource") {
		add(it, otherID(it), "")
	}
	for _, it := range s.Items("azure.iothub") {
		add(it, iotHubID(it), "")
	}
	capitals := strings.NewReplacer("/resourcegroups/", "/resourceGroups/", "/microsoft.", "/Microsoft.")
	for _, kind := range s.World.Kinds {
		if kind.Expect == nil || kind.Sort != inSubscription {
			continue
		}
		for _, it := range s.Items(kind.Name) {
			key, _ := kind.Expect(s, it)
			id := capitals.Replace(key.ID)
			if strings.Count(typeOfID(id), "/") == 1 {
				add(it, id, armKind(it))
			}
		}
	}
	return out
}

// typeOfID is "Microsoft.Sql/servers/databases" of a resource's id, "" of what is in no resource group.
func typeOfID(id string) string {
	_, rest, ok := strings.Cut(id, "/providers/")
	if !ok || !strings.Contains(id, "/resourceGroups/") {
		return ""
	}
	parts := strings.Split(rest, "/")
	kind := parts[0]
	for i := 1; i < len(parts); i += 2 {
		kind += "/" + parts[i]
	}
	return kind
}

// armKind is the kind that Resource Manager shows of a resource, for types that have kinds.
func armKind(it *world.Item) string {
	switch site, storage := it.Kind == "azure.site", it.Kind == "azure.storage"; {
	case site && it.Has("function"):
		return "functionapp,linux"
	case site:
		return "app,linux"
	case storage && it.Has("files"):
		return "FileStorage"
	case storage && it.Has("blocks"):
		return "BlockBlobStorage"
	case storage:
		return "StorageV2"
	}
	return ""
}
