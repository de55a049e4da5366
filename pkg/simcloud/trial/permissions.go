package trial

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var update = flag.Bool("update", false, "write the reference page of permissions anew")

// Permissions takes away one permission after the other, and holds the rules that turn unknown against the reference page at
// path, which says of each permission what rests on it: no more and no less. With -update it writes the page.
func Permissions(t *testing.T, c *Cloud, accounts []world.Account, tick int, path, title string) {
	needs := map[string][]string{} // permission → operations
	for _, op := range c.Operations {
		for _, p := range op.Permissions() {
			if !slices.Contains(needs[p], op.Name) {
				needs[p] = append(needs[p], op.Name)
			}
		}
	}
	rest := map[string][]string{} // permission → rules
	var opening []string
	for _, permission := range slices.Sorted(maps.Keys(needs)) {
		if slices.ContainsFunc(needs[permission], func(op string) bool {
			return slices.ContainsFunc(c.Opening, func(first string) bool { return strings.EqualFold(first, op) })
		}) {
			opening = append(opening, permission)
			continue
		}
		var rules []fault.Rule
		for _, op := range needs[permission] {
			service, operation, _ := strings.Cut(op, ".")
			rules = append(rules, fault.Rule{Call: fault.Call{Service: strings.ToLower(service), Operation: operation}, Kind: fault.Denied})
		}
		lost := map[string]bool{}
		for _, account := range accounts {
			f := c.faulty(t, account, tick)
			sealing := c.without(t, account, rules)
			clean := Index(f.Sealed)
			for judged, v := range Index(sealing) {
				if v.Result == posture.Unknown && clean[judged].Result != posture.Unknown {
					lost[v.RuleID] = true
					if !slices.ContainsFunc(v.Unread, func(u posture.Unread) bool { return slices.Contains(strings.Split(u.Permission, ", "), permission) }) {
						t.Errorf("without %s: %s on %v does not name it", permission, v.RuleID, v.Resource)
					}
				}
			}
		}
		rest[permission] = slices.Sorted(maps.Keys(lost))
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by go test -run TestPermissions -update; do not edit. -->\n# %s permissions\n\n"+
		"What a scan loses when one permission is missing: the rules here turn *unknown* and name the permission; all others keep their\nverdicts.\n", title)
	fmt.Fprintf(&b, "\nWithout these nothing can be read: %s.\n", "`"+strings.Join(opening, "`, `")+"`")
	fmt.Fprint(&b, "\n| permission | calls | rules that rest on it |\n|---|---|---|\n")
	for _, permission := range slices.Sorted(maps.Keys(rest)) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", permission, strings.Join(needs[permission], ", "), strings.Join(rest[permission], ", "))
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -run TestPermissions -update writes it", err)
	}
	wanted, got := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	for _, line := range got {
		if !slices.Contains(wanted, line) {
			t.Errorf("%s does not say: %s", path, line)
		}
	}
	for _, line := range wanted {
		if !slices.Contains(got, line) {
			t.Errorf("%s is wrong: %s", path, line)
		}
	}
	t.Logf("%d permissions taken away, %d more are needed to begin", len(rest), len(opening))
}

// without is the snapshot of an account when some calls are refused, in its ancestors' scans as in its own.
func (c *Cloud) without(t testing.TB, account world.Account, refused []fault.Rule) posture.Sealing {
	t.Helper()
	injector := &fault.Injector{Rules: refused}
	collected, err := c.Read(t, account, fault.InMemory(injector.Wrap(c.Server)))
	if err != nil {
		t.Fatalf("%s does not open: %v", account.ID, err)
	}
	c.pin(t, &collected, func(t testing.TB, above world.Account) posture.Sealing {
		sealing := c.without(t, above, refused)
		sealing.Snapshot.Seq = 1
		return sealing
	})
	sealing, _, err := c.Judge.Judge(collected, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	return sealing
}

// faulty returns the clean scan of an account at a tick, made once.
func (c *Cloud) faulty(t *testing.T, account world.Account, tick int) *Faulty {
	key := account.ID + fmt.Sprint(tick)
	if c.scans == nil {
		c.scans = map[string]*Faulty{}
	}
	if c.scans[key] == nil {
		c.scans[key] = NewFaulty(t, c, account, tick)
	}
	return c.scans[key]
}
