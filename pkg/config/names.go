package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// prefix begins the name of every variable: server.listen is PLUMBLINE_SERVER_LISTEN.
const prefix = "PLUMBLINE"

// others are variables that are no settings of the service.
var others = []string{
	"PLUMBLINE_CONFIG", "PLUMBLINE_PG_BIN", "PLUMBLINE_AZURE_ENDPOINT", "PLUMBLINE_GCP_ENDPOINT",
	"PLUMBLINE_LONG", "PLUMBLINE_MOTO", "PLUMBLINE_PYTHON", "PLUMBLINE_OIDC", "PLUMBLINE_RULES", "PLUMBLINE_CHAOS", "PLUMBLINE_CHROMIUM", "PLUMBLINE_SCREENSHOTS", // of the tests
}

// kubernetes matches the variables that a cluster sets by itself for a service called plumbline.
var kubernetes = regexp.MustCompile(`^PLUMBLINE(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func foreign(variable string) bool {
	return slices.Contains(others, variable) || kubernetes.MatchString(variable)
}

// variableOf is a key or the name of an element in a variable: capital letters, digits, and "_" for everything else.
func variableOf(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// textNode is the text of a variable as the file would hold it: scalars as they are, lists of text separated by commas,
// everything else as YAML.
func textNode(text string, t reflect.Type) (*yaml.Node, error) {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: text}, nil
	}
	if t == reflect.TypeFor[[]string]() && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, part := range strings.Split(text, ",") {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: strings.TrimSpace(part)})
		}
		return list, nil
	}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("holds nothing")
		}
		_, problem := yamlError(err)
		return nil, errors.New(problem)
	}
	if d := (&decoder{}); !d.plain(&document) {
		return nil, errors.New("holds an alias")
	}
	return document.Content[0], nil
}

// keyOf is a field's name in the file.
func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// keysOf are the keys that a mapping may have.
func keysOf(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		out = append(out, keyOf(f))
		if f.Type == reflect.TypeFor[Secret]() {
			out = append(out, keyOf(f)+"_file")
		}
	}
	return out
}

// elementKey is the key that names the elements of a list.
func elementKey(t reflect.Type) (key string, ok bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("key") == "true" {
			return keyOf(f), true
		}
	}
	return "", false
}

// scalar is the text at a key of a mapping, "" when there is none.
func scalar(n *yaml.Node, key string) string {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode && n.Content[i+1].Tag != "!!null" {
				return n.Content[i+1].Value
			}
		}
	}
	return ""
}

// suggest says what to write in place of a key that does not exist where it stands.
func suggest(key, path string, keys []string) string {
	if near := nearest(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	if elsewhere := find(reflect.TypeFor[Config](), key, ""); elsewhere != "" {
		return "did you mean " + elsewhere + "?"
	}
	where := "the settings"
	if path != "" {
		where = path
	}
	return where + " may hold " + strings.Join(keys, ", ")
}

// find returns the path of the first setting with that key, "" when there is none.
func find(t reflect.Type, key, path string) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	for _, deep := range []bool{false, true} {
		for i := range t.NumField() {
			f := t.Field(i)
			in := strings.TrimPrefix(path+"."+keyOf(f), ".")
			switch {
			case !deep && keyOf(f) == key:
				return in
			case deep:
				if found := find(f.Type, key, in); found != "" {
					return found
				}
			}
		}
	}
	return ""
}
