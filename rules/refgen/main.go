// Refgen writes the reference pages of the rules, one for each cloud. Run by go generate here.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/rules"
)

//go:generate go run . ../../docs/reference

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: refgen FOLDER")
		os.Exit(2)
	}
	set, err := rules.Load()
	if err != nil {
		fmt.Fprintln(os.Stderr, "refgen:", err)
		os.Exit(1)
	}
	for cloud, name := range map[string]string{"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud"} {
		if err := os.WriteFile(filepath.Join(os.Args[1], cloud+"-rules.md"), page(set, cloud, name), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "refgen:", err)
			os.Exit(1)
		}
	}
}

func page(set *rule.Set, cloud, name string) []byte {
	byType := map[string][]*rule.Program{}
	n := 0
	for _, p := range set.Active() {
		if strings.HasPrefix(p.ID, cloud+"-") {
			byType[p.Resource] = append(byType[p.Resource], p)
			n++
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by go generate ./rules/refgen; do not edit. -->\n# %s rules\n\n%d rules, by what they judge. `plumbline rules show ID` prints the condition, the reason and "+
		"the repair.\nParameters can be set under `rules.parameters`. Criteria are numbers of the SOC 2 Trust Services Criteria; a rule supports them through its control and proves none.\n", name, n)
	for _, resource := range slices.Sorted(maps.Keys(byType)) {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | says | severity | control | criteria | parameters |\n|---|---|---|---|---|---|\n", resource)
		list := byType[resource]
		slices.SortFunc(list, func(a, b *rule.Program) int { return cmp.Compare(a.ID, b.ID) })
		for _, p := range list {
			var criteria, parameters []string
			for _, l := range set.Criteria(p) {
				criteria = append(criteria, l.ID)
			}
			for _, name := range slices.Sorted(maps.Keys(p.Parameters())) {
				parameters = append(parameters, strings.ReplaceAll(fmt.Sprintf("`%s: %v`", name, p.Parameters()[name]), "|", `\|`))
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", p.ID, strings.ReplaceAll(p.Title, "|", `\|`), p.Severity, p.Control, strings.Join(criteria, ", "), strings.Join(parameters, " "))
		}
	}
	return b.Bytes()
}
