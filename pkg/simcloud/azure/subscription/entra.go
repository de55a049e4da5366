package subscription

import (
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var entraService = service{
	kinds:  []world.Kind{{Name: "azure.tenant", Sort: inTenant, Global: true, Count: 1, Fixed: true}},
	handle: handleEntra,
}

// object is an answer of Microsoft Graph, which has no structs of its own here.
type object = map[string]any

func handleEntra(s *azure.Server, w *states) {
	azure.Handle(s, "graph.organization", func(c azure.Call) (*object, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return &object{"value": []object{{"id": strings.TrimPrefix(state.Account.ID, "tenants/"), "displayName": "Acme", "tenantType": "AAD"}}}, nil
	})
}
