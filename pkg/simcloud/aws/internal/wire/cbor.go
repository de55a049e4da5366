package wire

import (
	"fmt"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cborName is a member's name in CBOR: that of the model, whatever the older XML protocol calls it.
func cborName(f field) string { return f.member }

func encodeCBOR(tree any) []byte { return cbor.Encode(toCBOR(tree)) }

func toCBOR(tree any) cbor.Value {
	switch v := tree.(type) {
	case string:
		return cbor.String(v)
	case []byte:
		return cbor.Slice(v)
	case bool:
		return cbor.Bool(v)
	case epoch:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(v)}
	case float64:
		return cbor.Float64(v)
	case int64:
		if v < 0 {
			return cbor.NegInt(-v)
		}
		return cbor.Uint(v)
	case []any:
		list := make(cbor.List, len(v))
		for i, item := range v {
			list[i] = toCBOR(item)
		}
		return list
	case map[string]any:
		object := cbor.Map{}
		for key, item := range v {
			object[key] = toCBOR(item)
		}
		return object
	}
	return &cbor.Nil{}
}

func decodeCBOR(body []byte) (any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("parse CBOR body: %w", err)
	}
	return fromCBOR(value), nil
}

func fromCBOR(value cbor.Value) any {
	switch v := value.(type) {
	case cbor.String:
		return string(v)
	case cbor.Slice:
		return []byte(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return uint64(v)
	case cbor.NegInt:
		return -int64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	case *cbor.Tag:
		return fromCBOR(v.Value)
	case cbor.List:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = fromCBOR(item)
		}
		return list
	case cbor.Map:
		object := map[string]any{}
		for key, item := range v {
			object[key] = fromCBOR(item)
		}
		return object
	}
	return nil
}
