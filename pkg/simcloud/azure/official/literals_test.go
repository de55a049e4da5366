package official

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	collect "github.com/plumbline-dev/plumbline/collectors/azure"
)

// example is the answer to one operation that an example in the SDK shows.
type example struct {
	operation string
	name      string // of the example's function
	imports   string // path of the package
	literal   string // the answer as Go source
	body      []byte // and as the service would send it
}

const module = "github.com/plumbline-dev/plumbline"

// readExamples finds the examples of every operation that the readers declare, and turns their answers into JSON. They stand in
// comments, as Go literals.
func readExamples(t *testing.T) []*example {
	t.Helper()
	var found []*example
	for _, p := range sdkPackages(t) {
		files, err := filepath.Glob(filepath.Join(p.dir, "*_example_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, examplesIn(file, p)...)
		}
	}
	slices.SortFunc(found, func(a, b *example) int {
		return strings.Compare(a.operation+" "+a.name, b.operation+" "+b.name)
	})
	evaluate(t, found)
	return found
}

type sdkPackage struct{ name, dir, path string }

// sdkPackages are the packages of the SDK that the readers import.
func sdkPackages(t *testing.T) []sdkPackage {
	t.Helper()
	const sdk = "github.com/Azure/azure-sdk-for-go/sdk/"
	out := run(t, "go", "list", "-f", `{{join .Imports "\n"}}`, module+"/collectors/azure")
	paths := slices.DeleteFunc(strings.Fields(out), func(path string) bool {
		return !strings.HasPrefix(path, sdk+"resourcemanager/") && !strings.HasPrefix(path, sdk+"security/")
	})
	var list []sdkPackage
	for line := range strings.Lines(run(t, "go", append([]string{"list", "-f", "{{.Name}} {{.ImportPath}} {{.Dir}}"}, paths...)...)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		path, dir, _ := strings.Cut(rest, " ")
		list = append(list, sdkPackage{name, dir, path})
	}
	return list
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		t.Fatalf("%s %v: %v", name, args[:1], err)
	}
	return string(out)
}

// answered is the line of an example's comment at which the answer begins: "res.Foo = armfoo.Foo{".
var answered = regexp.MustCompile(`(?m)^(?:res|page)(?:\.\w+)? = `)

// examplesIn returns the examples in one file that are of a declared operation and show an answer.
func examplesIn(file *ast.File, p sdkPackage) []*example {
	var out []*example
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		operation := declared(p.name, strings.TrimPrefix(f.Name.Name, "Example"))
		if operation == "" {
			continue
		}
		for _, comment := range file.Comments {
			if comment.Pos() < f.Body.Lbrace || comment.End() > f.Body.Rbrace {
				continue
			}
			text := uncommented(comment)
			if at := answered.FindStringIndex(text); at != nil {
				out = append(out, &example{operation: operation, name: f.Name.Name, imports: p.path, literal: text[at[1]:]})
			}
		}
	}
	return out
}

// declared returns the operation of an example's name ("Client_Get_redisCacheGet"), "" when no reader declares it.
func declared(pkg, name string) string {
	for _, op := range collect.Operations() {
		prefix := strings.Replace(strings.TrimPrefix(op.Name, pkg+"."), ".", "_", 1)
		if strings.HasPrefix(op.Name, pkg+".") && (name == prefix || strings.HasPrefix(name, prefix+"_")) {
			return op.Name
		}
	}
	return ""
}

func uncommented(comment *ast.CommentGroup) string {
	var b strings.Builder
	for _, line := range comment.List {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line.Text, "//"), " ") + "\n")
	}
	return b.String()
}

// evaluate fills the bodies: it lets the compiler read the literals, in a program that exists only while it runs. A literal
// that does not compile fails the test.
func evaluate(t *testing.T, examples []*example) {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Dir(strings.TrimSpace(run(t, "go", "env", "GOMOD")))
	virtual := filepath.Join(root, "pkg", "simcloud", "azure", "official", "literals")
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	add := func(name, source string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(virtual, name)] = path
	}
	add("main.go", `package main

import ("encoding/json"; "fmt"; "os")

var answers = map[int]any{}

func main() {
	out := map[int]json.RawMessage{}
	for i, answer := range answers {
		body, err := json.Marshal(answer)
		if err != nil { fmt.Fprintln(os.Stderr, i, err); os.Exit(1) }
		out[i] = body
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
}
`)
	for i, e := range examples {
		source := "package main\n\n"
		for _, path := range []string{e.imports, "github.com/Azure/azure-sdk-for-go/sdk/azcore/to", "time"} {
			if path == e.imports || mentions(t, e, filepath.Base(path)) {
				source += fmt.Sprintf("import %q\n", path)
			}
		}
		add(fmt.Sprintf("example%d.go", i), source+fmt.Sprintf("\nfunc init() { answers[%d] = %s\n}\n", i, e.literal))
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	add("overlay.json", string(list))
	answers := map[int]json.RawMessage{}
	if err := json.Unmarshal([]byte(run(t, "go", "run", "-overlay", filepath.Join(dir, "overlay.json"), virtual)), &answers); err != nil {
		t.Fatal(err)
	}
	for i, e := range examples {
		e.body = answers[i]
	}
}

// mentions reports whether an example's literal uses a package.
func mentions(t *testing.T, e *example, pkg string) bool {
	t.Helper()
	expression, err := parser.ParseExpr(e.literal)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	found := false
	ast.Inspect(expression, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			id, ok := s.X.(*ast.Ident)
			found = found || ok && id.Name == pkg
		}
		return !found
	})
	return found
}
