package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Function is one Cloud Run function of either generation, never the values of its environment; its id is its full name, its
// region the location.
// Source: cloudfunctions projects.locations.functions.list, projects.locations.functions.getIamPolicy,
// projects.locations.runtimes.list.
//
//posture:type gcp.functions.function
type Function struct {
	posture.Meta
	Location                string                 `json:"location"`
	Generation              string                 `json:"generation"` // GEN_1, GEN_2
	State                   string                 `json:"state"`
	Runtime                 string                 `json:"runtime"` // "nodejs22"
	RuntimeDeprecationDate  posture.Opt[time.Time] `json:"runtime_deprecation_date"`
	RuntimeDecommissionDate posture.Opt[time.Time] `json:"runtime_decommission_date"` // absent, like the other: not announced
	HTTPTrigger             bool                   `json:"http_trigger"`              // no event calls it
	Ingress                 string                 `json:"ingress"`                   // ALLOW_ALL, ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB
	SecurityLevel           string                 `json:"security_level"`            // SECURE_ALWAYS, SECURE_OPTIONAL: of GEN_1 with an HTTP trigger
	VPCConnector            string                 `json:"vpc_connector"`
	ServiceAccount          string                 `json:"service_account"`
	ServiceAccountIsDefault bool                   `json:"service_account_is_default"` // App Engine's or Compute Engine's
	EnvSuspectNames         []string               `json:"env_suspect_names"`          // of plain variables, at build or run, that look like secrets
	SecretEnvCount          int                    `json:"secret_env_count"`           // variables that Secret Manager fills
	KMSKeyName              string                 `json:"kms_key_name"`               // "": a key of Google's
	OwnIAM                  Grants                 `json:"own_iam"`                    // set on the function
	RunService              string                 `json:"run_service"`                // full name of the Cloud Run service of GEN_2; "" for GEN_1

	IAM Grants `json:"iam" derived:"true"` // set on the function and on its service
}
