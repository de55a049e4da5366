package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ContainerApp is one container app, with what its environment says. Of environment variables only names are kept.
// Source: armappcontainers ContainerAppsClient.NewListBySubscriptionPager, ManagedEnvironmentsClient.NewListBySubscriptionPager.
//
//posture:type azure.containerapps.app
type ContainerApp struct {
	Resource
	EnvironmentID         string            `json:"environment_id"`
	IngressExternal       posture.Opt[bool] `json:"ingress_external"` // from outside the environment; absent: no ingress
	AllowInsecure         bool              `json:"allow_insecure"`
	ClientCertificateMode string            `json:"client_certificate_mode"` // ignore when nothing is set, accept, require
	IPRestrictionCount    int               `json:"ip_restriction_count"`
	IdentityType          string            `json:"identity_type"`
	SuspectEnvNames       []string          `json:"suspect_env_names"` // variables in clear text that look like secrets
	Environment           AppEnvironment    `json:"environment"`
}

// AppEnvironment is the environment that an app runs in.
type AppEnvironment struct {
	Internal        bool   `json:"internal"` // no public address
	SubnetID        string `json:"subnet_id"`
	LogsDestination string `json:"logs_destination"` // log-analytics, azure-monitor; "": none
	ZoneRedundant   bool   `json:"zone_redundant"`
	MTLS            bool   `json:"mtls"` // between its apps
}
