package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Secret is one secret of Secret Manager, never its value; its id is "projects/4711/secrets/" and the name. Regional secrets,
// which only their region's own endpoint lists, are not among them.
// Source: secretmanager projects.secrets.list, projects.secrets.getIamPolicy.
//
//posture:type gcp.secretmanager.secret
type Secret struct {
	posture.Meta
	RotationSeconds  int64                  `json:"rotation_seconds"` // 0: no regular rotation
	NextRotationTime posture.Opt[time.Time] `json:"next_rotation_time" volatile:"true"`
	ExpireTime       posture.Opt[time.Time] `json:"expire_time"`   // absent: never
	KMSKeyNames      []string               `json:"kms_key_names"` // of all replicas; empty: keys of Google's
	IAM              Grants                 `json:"iam"`
}
