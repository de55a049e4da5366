package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// version is the SHA-256, in hex, over what decides the rule's verdicts. Titles, texts, examples and comments do not.
func (p *Program) version(types *provider) (string, error) {
	fields := make(map[string]string, len(p.Fields))
	for _, f := range p.Fields {
		dot := strings.LastIndexByte(f, '.')
		if t, ok := types.FindStructFieldType(f[:dot], f[dot+1:]); ok {
			fields[f] = t.Type.String()
		}
	}
	canonical, err := json.Marshal(struct { // maps are written in the order of their keys
		ID, Resource, AppliesWhen, PassesWhen string
		Inputs                                []string
		Params                                map[string]any
		Fields                                map[string]string
		Also                                  []string `json:",omitempty"`
	}{p.ID, p.Resource, p.applies.text(), p.passes.text(), p.Inputs, p.params, fields, p.Also})
	if err != nil {
		return "", p.errorf("params", "%v", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// MemoKey is equal for two evaluations within one account that must give the same verdict: the rule's version, the resource,
// its content hash (zero for a whole account), the digest of the inputs (zero for a rule without), and the day where the rule
// counts days.
func (p *Program) MemoKey(key posture.Key, content, inputs [32]byte, collected time.Time) [32]byte {
	counted := int64(-1)
	if p.countsDays {
		counted = day(collected)
	}
	return sha256.Sum256(fmt.Appendf(nil, "%s %q %q %q %x %x %d", p.Version, key.Type, key.Region, key.ID, content, inputs, counted))
}
