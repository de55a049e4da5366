package config

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// decoder fills a Config from a file and an environment, and notes where every setting stands.
type decoder struct {
	file   string
	env    map[string]string
	used   map[string]bool
	asked  []string // variables of the settings there are
	places map[string]place
	errors Errors
	broken bool // the file is no YAML that can be read: further checks would only repeat it
}

// place is where a setting stands: a line of the file, or an environment variable.
type place struct {
	line     int
	variable string
}

func newDecoder(file string, env []string) *decoder {
	d := &decoder{file: file, env: map[string]string{}, used: map[string]bool{}, places: map[string]place{"": {line: 1}}}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix+"_") && value != "" && !foreign(name) {
			d.env[name] = value
		}
	}
	return d
}

func (d *decoder) fail(at place, setting, value, problem, fix string) {
	e := Error{Setting: setting, Value: value, Problem: problem, Fix: fix, Variable: at.variable}
	if at.variable == "" {
		e.File, e.Line = d.file, at.line
	}
	d.errors = append(d.errors, e)
}

// config decodes the whole; nil is an empty file.
func (d *decoder) config(c *Config, root *yaml.Node) {
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		if !utf8.ValidString(d.env[name]) {
			d.fail(place{variable: name}, "", "", "not UTF-8", "write the value in UTF-8")
			delete(d.env, name)
		}
	}
	d.object(reflect.ValueOf(c).Elem(), setting{node: root, at: place{line: 1}, variable: prefix})
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		if !d.used[name] {
			fix := "see the reference of settings for the names there are"
			if near := nearest(name, d.asked); near != "" {
				fix = "did you mean " + near + "?"
			}
			d.fail(place{variable: name}, "", "", "no setting has this variable", fix)
		}
	}
}

// setting is one place in the tree of settings, and what the file or the environment says there.
type setting struct {
	path     string     // "connections[main].aws"
	variable string     // "PLUMBLINE_CONNECTIONS_MAIN_AWS"
	node     *yaml.Node // nil: nothing
	at       place
}

func (s setting) given() bool { return s.node != nil && s.node.Tag != "!!null" }

// key is the setting of that name inside s.
func (s setting) key(name string, node *yaml.Node) setting {
	in := setting{path: name, variable: s.variable + "_" + variableOf(name), node: node, at: s.at}
	if s.path != "" {
		in.path = s.path + "." + name
	}
	if node != nil && s.at.variable == "" {
		in.at.line = node.Line
	}
	return in
}

// object decodes a mapping into a struct, and reports whether anything was given for it.
func (d *decoder) object(v reflect.Value, s setting) (given bool) {
	nodes := map[string]*yaml.Node{}
	if s.given() {
		if s.node.Kind != yaml.MappingNode {
			d.wrong(s, "a mapping of settings", "write its settings below it, each as NAME: VALUE")
			return true
		}
		given = true
		keys := keysOf(v.Type())
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			key, value := s.node.Content[i], s.node.Content[i+1]
			in := s.key(key.Value, value)
			if in.at.variable == "" {
				in.at.line = key.Line
			}
			switch {
			case nodes[key.Value] != nil:
				d.fail(in.at, in.path, "", "set twice", "remove one of them")
			case !slices.Contains(keys, key.Value):
				d.fail(in.at, in.path, "", "no such setting", suggest(key.Value, s.path, keys))
			default:
				nodes[key.Value] = value
				d.places[in.path] = in.at
			}
		}
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := keyOf(f)
		if d.value(v.Field(i), f, s.key(name, nodes[name]), s.key(name+"_file", nodes[name+"_file"])) {
			given = true
		}
	}
	return given
}

// value decodes one setting of a struct: from its variable, or else from the file, or else its default.
func (d *decoder) value(v reflect.Value, f reflect.StructField, s, file setting) (given bool) {
	d.asked = append(d.asked, s.variable)
	if text, ok := d.env[s.variable]; ok {
		d.used[s.variable] = true
		s.at = place{variable: s.variable}
		node, err := textNode(text, v.Type())
		if err != nil {
			d.fail(s.at, s.path, "", err.Error(), "write the value as YAML, such as [a, b] or {name: value}")
			return true
		}
		s.node = node
	}
	if s.node != nil {
		d.places[s.path] = s.at
	}
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		return d.secret(v, s, file)
	case v.Kind() == reflect.Struct:
		return d.object(v, s)
	case v.Kind() == reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		if d.object(inner.Elem(), s) || s.node != nil {
			v.Set(inner)
			return true
		}
		return false
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		return d.objects(v, s)
	case s.given():
		d.plainValue(v, s)
		return true
	}
	if text, ok := f.Tag.Lookup("default"); ok {
		d.plainValue(v, setting{node: &yaml.Node{Kind: yaml.ScalarNode, Value: text}})
	}
	return false
}

// objects decodes a list of structs. Elements are known by the setting that names them, those of other lists by their number.
func (d *decoder) objects(v reflect.Value, s setting) (given bool) {
	if !s.given() {
		return false
	}
	if s.node.Kind != yaml.SequenceNode {
		d.wrong(s, "a list", `begin each element with "- "`)
		return true
	}
	for i, node := range s.node.Content {
		name := strconv.Itoa(i + 1)
		if key, ok := elementKey(v.Type().Elem()); ok {
			if given := scalar(node, key); given != "" {
				name = given
			}
		}
		in := s.key(name, node)
		in.path = s.path + "[" + name + "]"
		d.places[in.path] = in.at
		element := reflect.New(v.Type().Elem()).Elem()
		d.object(element, in)
		v.Set(reflect.Append(v, element))
	}
	return true
}

