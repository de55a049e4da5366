package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Kind says what a leaf stands for.
type Kind string

// The kinds of leaves.
const (
	KindCell     Kind = "cell"
	KindResource Kind = "resource"
	KindVerdict  Kind = "verdict"
)

// Leaf is one leaf of a snapshot's Merkle tree.
//
// A resource's ID is its own and Hash that of its content. A cell's ID is empty and Hash is that of the cell's canonical
// JSON, times in microseconds. A verdict's Region and Type are its resource's, its ID is the resource's id, one space and the
// rule's id (no rule id holds a space), and Hash is that of the verdict's canonical JSON.
type Leaf struct {
	Kind    Kind
	Account string // posture.Account.String()
	Region  string
	Type    string
	ID      string
	Hash    [32]byte
}

// Compare orders leaves as the tree does: by kind, account, region, type and id, each by its bytes.
func (l Leaf) Compare(o Leaf) int {
	if l.Kind != o.Kind {
		return cmp.Compare(l.Kind, o.Kind)
	}
	if l.Account != o.Account {
		return cmp.Compare(l.Account, o.Account)
	}
	if l.Region != o.Region {
		return cmp.Compare(l.Region, o.Region)
	}
	if l.Type != o.Type {
		return cmp.Compare(l.Type, o.Type)
	}
	return cmp.Compare(l.ID, o.ID)
}

// AppendJSON appends the leaf as canonical JSON: the data that the tree hashes.
func (l Leaf) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"account":`...), l.Account)
	b = append(b, `,"hash":"`...)
	b = hex.AppendEncode(b, l.Hash[:])
	b = appendString(append(b, `","id":`...), l.ID)
	b = appendString(append(b, `,"kind":`...), string(l.Kind))
	b = appendString(append(b, `,"region":`...), l.Region)
	b = appendString(append(b, `,"type":`...), l.Type)
	return append(b, '}')
}

// CellLeaf is the leaf of a cell.
func CellLeaf(account string, c posture.Cell) (Leaf, error) {
	c.Started, c.Finished = instant(c.Started), instant(c.Finished)
	if c.Cause != nil {
		cause := StorableCause(*c.Cause)
		c.Cause = &cause
	}
	if c.Reconciled != nil {
		r := StorableReconciliation(*c.Reconciled)
		c.Reconciled = &r
	}
	data, err := Canonical(c)
	if err != nil {
		return Leaf{}, fmt.Errorf("write cell %s %s: %w", c.Region, c.Type, err)
	}
	return Leaf{KindCell, account, c.Region, c.Type, "", sha256.Sum256(data)}, nil
}

// ResourceLeaf is the leaf of a resource.
func ResourceLeaf(account string, c posture.Content) Leaf {
	return Leaf{KindResource, account, c.Region, c.Type, c.ID, c.Hash}
}

// VerdictLeaf is the leaf of a verdict whose hash, as VerdictHash returns it, is known.
func VerdictLeaf(account string, v posture.Verdict, hash [32]byte) Leaf {
	return Leaf{KindVerdict, account, v.Resource.Region, v.Resource.Type, v.Resource.ID + " " + v.RuleID, hash}
}

// VerdictHash is the SHA-256 of the verdict's canonical JSON, its strings made Text.
func VerdictHash(v posture.Verdict) ([32]byte, error) {
	data, err := appendVerdict(nil, &v)
	return sha256.Sum256(data), err
}

// appendVerdict appends the verdict as canonical JSON. Snapshots hold millions: it writes the fixed shape itself and leaves only
// what is rare to the library.
func appendVerdict(b []byte, v *posture.Verdict) ([]byte, error) {
	b = appendString(append(b, `{"reason":`...), v.Reason)
	b = appendString(append(b, `,"resource":{"id":`...), v.Resource.ID)
	b = appendString(append(b, `,"region":`...), v.Resource.Region)
	b = appendString(append(b, `,"type":`...), v.Resource.Type)
	b = appendString(append(b, `},"result":`...), string(v.Result))
	b = appendString(append(b, `,"rule_id":`...), v.RuleID)
	b = appendString(append(b, `,"rule_version":`...), v.RuleVersion)
	if len(v.Unread) > 0 {
		unread, err := Canonical(StorableUnread(v.Unread))
		if err != nil {
			return nil, fmt.Errorf("write verdict of %s: %w", v.RuleID, err)
		}
		b = append(append(b, `,"unread":`...), unread...)
	}
	return append(b, '}'), nil
}

// VerdictHashes returns the hash of every verdict.
func VerdictHashes(verdicts []posture.Verdict) ([][32]byte, error) {
	hashes := make([][32]byte, len(verdicts))
	err := parts(len(verdicts), func(from, to int) (err error) {
		var data []byte
		for i := from; i < to && err == nil; i++ {
			data, err = appendVerdict(data[:0], &verdicts[i])
			hashes[i] = sha256.Sum256(data)
		}
		return err
	})
	return hashes, err
}

// Hashes sorts the leaves and returns the hash that each has in the tree. It returns posture.ErrInvalid when two leaves have
// the same name.
func Hashes(leaves []Leaf) ([]tlog.Hash, error) {
	slices.SortFunc(leaves, Leaf.Compare)
	hashes := make([]tlog.Hash, len(leaves))
	err := parts(len(leaves), func(from, to int) error {
		data := []byte{0} // RFC 9162: what is hashed for a leaf begins with 0
		for i := from; i < to; i++ {
			leaf := &leaves[i]
			if i > 0 && leaf.Compare(leaves[i-1]) == 0 {
				return fmt.Errorf("%w: %s %s %s %q is there twice", posture.ErrInvalid, leaf.Kind, leaf.Region, leaf.Type, leaf.ID)
			}
			data = leaf.AppendJSON(data[:1])
			hashes[i] = sha256.Sum256(data)
		}
		return nil
	})
	return hashes, err
}

// Root returns the root of the Merkle tree (RFC 9162) over leaves with these hashes; that of none is the SHA-256 of nothing.
func Root(hashes []tlog.Hash) tlog.Hash {
	var tree stack
	for _, hash := range hashes {
		tree.add(hash)
	}
	return tree.root()
}

// parts cuts 0 to n into one part for each processor when there is enough to do, and runs fn on all of them at once.
func parts(n int, fn func(from, to int) error) error {
	errs := make([]error, min(runtime.GOMAXPROCS(0), 1+n/1000))
	var wait sync.WaitGroup
	for part := range errs {
		wait.Go(func() { errs[part] = fn(part*n/len(errs), (part+1)*n/len(errs)) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// stack builds the root from left to right and holds only the roots of the complete subtrees so far, largest first.
type stack []subtree

type subtree struct {
	leaves int
	hash   tlog.Hash
}

func (s *stack) add(leaf tlog.Hash) {
	t := subtree{1, leaf}
	for len(*s) > 0 && (*s)[len(*s)-1].leaves == t.leaves {
		t = subtree{2 * t.leaves, tlog.NodeHash((*s)[len(*s)-1].hash, t.hash)}
		*s = (*s)[:len(*s)-1]
	}
	*s = append(*s, t)
}

func (s stack) root() tlog.Hash {
	if len(s) == 0 {
		return sha256.Sum256(nil)
	}
	root := s[len(s)-1].hash
	for i := len(s) - 2; i >= 0; i-- {
		root = tlog.NodeHash(s[i].hash, root)
	}
	return root
}

// appendString appends s, made Text, as a canonical JSON string: only what JSON demands is escaped, in its shortest form.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = Text(s)
	}
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(append(b, s[start:]...), '"')
}
