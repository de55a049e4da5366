package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// YAML writes the effective settings as a file would hold them, secrets hidden; what is empty is left out.
func (c *Config) YAML() ([]byte, error) {
	root := node(reflect.ValueOf(c).Elem())
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return b.Bytes(), nil
}

// Tree is the same as maps, lists and values.
func (c *Config) Tree() (any, error) {
	var out any
	if err := node(reflect.ValueOf(c).Elem()).Decode(&out); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return out, nil
}

// node is a value of the settings as YAML; nil for one that is empty.
func node(v reflect.Value) *yaml.Node {
	text := func(tag, value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value} }
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		if v.String() == "" {
			return nil
		}
		return text("!!str", v.Interface().(Secret).String())
	case v.Type() == reflect.TypeFor[time.Duration]():
		return text("!!str", formatDuration(time.Duration(v.Int())))
	}
	switch v.Kind() {
	case reflect.Struct:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			if n := node(v.Field(i)); n != nil {
				out.Content = append(out.Content, text("!!str", keyOf(v.Type().Field(i))), n)
			}
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return node(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			return nil
		}
		out := &yaml.Node{Kind: yaml.SequenceNode}
		if v.Type() == reflect.TypeFor[[]string]() {
			out.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			out.Content = append(out.Content, node(v.Index(i)))
		}
		return out
	case reflect.Bool:
		return text("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Int:
		return text("!!int", strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		if v.Float() == 0 {
			return nil
		}
		return text("!!float", strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.String:
		if v.String() == "" {
			return nil
		}
		return text("!!str", v.String())
	default: // maps, whose values are text, lists and parameters
		if v.Len() == 0 {
			return nil
		}
		out := new(yaml.Node)
		if out.Encode(v.Interface()) != nil {
			return nil
		}
		return out
	}
}