// secret decodes a secret, or reads it from the file that the setting beside it names.
func (d *decoder) secret(v reflect.Value, s, file setting) (given bool) {
	var path string
	d.asked = append(d.asked, file.variable)
	if text, ok := d.env[file.variable]; ok {
		d.used[file.variable] = true
		file.at, path = place{variable: file.variable}, text
	} else if file.given() {
		d.plainValue(reflect.ValueOf(&path).Elem(), file)
	}
	if path != "" {
		d.places[s.path] = file.at
	}
	switch {
	case path != "" && s.given():
		d.fail(file.at, file.path, path, "the value itself is set as well", "remove one of them")
	case path != "":
		value, err := d.readSecret(path)
		if err != nil {
			d.fail(file.at, file.path, path, "cannot be read: "+err.Error(), "name a file that the service may read; relative paths begin in the folder of the settings")
		}
		v.SetString(value)
	case s.given():
		if s.node.Kind != yaml.ScalarNode {
			d.fail(s.at, s.path, "", "want text", "write one value")
			return true
		}
		v.SetString(s.node.Value)
	}
	return path != "" || s.given()
}

// maxSecret bounds a file that holds a secret, in bytes.
const maxSecret = 64 << 10

func (d *decoder) readSecret(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.file), path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w", reason(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("not a file")
	case info.Size() > maxSecret:
		return "", fmt.Errorf("longer than %d bytes", maxSecret)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", reason(err)
	}
	value := strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return "", fmt.Errorf("empty")
	}
	return value, nil
}

// reason is an error without the path, which stands before it.
func reason(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}

// plainValue decodes what holds no settings of its own: scalars, lists of text, maps and parameters.
func (d *decoder) plainValue(v reflect.Value, s setting) {
	switch {
	case v.Type() == reflect.TypeFor[[]string]():
		if s.node.Kind != yaml.SequenceNode {
			d.wrong(s, "a list", `write [a, b], or one element on each line after "- "`)
			return
		}
		out := make([]string, 0, len(s.node.Content))
		for i, node := range s.node.Content {
			in := s.key("", node)
			in.path = fmt.Sprintf("%s[%d]", s.path, i+1)
			d.places[in.path] = in.at
			var text string
			if !in.given() {
				d.fail(in.at, in.path, "", "empty", "write a value or remove the element")
				continue
			}
			d.plainValue(reflect.ValueOf(&text).Elem(), in)
			out = append(out, text)
		}
		v.Set(reflect.ValueOf(out))
	case v.Kind() == reflect.Map:
		d.mapping(v, s)
	case v.Kind() == reflect.Interface:
		if err := s.node.Decode(v.Addr().Interface()); err != nil {
			_, problem := yamlError(err)
			d.fail(s.at, s.path, s.node.Value, problem, "write a number, text, true, false, a list or a map")
		}
	case s.node.Kind != yaml.ScalarNode:
		d.wrong(s, "one value", "write a single value after the colon")
	default:
		d.scalar(v, s)
	}
}

// mapping decodes a map with text as keys.
func (d *decoder) mapping(v reflect.Value, s setting) {
	if s.node.Kind != yaml.MappingNode {
		d.wrong(s, "a mapping", "write its entries below it, each as NAME: VALUE")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		key, node := s.node.Content[i], s.node.Content[i+1]
		in := s.key(key.Value, node)
		in.path = s.path + "[" + key.Value + "]"
		if in.at.variable == "" {
			in.at.line = key.Line
		}
		d.places[in.path] = in.at
		name := reflect.ValueOf(key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(in.at, s.path, "", "a name that is not text", "write each entry as NAME: VALUE")
		case v.MapIndex(name).IsValid():
			d.fail(in.at, in.path, "", "set twice", "remove one of them")
		default:
			element := reflect.New(v.Type().Elem()).Elem()
			if in.given() {
				d.plainValue(element, in)
			}
			v.SetMapIndex(name, element)
		}
	}
}

func (d *decoder) scalar(v reflect.Value, s setting) {
	text := s.node.Value
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		value, err := parseDuration(text)
		if err != nil {
			d.fail(s.at, s.path, text, "not a duration", "write a number with a unit, such as 90s, 15m, 12h or 90d")
		}
		v.SetInt(int64(value))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			d.fail(s.at, s.path, text, "neither true nor false", "write true or false")
		}
		v.SetBool(text == "true")
	case v.Kind() == reflect.Int:
		value, err := strconv.Atoi(text)
		if err != nil {
			d.fail(s.at, s.path, text, "not a whole number", "write digits")
		}
		v.SetInt(int64(value))
	case v.Kind() == reflect.Float64:
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			d.fail(s.at, s.path, text, "not a number", "write a number such as 0.5")
			value = 0
		}
		v.SetFloat(value)
	}
}

// wrong says that a setting is of another shape than it has to be.
func (d *decoder) wrong(s setting, want, fix string) {
	d.fail(s.at, s.path, "", "want "+want, fix) // not what stands there: it may be a secret, one level too high
	d.errors[len(d.errors)-1].misshapen = true
}

// parseDuration reads "15m", "1h30m" and, beyond what time.ParseDuration knows, "90d".
func parseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > 100_000 {
		return 0, fmt.Errorf("days %q", days)
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 {
		return 0, fmt.Errorf("duration %q", rest)
	}
	return d + more, nil
}

// formatDuration writes what parseDuration reads, without parts that are zero.
func formatDuration(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", days)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
