// Refgen writes the reference page of one cloud's resource types from their descriptions. Run by go generate in the schema
// packages.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	aws "github.com/plumbline-dev/plumbline/collectors/aws/schema"
	azure "github.com/plumbline-dev/plumbline/collectors/azure/schema"
	gcp "github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// clouds are the pages that can be written, by the name of the cloud.
var clouds = map[string]struct {
	title string
	types func() []*posture.Type
}{
	"aws":   {"AWS", aws.Types},
	"azure": {"Azure", azure.Types},
	"gcp":   {"Google Cloud", gcp.Types},
}

func main() {
	if len(os.Args) != 2 || clouds[os.Args[1]].types == nil {
		fmt.Fprintln(os.Stderr, "usage: refgen aws|azure|gcp")
		os.Exit(2)
	}
	name := os.Args[1]
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by go generate ./collectors/%s/schema; do not edit. -->\n# %s resource types\n\n"+
		"The attributes that rules see as `resource.NAME`. Every resource also has `id`, `region` and `account_id`. A type ending in `?` may be\n"+
		"absent (`null` in rules); *derived* attributes are computed from other resources; *volatile* ones move by themselves and are no drift.\n", name, clouds[name].title)
	for _, t := range clouds[name].types() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| attribute | type | |\n|---|---|---|\n", t.Name, strings.ReplaceAll(t.Doc, "\n", " "))
		rows(&b, &t.Struct, "")
	}
	if err := os.WriteFile("../../../docs/reference/"+name+"-resources.md", b.Bytes(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "refgen:", err)
		os.Exit(1)
	}
}

// rows writes a line for each attribute; members of objects and of list elements stand below with their path.
func rows(b *bytes.Buffer, s *posture.Struct, prefix string) {
	kinds := map[posture.Kind]string{
		posture.Bool: "bool", posture.String: "string", posture.Int: "int", posture.Time: "timestamp", posture.Strings: "list of strings",
		posture.StringMap: "map of strings", posture.Object: "object", posture.Objects: "list of objects",
	}
	for _, f := range s.Fields {
		kind := kinds[f.Kind]
		if f.Optional {
			kind += "?"
		}
		var notes []string
		if f.Derived {
			notes = append(notes, "*derived*")
		}
		if f.Volatile {
			notes = append(notes, "*volatile*")
		}
		if f.Doc != "" {
			notes = append(notes, strings.ReplaceAll(f.Doc, "|", "\\|"))
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, f.Name, kind, strings.Join(notes, "; "))
		switch f.Kind {
		case posture.Object:
			rows(b, f.Of, prefix+f.Name+".")
		case posture.Objects:
			rows(b, f.Of, prefix+f.Name+"[].")
		}
	}
}
