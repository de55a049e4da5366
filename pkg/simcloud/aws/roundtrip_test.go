package aws

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/declared"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
)

var update = flag.Bool("update", false, "rewrite testdata")

// Every operation, filled to the last field, arrives at the real client as it was sent, except for the fields in
// testdata/not_carried.txt: those the API models are too old to know, whose default name is not the true one.
func TestRoundTrip(t *testing.T) {
	notCarried := map[string]bool{}
	for service, name := range declared.Operations() {
		for _, name := range name {
			t.Run(service+" "+name, func(t *testing.T) {
				for _, lost := range roundTrip(t, service, name) {
					notCarried[service+" "+lost] = true
				}
			})
		}
	}
	file := filepath.Join("testdata", "not_carried.txt")
	got := strings.Join(slices.Sorted(maps.Keys(notCarried)), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("fields not carried differ from %s (-want +got):\n%s", file, diff)
	}
}

// roundTrip returns the unmodelled fields of input and output which did not arrive.
func roundTrip(t *testing.T, service, name string) []string {
	s := newServer(t)
	method := reflect.ValueOf(client(service, inMemory(s))).MethodByName(name)
	if !method.IsValid() {
		t.Fatal("the SDK's client has no such operation")
	}
	input, sent := reflect.New(method.Type().In(1).Elem()), reflect.New(method.Type().Out(0).Elem())
	fill(input.Elem(), name, 0)
	fill(sent.Elem(), name, 0)
	received := reflect.New(input.Type().Elem())
	s.handlers[operation{service, name}] = func(_ scope, call *wire.Call) (any, error) {
		if call.Name != name {
			t.Errorf("called %s", call.Name)
		}
		return sent.Interface(), call.Decode(received.Interface())
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	if err, _ := results[1].Interface().(error); err != nil {
		t.Fatal(err)
	}
	lost := map[string]bool{}
	compare(input.Elem(), received.Elem(), "", lost)
	compare(sent.Elem(), results[0].Elem(), "", lost)
	model := s.models[service]
	op := model.Operations[name]
	unmodelled := append(model.Unmodelled(input.Type(), op.Input), model.Unmodelled(sent.Type(), op.Output)...)
	for _, field := range slices.Sorted(maps.Keys(lost)) {
		if !slices.Contains(unmodelled, field) {
			t.Errorf("%s is in the model and did not arrive", field)
		}
	}
	return slices.Collect(maps.Keys(lost))
}

const maxDepth = 8 // structs within structs; deeper ones stay empty

// fill gives every field a value made from its name. Lists and maps get two entries. Unions stay empty.
func fill(v reflect.Value, name string, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, depth)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(testTime()))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" || depth == maxDepth {
				continue
			}
			fill(v.Field(i), f.Name, depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("blob of " + name))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), fmt.Sprint(name, i), depth)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 2 {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, fmt.Sprint(name, i), depth)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint("key", i)).Convert(v.Type().Key()), value)
		}
	case reflect.String:
		if v.SetString(sampleText(name)); name == "StreamARN" { // Kinesis finds its endpoint by it
			v.SetString("arn:aws:kinesis:eu-central-1:111122223333:stream/sample")
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(len(name)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(len(name)) + 0.5)
	}
}

// sampleText is text that needs escaping, except where the client checks the value before it sends.
func sampleText(name string) string {
	switch name {
	case "Bucket", "Name":
		return "sample-name"
	case "AccountId", "ExpectedBucketOwner":
		return testAccount
	}
	return "<" + name + "> & \"ü\""
}

// compare collects, as Type.Field, the fields that differ.
func compare(sent, got reflect.Value, where string, lost map[string]bool) {
	switch sent.Kind() {
	case reflect.Pointer:
		if sent.IsNil() || got.IsNil() {
			if sent.IsNil() != got.IsNil() {
				lost[where] = true
			}
			return
		}
		compare(sent.Elem(), got.Elem(), where, lost)
	case reflect.Struct:
		if at, ok := sent.Interface().(time.Time); ok {
			if !at.Equal(got.Interface().(time.Time)) {
				lost[where] = true
			}
			return
		}
		for i := range sent.NumField() {
			f := sent.Type().Field(i)
			if f.IsExported() && f.Name != "ResultMetadata" {
				compare(sent.Field(i), got.Field(i), sent.Type().Name()+"."+f.Name, lost)
			}
		}
	case reflect.Slice:
		if sent.Len() != got.Len() {
			lost[where] = true
			return
		}
		for i := range sent.Len() {
			compare(sent.Index(i), got.Index(i), where, lost)
		}
	case reflect.Map:
		for _, key := range sent.MapKeys() {
			if value := got.MapIndex(key); value.IsValid() {
				compare(sent.MapIndex(key), value, where, lost)
			} else {
				lost[where] = true
			}
		}
	default:
		if sent.Interface() != got.Interface() {
			lost[where] = true
		}
	}
}
