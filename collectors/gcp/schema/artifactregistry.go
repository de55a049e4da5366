package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Repository is one Artifact Registry repository; its id is its full name, its region the location.
// Source: artifactregistry projects.locations.repositories.list, projects.locations.repositories.getIamPolicy.
//
//posture:type gcp.artifactregistry.repository
type Repository struct {
	posture.Meta
	Location       string `json:"location"`        // "europe-west1", "us"
	Format         string `json:"format"`          // DOCKER, MAVEN, NPM, …
	Mode           string `json:"mode"`            // STANDARD_REPOSITORY, REMOTE_REPOSITORY, VIRTUAL_REPOSITORY
	KMSKeyName     string `json:"kms_key_name"`    // "": a key of Google's
	ScanningState  string `json:"scanning_state"`  // SCANNING_ACTIVE, SCANNING_DISABLED, SCANNING_UNSUPPORTED, "": not said
	ScanningConfig string `json:"scanning_config"` // INHERITED, DISABLED, "": not set
	ImmutableTags  bool   `json:"immutable_tags"`  // of Docker images
	IAM            Grants `json:"iam"`

	ProjectScanningEnabled bool `json:"project_scanning_enabled" derived:"true"` // the project has container scanning switched on
}
