// Package azure computes the derived attributes of Azure resources, one file per service. It runs for subscriptions and for
// tenants; steps whose types are not there do nothing.
package azure

import "github.com/plumbline-dev/plumbline/pkg/derive"

// Derive fills every derived attribute, in an order in which each finds those it builds on.
func Derive(inv *derive.Inventory) {
	for _, step := range []func(*derive.Inventory){} {
		step(inv)
	}
}
