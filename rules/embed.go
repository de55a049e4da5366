// Package rules holds the rule files, <cloud>/<service>/<name>.yaml, and soc2.yaml: the controls they bear witness to.
package rules

import (
	"embed"
	"encoding/json"
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

// needs holds what rules need to be judged; go test ./pkg/simcloud/aws/account -run TestNeeds -update writes it.
//
//go:embed needs
var needs embed.FS

// Needs returns the permissions that each rule of a provider rests on, by rule id. It is known for aws alone.
func Needs(provider string) (map[string][]string, error) {
	data, err := needs.ReadFile("needs/" + provider + ".json")
	if err != nil {
		return nil, err
	}
	var out map[string][]string
	return out, json.Unmarshal(data, &out)
}

// Types lists the resource types of every cloud.
func Types() []*posture.Type { return slices.Concat(aws.Types(), azure.Types(), gcp.Types()) }

// Load reads and compiles every rule.
func Load() (*rule.Set, error) { return rule.Load(FS, Types()) }
