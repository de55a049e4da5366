// Package ledger holds what makes snapshots verifiable: the canonical form of what is hashed, the Merkle tree over one
// snapshot, and the append-only log of snapshot roots with its proofs. It does no I/O.
package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Schema is the version of the content document; it is part of every content hash.
const Schema = 1

// maxInt is the largest integer that canonical JSON can hold exactly: its numbers are IEEE 754 doubles.
const maxInt = 1<<53 - 1

// Canonical returns v as canonical JSON (RFC 8785). Integers beyond 2^53 do not survive it.
func Canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(data)
}

// Content returns the document that posture.Content.JSON describes, and its SHA-256. attributes are as posture.Type.Encode
// returns them; the order of unread does not matter. It returns posture.ErrInvalid, naming the path, for an integer that
// canonical JSON cannot hold exactly.
func Content(attributes map[string]any, unread []posture.Unread) ([]byte, [32]byte, error) {
	stored, err := storable("", attributes)
	if err != nil {
		return nil, [32]byte{}, err
	}
	sorted := StorableUnread(unread)
	slices.SortFunc(sorted, func(a, b posture.Unread) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return posture.CompareCauses(a.Cause, b.Cause)
	})
	sorted = slices.Compact(sorted)
	document, err := Canonical(struct {
		Schema     int              `json:"schema"`
		Attributes any              `json:"attributes"`
		Unread     []posture.Unread `json:"unread"`
	}{Schema, stored, sorted})
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("write content: %w", err)
	}
	return document, sha256.Sum256(document), nil
}

// Text returns s as databases and canonical JSON can both hold it: invalid UTF-8 and the NUL character become U+FFFD.
func Text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// StorableUnread returns a copy in which every string is Text.
func StorableUnread(unread []posture.Unread) []posture.Unread {
	out := make([]posture.Unread, len(unread))
	for i, u := range unread {
		out[i] = posture.Unread{Path: Text(u.Path), Cause: StorableCause(u.Cause)}
	}
	return out
}

// StorableCause returns the cause with every string made Text.
func StorableCause(c posture.Cause) posture.Cause {
	return posture.Cause{Reason: c.Reason, Operation: Text(c.Operation), Permission: Text(c.Permission), Code: Text(c.Code)}
}

// StorableReconciliation returns a copy in which every string is Text, and times are instants.
func StorableReconciliation(r posture.Reconciliation) posture.Reconciliation {
	text := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = Text(s)
		}
		return out
	}
	r.Source, r.ReadAt, r.OnlyFirst, r.OnlySecond = Text(r.Source), instant(r.ReadAt), text(r.OnlyFirst), text(r.OnlySecond)
	if r.Cause != nil {
		cause := StorableCause(*r.Cause)
		r.Cause = &cause
	}
	return r
}

// storable returns a copy of v in which every string is Text.
func storable(path string, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return Text(v), nil
	case int64:
		if v > maxInt || v < -maxInt {
			return nil, fmt.Errorf("%w: %s is %d, beyond ±2^53", posture.ErrInvalid, strings.TrimPrefix(path, "."), v)
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, e := range v {
			stored, err := storable(path+"."+key, e)
			if err != nil {
				return nil, err
			}
			out[Text(key)] = stored
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			stored, err := storable(fmt.Sprintf("%s[%d]", path, i), e)
			if err != nil {
				return nil, err
			}
			out[i] = stored
		}
		return out, nil
	}
	return v, nil
}

// instant is t as it is hashed: UTC, in microseconds, which is what Postgres keeps.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
