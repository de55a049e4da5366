package schema

// Site is one web app, function app or Standard logic app; deployment slots are not listed. Application settings and connection
// strings are never asked for: the call that lists them hands out secrets.
// Source: armappservice WebAppsClient.NewListPager, GetConfiguration, GetAuthSettingsV2WithoutSecrets,
// NewListBasicPublishingCredentialsPoliciesPager, NewGetPrivateEndpointConnectionListPager, PlansClient.NewListPager.
//
//posture:type azure.appservice.site
type Site struct {
	Resource
	Kind                 string   `json:"kind"`        // "app,linux", "functionapp,linux,workflowapp"
	IsFunction           bool     `json:"is_function"` // a function app or a Standard logic app
	State                string   `json:"state"`       // Running, Stopped
	HTTPSOnly            bool     `json:"https_only"`
	MinimumTLSVersion    string   `json:"minimum_tls_version"`     // "1.2"; "": not set
	SCMMinimumTLSVersion string   `json:"scm_minimum_tls_version"` // of the deployment endpoint
	FTPSState            string   `json:"ftps_state"`              // Disabled, FtpsOnly, AllAllowed; "": not set, which allows all
	HTTP20               bool     `json:"http20"`
	ClientCertEnabled    bool     `json:"client_cert_enabled"`
	ClientCertMode       string   `json:"client_cert_mode"` // Required, Optional, OptionalInteractiveUser
	AuthEnabled          bool     `json:"auth_enabled"`     // the platform signs callers in
	RemoteDebugging      bool     `json:"remote_debugging"`
	CORSAllowedOrigins   []string `json:"cors_allowed_origins"`
	IdentityType         string   `json:"identity_type"`          // "SystemAssigned, UserAssigned"; "None" or "": no identity
	IdentityPrincipalIDs []string `json:"identity_principal_ids"` // of its own identity and of those assigned to it, sorted
	// PublicNetworkAccess is Enabled or Disabled; what was never set is Disabled from the first private endpoint on.
	PublicNetworkAccess        string `json:"public_network_access"`
	IPRestrictionDefaultAction string `json:"ip_restriction_default_action"` // what becomes of callers that no narrower rule names: Allow, Deny
	IPRestrictionCount         int    `json:"ip_restriction_count"`          // rules for less than every address
	VNetSubnetID               string `json:"vnet_subnet_id"`                // where its outgoing traffic enters a network; "": nowhere
	VNetRouteAll               bool   `json:"vnet_route_all"`
	PrivateEndpointsApproved   int    `json:"private_endpoints_approved"`
	Runtime                    string `json:"runtime"`                     // dotnet, java, node, php, python, powershell, …; container for an image of one's own
	RuntimeVersion             string `json:"runtime_version"`             // "8.0", "20"
	FunctionsExtensionVersion  string `json:"functions_extension_version"` // an application setting: not read
	AppInsightsConfigured      bool   `json:"app_insights_configured"`     // an application setting: not read
	HealthCheckPath            string `json:"health_check_path"`
	SCMBasicAuth               bool   `json:"scm_basic_auth"` // a user name and password can deploy; they can when nothing is set, here and below
	FTPBasicAuth               bool   `json:"ftp_basic_auth"`
	PlanSKU                    string `json:"plan_sku"`  // "P1v3", "Y1"
	PlanTier                   string `json:"plan_tier"` // Free, Shared, Basic, Standard, PremiumV3, Dynamic, ElasticPremium, …
	PlanZoneRedundant          bool   `json:"plan_zone_redundant"`
	InstanceCount              int    `json:"instance_count"` // of the plan; 0 where instances come with the load

	// The strongest built-in roles that its identities hold, anywhere they are known of.
	IdentityAdminRoles []string `json:"identity_admin_roles" derived:"true"`
}
