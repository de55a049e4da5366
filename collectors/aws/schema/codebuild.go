package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// BuildProject is one CodeBuild project. Values of its environment are looked at and forgotten.
// Source: ListProjects, BatchGetProjects.
//
//posture:type aws.codebuild.project
type BuildProject struct {
	posture.Meta
	SourceType     string          `json:"source_type"`
	SourceAuthType string          `json:"source_auth_type"` // "": the project names no credential of its own
	Visibility     string          `json:"visibility"`
	PrivilegedMode bool            `json:"privileged_mode"`
	Env            []BuildVariable `json:"env"`
	Logs           BuildLogs       `json:"logs"`
	Artifacts      []BuildArtifact `json:"artifacts"`      // the primary one first
	EncryptionKey  string          `json:"encryption_key"` // "": the account's S3 key of AWS
	// PlaintextCredentialNames are variables kept in clear whose names promise a credential.
	PlaintextCredentialNames []string `json:"plaintext_credential_names"`
	// SourceURLHasCredentials: the URL of a source carries a password or a token.
	SourceURLHasCredentials bool `json:"source_url_has_credentials"`

	// SourceCredentialType is how the region's stored credential for this kind of source authenticates; "": there is none.
	SourceCredentialType string `json:"source_credential_type" derived:"true"`
}

// BuildVariable is one environment variable of a project, without its value.
type BuildVariable struct {
	Name string `json:"name" key:"true"`
	Type string `json:"type"` // PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER
}

// BuildLogs is where a project's builds log to.
type BuildLogs struct {
	CloudWatchStatus     string `json:"cloudwatch_status"` // ENABLED where nothing is said
	S3Status             string `json:"s3_status"`
	S3EncryptionDisabled bool   `json:"s3_encryption_disabled"`
}

// BuildArtifact is one place that a project's builds write to.
type BuildArtifact struct {
	ID                 string `json:"id" key:"true"` // "" for the primary one
	Type               string `json:"type"`
	EncryptionDisabled bool   `json:"encryption_disabled"`
}

// SourceCredential is one credential for source code that a region's projects share.
// Source: ListSourceCredentials.
//
//posture:type aws.codebuild.source_credential
type SourceCredential struct {
	posture.Meta
	AuthType   string `json:"auth_type"`
	ServerType string `json:"server_type"`
}
