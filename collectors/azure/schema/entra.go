package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Tenant is one Entra directory; its id is "tenants/GUID".
// Source: Microsoft Graph organization.
//
//posture:type azure.entra.tenant
type Tenant struct {
	posture.Meta
	TenantID string `json:"tenant_id"`
}
