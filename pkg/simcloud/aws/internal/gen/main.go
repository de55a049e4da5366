// Gen writes the wire tables of the simulated AWS: for the operations that readers declare, what the API models of
// the first Go SDK say about names and places on the wire. Run it with go generate in the folder above.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/declared"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
)

//go:embed additions.json
var additions []byte

const models = "github.com/aws/aws-sdk-go"

func main() {
	log.SetFlags(0)
	if err := run(filepath.Join("internal", "wire", "tables")); err != nil {
		log.Fatal(err)
	}
}

func run(folder string) error {
	if out, err := exec.Command("go", "mod", "download", models).CombinedOutput(); err != nil { // nothing else needs it
		return fmt.Errorf("download the module %s: %w: %s", models, err, out)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", models).Output()
	if err != nil {
		return fmt.Errorf("find the module %s: %w", models, err)
	}
	extra := map[string]*wire.Model{}
	if err := json.Unmarshal(additions, &extra); err != nil {
		return fmt.Errorf("parse additions.json: %w", err)
	}
	for service, operations := range declared.Operations() {
		table, err := build(filepath.Join(strings.TrimSpace(string(dir)), "models", "apis"), service, operations, extra[service])
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		if err := os.WriteFile(filepath.Join(folder, service+".json"), table, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// folders names the services whose model folder differs from the SDK's package.
func folder(service string) string {
	switch service {
	case "configservice":
		return "config"
	case "cloudwatch":
		return "monitoring"
	case "cloudwatchlogs":
		return "logs"
	case "efs":
		return "elasticfilesystem"
	case "databasemigrationservice":
		return "dms"
	case "sfn":
		return "states"
	}
	return service
}

func build(apis, service string, operations []string, extra *wire.Model) ([]byte, error) {
	versions, err := filepath.Glob(filepath.Join(apis, folder(service), "*"))
	if err != nil || len(versions) == 0 {
		return nil, fmt.Errorf("no API model (%v)", err)
	}
	version := slices.Max(versions)
	model := new(wire.Model)
	if err := readJSON(filepath.Join(version, "api-2.json"), model); err != nil {
		return nil, err
	}
	paginators := struct{ Pagination map[string]paginator }{}
	if err := readJSON(filepath.Join(version, "paginators-1.json"), &paginators); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for name, p := range paginators.Pagination {
		if op := model.Operations[name]; op != nil {
			op.Paging = p.paging()
		}
	}
	merge(model, extra)
	table := &wire.Model{
		Package: service, Metadata: model.Metadata,
		Operations: map[string]*wire.Operation{}, Shapes: map[string]*wire.Shape{},
	}
	table.Metadata.Lower = mostlyLower(model)
	for _, name := range operations {
		op := model.Operations[name]
		if op == nil {
			return nil, fmt.Errorf("no operation %s in the model or in additions.json", name)
		}
		table.Operations[name] = op
		keep(table, model, op.Input, op.Output)
		for _, ref := range op.Errors {
			if shape := model.Shapes[ref.Shape]; shape != nil {
				table.Shapes[ref.Shape] = &wire.Shape{Type: shape.Type, Error: shape.Error}
			}
		}
	}
	return format(table)
}

// keep copies the shapes that refs reach.
func keep(table, model *wire.Model, refs ...*wire.Ref) {
	for _, ref := range refs {
		if ref == nil || table.Shapes[ref.Shape] != nil || model.Shapes[ref.Shape] == nil {
			continue
		}
		shape := model.Shapes[ref.Shape]
		table.Shapes[ref.Shape] = shape
		keep(table, model, shape.Member, shape.Key, shape.Value)
		keep(table, model, slices.Collect(maps.Values(shape.Members))...)
	}
}

// merge adds what the models, which ended in 2025, lack.
func merge(model, extra *wire.Model) {
	if extra == nil {
		return
	}
	for name, more := range extra.Operations {
		op := model.Operations[name]
		if op == nil {
			model.Operations[name] = more
			continue
		}
		if more.Input != nil {
			op.Input = more.Input
		}
		if more.Paging != nil {
			op.Paging = more.Paging
		}
	}
	for name, more := range extra.Shapes {
		if shape := model.Shapes[name]; shape != nil && shape.Members != nil {
			maps.Copy(shape.Members, more.Members)
		} else {
			model.Shapes[name] = more
		}
	}
}

// mostlyLower reports whether most wire names of the service start with a small letter.
func mostlyLower(model *wire.Model) bool {
	balance := 0
	for _, shape := range model.Shapes {
		for name, ref := range shape.Members {
			if ref.LocationName != "" {
				name = ref.LocationName
			}
			if ref.Location != "" {
				continue
			}
			if unicode.IsLower(rune(name[0])) {
				balance++
			} else {
				balance--
			}
		}
	}
	return balance > 0
}

// paginator is an entry of paginators-1.json, where a name may also be a list of names.
type paginator struct {
	InputToken  any `json:"input_token"`
	OutputToken any `json:"output_token"`
	Limit       any `json:"limit_key"`
	More        any `json:"more_results"`
	Results     any `json:"result_key"`
}

// paging returns nil for an operation whose list comes in one piece.
func (p paginator) paging() *wire.Paging {
	in, out := names(p.InputToken), names(p.OutputToken)
	if len(in) != 1 || len(out) != 1 || p.Results == nil {
		return nil
	}
	one := func(v any) string {
		if all := names(v); len(all) == 1 {
			return all[0]
		}
		return ""
	}
	return &wire.Paging{InputToken: in[0], OutputToken: out[0], Limit: one(p.Limit), More: one(p.More), Results: names(p.Results)}
}

func names(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, fmt.Sprint(item))
		}
		return all
	}
	return nil
}

func readJSON(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("parse %s: %w", filepath.Base(name), err)
	}
	return nil
}

// format writes one operation or shape a line, so that a change shows as the lines it touches.
func format(table *wire.Model) ([]byte, error) {
	var out bytes.Buffer
	metadata, err := json.Marshal(table.Metadata)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&out, "{\"package\": %q,\n\"metadata\": %s,\n\"operations\": {\n", table.Package, metadata)
	if err := lines(&out, table.Operations); err != nil {
		return nil, err
	}
	out.WriteString("},\n\"shapes\": {\n")
	if err := lines(&out, table.Shapes); err != nil {
		return nil, err
	}
	out.WriteString("}}\n")
	return out.Bytes(), nil
}

func lines[V any](out *bytes.Buffer, entries map[string]V) error {
	for i, name := range slices.Sorted(maps.Keys(entries)) {
		text, err := json.Marshal(entries[name])
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(",\n")
		}
		fmt.Fprintf(out, "%q: %s", name, text)
	}
	out.WriteString("\n")
	return nil
}
