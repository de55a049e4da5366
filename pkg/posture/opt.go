package posture

import "encoding/json"

// Opt is a value that the cloud may say is not set. Absent is a fact; it is not the same as unread.
type Opt[T any] struct {
	value T
	set   bool
}

// Some is a value that is set.
func Some[T any](v T) Opt[T] { return Opt[T]{value: v, set: true} }

// FromPtr is the value p points to, absent when p is nil: the form cloud SDKs answer in.
func FromPtr[T any](p *T) Opt[T] {
	if p == nil {
		return Opt[T]{}
	}
	return Some(*p)
}

// Get returns the value, and false when it is absent.
func (o Opt[T]) Get() (T, bool) { return o.value, o.set }

// Or returns the value, or other when it is absent.
func (o Opt[T]) Or(other T) T {
	if !o.set {
		return other
	}
	return o.value
}

// Any returns the value as any, nil when absent.
func (o Opt[T]) Any() any {
	if !o.set {
		return nil
	}
	return o.value
}

// MarshalJSON writes null for absent.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.set {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads null as absent.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = Opt[T]{}
		return nil
	}
	o.set = true
	return json.Unmarshal(data, &o.value)
}

// Equal makes Opt comparable by go-cmp.
func (o Opt[T]) Equal(p Opt[T]) bool {
	a, _ := json.Marshal(o)
	b, _ := json.Marshal(p)
	return string(a) == string(b)
}
