package transport

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
)

// redact replaces, in an XML or JSON body, the value of every element or member called one of names by a keyed digest, of the
// same shape in JSON: what reads the body reads it still. A body in which nothing can be found safely is not stored: nil is
// returned.
func redact(body []byte, names []string, key []byte) []byte {
	if len(names) == 0 {
		return body
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '<' {
		return redactXML(body, names, key)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	out, err := json.Marshal(redactJSON(value, names, key))
	if err != nil {
		return nil
	}
	return out
}

func redactJSON(value any, names []string, key []byte) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if slices.Contains(names, name) {
				v[name] = removed(member, key)
			} else {
				v[name] = redactJSON(member, names, key)
			}
		}
	case []any:
		for i := range v {
			v[i] = redactJSON(v[i], names, key)
		}
	}
	return value
}

// removed is what stands for a value: objects and lists keep their form, and the names in it; whatever else they hold becomes a
// digest.
func removed(value any, key []byte) any {
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = removed(member, key)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = removed(v[i], key)
		}
		return out
	}
	text, _ := json.Marshal(value)
	return keyed(text, key)
}

func redactXML(body []byte, names []string, key []byte) []byte {
	var out bytes.Buffer
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var copied int64
	for {
		token, err := decoder.Token()
		if token == nil {
			if !errors.Is(err, io.EOF) {
				return nil
			}
			break
		}
		start, ok := token.(xml.StartElement)
		if !ok || !slices.Contains(names, start.Name.Local) {
			continue
		}
		from := decoder.InputOffset()
		to := from
		for depth := 1; depth > 0; {
			to = decoder.InputOffset()
			token, err := decoder.Token()
			if err != nil {
				return nil
			}
			switch token.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
		}
		out.Write(body[copied:from])
		out.WriteString(keyed(body[from:to], key))
		copied = to
	}
	out.Write(body[copied:])
	return out.Bytes()
}

// keyed is the digest that stands for a removed value: equal values stay equal, and nobody without the key can guess one.
func keyed(value, key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(value)
	return "redacted:" + hex.EncodeToString(mac.Sum(nil)[:16])
}
