// Package schema declares the Azure resource types: plain structs without any SDK.
package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

//go:generate go run github.com/plumbline-dev/plumbline/collectors/schemagen
//go:generate go run github.com/plumbline-dev/plumbline/collectors/refgen azure

// Resource is what every resource in a resource group has. Its id is the Resource Manager id in lower case: services disagree
// on case.
type Resource struct {
	posture.Meta
	ResourceGroup string `json:"resource_group"` // lower case
	Location      string `json:"location"`       // "westeurope"
}
