package schema

// Binding gives a role to members, under a condition or always.
type Binding struct {
	Role      string   `json:"role"`      // "roles/owner"
	Members   []string `json:"members"`   // "user:ada@example.com", "allUsers"
	Condition string   `json:"condition"` // CEL; "": always
}

// AuditConfig says which accesses of a service are logged, beyond those that always are.
type AuditConfig struct {
	Service         string   `json:"service"`   // "allServices" or "storage.googleapis.com"
	LogTypes        []string `json:"log_types"` // ADMIN_READ, DATA_READ, DATA_WRITE
	ExemptedMembers []string `json:"exempted_members"`
}

// IAM is the policy set on an organization, folder or project itself; it never holds what is inherited.
type IAM struct {
	Bindings     []Binding     `json:"bindings"`
	AuditConfigs []AuditConfig `json:"audit_configs"`
}

// Grants is the policy of any other resource.
type Grants struct {
	Bindings []Binding `json:"bindings"`
}
