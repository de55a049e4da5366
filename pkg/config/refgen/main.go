// Refgen writes the reference page of the settings from the comments and tags of pkg/config. Run by go generate there.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
)

const page = "../../docs/reference/configuration.md"

const intro = `<!-- Written by go generate ./pkg/config; do not edit. -->
# Settings

The service reads one YAML file; [plumbline.example.yaml](../../deploy/plumbline.example.yaml) is one that works. All settings are checked
together before anything starts: a key that does not exist, a name that refers to nothing and a value of the wrong kind are errors,
each with its line and what to write instead. ` + "`plumbline config check FILE`" + ` does only that, ` + "`plumbline config show FILE`" + ` prints what is in
effect, with secrets hidden. What stands in the file is taken as it is: ` + "`${NAME}`" + ` is not replaced.

**Environment.** Every setting is also a variable: PLUMBLINE and its keys, in capital letters, joined by ` + "`_`" + `. An element of a list is
named by the setting marked *names the element*, with ` + "`_`" + ` for all but letters and digits; where no setting is marked, by its number from 1. So the routing key of
the receiver ` + "`on-call`" + ` is PLUMBLINE_ALERTS_RECEIVERS_ON_CALL_PAGERDUTY_ROUTING_KEY. A variable wins over the file, can only add to
elements that the file has, and is an error when it fits no setting. Lists of text are separated by commas; a whole part, such as
PLUMBLINE_CONNECTIONS, is written as YAML. An empty variable counts as not set.

**Kinds.** A *duration* is written as 90s, 15m, 12h, 90d or a mix (1h30m). A *secret* NAME can be given as NAME_file, the path of a file that
holds it, relative to the folder of the settings.
`

type part struct {
	doc    string
	fields []field
}

type field struct {
	key, kind, of, doc, def string // of: the struct inside
	list, names             bool
}

func main() {
	structs, err := read("config.go")
	if err == nil {
		var b bytes.Buffer
		b.WriteString(intro)
		top := structs["Config"]
		var plain part
		for _, f := range top.fields {
			if f.of == "" {
				plain.fields = append(plain.fields, f)
			}
		}
		table(&b, structs, plain, "", "")
		for _, f := range top.fields {
			if f.of == "" {
				continue
			}
			path := f.key
			if f.list {
				path += "[]"
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", f.key, structs[f.of].doc)
			table(&b, structs, structs[f.of], path, "")
		}
		err = os.WriteFile(page, b.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refgen:", err)
		os.Exit(1)
	}
}

// table writes the plain settings of a struct, then those of the structs inside.
func table(b *bytes.Buffer, structs map[string]part, s part, path, doc string) {
	if path != "" {
		path += "."
	}
	if doc != "" {
		fmt.Fprintf(b, "\n%s\n", doc)
	}
	heading := "\n| setting | kind | default | |\n|---|---|---|---|\n"
	for _, f := range s.fields {
		if f.of != "" {
			continue
		}
		def, text := "", f.doc
		if f.def != "" {
			def = "`" + f.def + "`"
		}
		if f.names {
			text = strings.TrimPrefix(text+"; *names the element*", "; ")
		}
		fmt.Fprintf(b, "%s| `%s%s` | %s | %s | %s |\n", heading, path, f.key, f.kind, def, text)
		heading = ""
	}
	if path == "" {
		return
	}
	for _, f := range s.fields {
		if f.of != "" {
			in := path + f.key
			if f.list {
				in += "[]"
			}
			table(b, structs, structs[f.of], in, fmt.Sprintf("`%s`: %s", in, structs[f.of].doc))
		}
	}
}

// read returns the structs of a file by name.
func read(file string) (map[string]part, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	out := map[string]part{}
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		spec := g.Specs[0].(*ast.TypeSpec)
		body, ok := spec.Type.(*ast.StructType)
		if !ok {
			continue
		}
		s := part{doc: sentence(g.Doc.Text(), spec.Name.Name)}
		for _, f := range body.Fields.List {
			s.fields = append(s.fields, fieldOf(f))
		}
		out[spec.Name.Name] = s
	}
	return out, nil
}

// sentence is a comment without the name of the type that it begins with.
func sentence(doc, name string) string {
	doc = strings.Join(strings.Fields(strings.TrimPrefix(doc, name+" ")), " ")
	for _, verb := range []string{"is ", "are "} {
		doc = strings.TrimPrefix(doc, verb)
	}
	return strings.ToUpper(doc[:1]) + doc[1:]
}

var kinds = map[string]string{
	"string": "text", "int": "number", "float64": "number", "bool": "true, false", "time.Duration": "duration", "Secret": "secret",
	"[]string": "list of text", "map[string]string": "map of text", "map[string][]string": "map of lists", "map[string]map[string]any": "map of maps",
}

func fieldOf(f *ast.Field) field {
	tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
	out := field{key: tag.Get("yaml"), def: tag.Get("default"), names: tag.Get("key") == "true"}
	if text := f.Doc.Text() + " " + f.Comment.Text(); strings.TrimSpace(text) != "" {
		out.doc = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
	}
	name := typeName(f.Type)
	if out.kind = kinds[name]; out.kind == "" {
		out.list = strings.HasPrefix(name, "[]")
		out.of = strings.TrimLeft(name, "[]*")
	}
	return out
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.StarExpr:
		return "*" + typeName(e.X)
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	case *ast.MapType:
		return "map[" + typeName(e.Key) + "]" + typeName(e.Value)
	}
	return ""
}
