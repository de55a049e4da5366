package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// DirectoryUser is one account of the organization's directory (Workspace or Cloud Identity); its id is Google's number for
// it, its name the address. The directory is no matter of IAM: whoever scans needs a role of its own there.
// Source: directory users.list.
//
//posture:type gcp.directory.user
type DirectoryUser struct {
	posture.Meta
	PrimaryEmail     string                 `json:"primary_email"`
	IsSuperAdmin     bool                   `json:"is_super_admin"`
	IsDelegatedAdmin bool                   `json:"is_delegated_admin"`
	EnrolledIn2SV    bool                   `json:"enrolled_in_2sv"` // has set up two-step verification
	EnforcedIn2SV    bool                   `json:"enforced_in_2sv"` // cannot sign in without it
	Suspended        bool                   `json:"suspended"`
	Archived         bool                   `json:"archived"`
	LastLogin        posture.Opt[time.Time] `json:"last_login" volatile:"true"` // absent: never
}
