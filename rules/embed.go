// Package rules holds the rule files, <cloud>/<service>/<name>.yaml, and soc2.yaml: the controls they bear witness to.
package rules

import (
	"embed"
	"slices"

	aws "github.com/plumbline-dev/plumbline/collectors/aws/schema"
	azure "github.com/plumbline-dev/plumbline/collectors/azure/schema"
	gcp "github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

// FS holds the files of this folder.
//
//go:embed soc2.yaml aws azure gcp
var FS embed.FS

// Types lists the resource types of every cloud.
func Types() []*posture.Type { return slices.Concat(aws.Types(), azure.Types(), gcp.Types()) }

// Load reads and compiles every rule.
func Load() (*rule.Set, error) { return rule.Load(FS, Types()) }
