package azure

import "github.com/plumbline-dev/plumbline/collectors"

// Fills says which operations fill each resource type.
func Fills() collectors.Fills {
	out := collectors.Fills{}
	for _, r := range append(subscriptionReaders(), tenantReaders()...) {
		out.Add(r.Reader.Fills, r.Operations)
	}
	return out
}
