package trial

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Needs refuses, for each rule, every call but those that open a scan and those whose permissions the file at path says the rule
// needs: its verdicts must be those of a scan that may read everything. With -update it writes the file; what a rule needs are
// then the permissions that its unknown verdicts ask for, until none is left.
func Needs(t *testing.T, c *Cloud, account world.Account, tick int, path string) {
	clean := Index(c.faulty(t, account, tick).Sealed)
	c.At(tick)
	needs := map[string][]string{}
	if !*update {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; go test -run TestNeeds -update writes it", err)
		}
		if err := json.Unmarshal(data, &needs); err != nil {
			t.Fatal(err)
		}
	}
	judged := map[string]bool{}
	for _, program := range c.Judge.Programs {
		for {
			var asked []string
			for resource, v := range c.only(t, account, program, needs[program.ID]) {
				before, known := clean[resource]
				judged[program.ID] = true
				if known && v.Result == before.Result {
					continue
				}
				if !*update {
					t.Errorf("with only what %s is said to need, it says %s on %v, not %s: %s %v", program.ID, v.Result, v.Resource, before.Result, v.Reason, v.Unread)
				}
				for _, u := range v.Unread {
					asked = append(asked, strings.Split(u.Permission, ", ")...)
				}
			}
			asked = slices.DeleteFunc(asked, func(p string) bool { return p == "" || slices.Contains(needs[program.ID], p) })
			if len(asked) == 0 || !*update {
				break
			}
			slices.Sort(asked)
			needs[program.ID] = append(needs[program.ID], slices.Compact(asked)...)
		}
		needs[program.ID] = append([]string{}, needs[program.ID]...)
		slices.Sort(needs[program.ID])
		if !judged[program.ID] {
			t.Errorf("%s judges nothing in %s", program.ID, account.ID)
		}
	}
	if !*update {
		for id := range needs {
			if !judged[id] {
				t.Errorf("%s speaks of %s, which is no rule", path, id)
			}
		}
		return
	}
	data, err := json.MarshalIndent(needs, "", "\t")
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// only judges an account by one rule, with only some permissions beside those that open a scan.
func (c *Cloud) only(t *testing.T, account world.Account, program *rule.Program, permissions []string) map[scan.Judged]posture.Verdict {
	var refused []fault.Rule
	for _, op := range c.Operations {
		granted := func(p string) bool { return slices.Contains(permissions, p) }
		if slices.ContainsFunc(c.Opening, func(first string) bool { return strings.EqualFold(first, op.Name) }) ||
			!slices.ContainsFunc(op.Permissions(), func(p string) bool { return !granted(p) }) {
			continue
		}
		service, operation, _ := strings.Cut(op.Name, ".")
		refused = append(refused, fault.Rule{Call: fault.Call{Service: strings.ToLower(service), Operation: operation}, Kind: fault.Denied})
	}
	one := *c
	one.Judge.Programs = []*rule.Program{program}
	return Index(one.without(t, account, refused))
}
