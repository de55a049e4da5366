package subscription

import (
	"path"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// genericService is Resource Manager's own list of what there is, and its answer about one thing by id.
var genericService = service{handle: handleGeneric}

// described is a resource as Resource Manager lists it. Properties are what it says when asked for the resource by id; nil when
// no reader asks.
type described struct {
	ID, Type, Kind, Location string
	Tags                     map[string]*string
	Properties               map[string]any
}

// describedBy are the resources of each service that is asked for them.
func describedBy() []func(*world.State) []described {
	return []func(*world.State) []described{
		frontDoorResources,
		networkResources,
		registryResources,
		serviceBusResources,
		siteResources,
		sqlAssessments,
		inventoryResources,
	}
}

// everything is each resource once: what a service says of its own goes before the inventory.
func everything(s *world.State) []described {
	var out []described
	seen := map[string]bool{}
	for _, of := range describedBy() {
		for _, d := range of(s) {
			if id := strings.ToLower(d.ID); !seen[id] {
				seen[id] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// everything is kept with the state that a scan asks for again and again.
func (w *states) everything(s *world.State) []described {
	w.mu.Lock()
	list, known := w.listed[s]
	w.mu.Unlock()
	if known {
		return list
	}
	list = everything(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listed == nil || len(w.listed) >= cachedStates {
		w.listed = map[*world.State][]described{}
	}
	w.listed[s] = list
	return list
}

func handleGeneric(s *azure.Server, w *states) {
	azure.List(s, "armresources.Client.NewListPager", func(c azure.Call) (*armresources.ResourceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armresources.ResourceListResult{}
		for _, d := range w.everything(state) {
			if filter := c.Query.Get("$filter"); filter == "" || strings.EqualFold(filter, "resourceType eq '"+d.Type+"'") {
				out.Value = append(out.Value, &armresources.GenericResourceExpanded{
					ID: &d.ID, Name: to.Ptr(path.Base(d.ID)), Type: &d.Type, Kind: &d.Kind, Location: &d.Location, Tags: d.Tags,
				})
			}
		}
		return out, nil
	})
	azure.Handle(s, "armresources.Client.GetByID", func(c azure.Call) (*armresources.GenericResource, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, d := range w.everything(state) {
			if strings.EqualFold(d.ID, c.Path) && d.Properties != nil {
				return &armresources.GenericResource{ID: &d.ID, Name: to.Ptr(path.Base(d.ID)), Type: &d.Type, Location: &d.Location, Tags: d.Tags, Properties: d.Properties}, nil
			}
		}
		return nil, azure.NotFound(c.Path)
	})
}
