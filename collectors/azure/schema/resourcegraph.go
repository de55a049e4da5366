package schema

// InventoryItem is one resource of any type, as Resource Manager lists them all: what exists, whether or not anything else is
// read of it.
// Source: armresources Client.NewListPager.
//
//posture:type azure.resourcegraph.inventory_item
type InventoryItem struct {
	Resource
	Type           string `json:"type"` // lower case: "microsoft.devices/iothubs"
	SubscriptionID string `json:"subscription_id"`
	Kind           string `json:"kind"`

	InIoTSolution bool `json:"in_iot_solution" derived:"true"` // an IoT hub that an enabled security solution watches
}
