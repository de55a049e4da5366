package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Known is what settings may refer to that lies outside of them: the program's rules and controls.
type Known struct {
	Rules, Controls, Criteria []string // ids
	// Parameters says whether a rule takes these parameters.
	Parameters func(rule string, parameters map[string]any) error
}

// maxFile bounds a settings file, in bytes.
const maxFile = 1 << 20

// Load reads the settings of a file, and of an environment as os.Environ returns it; path "" means the environment alone. What is
// wrong with them is Errors; a file that cannot be read is posture.ErrSetup. Rules, controls and criteria are checked when known is given.
func Load(path string, env []string, known ...Known) (*Config, error) {
	if path == "" {
		return Parse("settings", nil, env, known...)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: settings: %w", posture.ErrSetup, err)
	}
	return Parse(path, data, env, known...)
}

// Parse is Load for a file already read; name stands in errors, and its folder is where relative …_file settings begin.
func Parse(name string, data []byte, env []string, known ...Known) (*Config, error) {
	d := newDecoder(name, env)
	var c Config
	if root, ok := d.document(data); ok {
		d.config(&c, root)
	}
	k := checker{decoder: d}
	if len(known) > 0 {
		k.known = &known[0]
	}
	if !d.broken {
		k.check(&c)
	}
	if len(d.errors) > 0 {
		d.errors.sort()
		return nil, d.errors
	}
	return &c, nil
}

// document reads the one YAML document of a file; nil is an empty one.
func (d *decoder) document(data []byte) (root *yaml.Node, ok bool) {
	if len(data) > maxFile {
		d.fail(place{line: 1}, "", "", fmt.Sprintf("longer than %d bytes", maxFile), "give the file that holds the settings")
		return nil, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err != nil {
		d.broken = true
		line, problem := yamlError(err)
		d.fail(place{line: line}, "", "", problem, "mend the YAML: indent with spaces, and quote values that hold ': ' or begin with a special character")
		return nil, false
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		d.fail(place{line: max(second.Line, 1)}, "", "", "a second document", "write all settings in one; remove the line ---")
	}
	if !d.plain(&first) {
		return nil, false
	}
	return first.Content[0], true
}

// yamlError takes the line out of a message of the YAML reader.
func yamlError(err error) (line int, problem string) {
	problem = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(problem, "line "); ok {
		if number, after, found := strings.Cut(rest, ": "); found {
			if n, err := strconv.Atoi(number); err == nil {
				return max(n, 1), after
			}
		}
	}
	return 1, problem
}

// plain refuses aliases: they would let one setting change unseen with another.
func (d *decoder) plain(root *yaml.Node) bool {
	ok := true
	for open := []*yaml.Node{root}; len(open) > 0; {
		n := open[len(open)-1]
		open = append(open[:len(open)-1], n.Content...)
		if n.Kind == yaml.AliasNode {
			ok, d.broken = false, true
			d.fail(place{line: n.Line}, "", "*"+n.Value, "an alias", "write the value out")
		}
	}
	return ok && len(root.Content) == 1
}
