package ledger

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func newSigner(t *testing.T, name string, from time.Time) *Signer {
	t.Helper()
	secret, err := GenerateSigner(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(secret, from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheckpoint(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC)
	first := newSigner(t, "", at.Add(-time.Hour))
	second := newSigner(t, first.Origin, at)
	stranger := newSigner(t, "", at.Add(-time.Hour))
	head := Checkpoint{Size: 7, Root: tlog.RecordHash([]byte("x")), At: at}
	signed, err := first.SignCheckpoint(head)
	if err != nil {
		t.Fatal(err)
	}
	fromPEM, err := NewKey(first.Key.PEM, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ended := first.Key
	ended.Until = posture.Some(at)
	for name, test := range map[string]struct {
		message string
		keys    []Key
		want    error
	}{
		"the key that signed":                     {string(signed), []Key{first.Key}, nil},
		"a key from its PEM form":                 {string(signed), []Key{fromPEM}, nil},
		"among several keys":                      {string(signed), []Key{second.Key, first.Key}, nil},
		"the same key twice":                      {string(signed), []Key{first.Key, first.Key}, nil},
		"the next key of the installation":        {string(signed), []Key{second.Key}, ErrUntrusted},
		"a key that ended at that very moment":    {string(signed), []Key{ended}, ErrUntrusted},
		"a stranger's key":                        {string(signed), []Key{stranger.Key}, ErrUntrusted},
		"another size under the same signature":   {strings.Replace(string(signed), "\n7\n", "\n8\n", 1), []Key{first.Key}, ErrUntrusted},
		"no signature":                            {head.Text(), []Key{first.Key}, posture.ErrInvalid},
		"nothing":                                 {"", []Key{first.Key}, posture.ErrInvalid},
		"a signed note that is not a checkpoint":  {signedNote(t, first, "hello\n"), []Key{first.Key}, posture.ErrInvalid},
		"a checkpoint of another installation":    {signedNote(t, first, Checkpoint{"other", 7, head.Root, at}.Text()), []Key{first.Key}, ErrUntrusted},
		"a checkpoint whose numbers have a zero":  {signedNote(t, first, strings.Replace(named(head, first).Text(), "\n7\n", "\n07\n", 1)), []Key{first.Key}, posture.ErrInvalid},
		"a checkpoint with one line more than it": {signedNote(t, first, named(head, first).Text()+"more\n"), []Key{first.Key}, posture.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := OpenCheckpoint([]byte(test.message), test.keys)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err == nil && got != named(head, first) {
				t.Errorf("got %+v", got)
			}
		})
	}
	if first.Key.ID == second.Key.ID || first.Origin != second.Origin {
		t.Errorf("keys %s and %s", first.Key.ID, second.Key.ID)
	}
}

func named(c Checkpoint, s *Signer) Checkpoint {
	c.Origin = s.Origin
	return c
}

func signedNote(t *testing.T, s *Signer, text string) string {
	t.Helper()
	signed, err := s.signNote(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func TestTreeIsTheRootOfItsLeaves(t *testing.T) {
	var leaves []Leaf
	var tree Tree
	for _, id := range []string{"a", "a b", "b", "c", "d"} {
		leaves = append(leaves, Leaf{Kind: KindResource, Account: "aws:1", Region: "eu", Type: "t", ID: id})
		if err := tree.Add(leaves[len(leaves)-1]); err != nil {
			t.Fatal(err)
		}
		hashes, err := Hashes(leaves)
		if err != nil || Root(hashes) != tree.Root() {
			t.Errorf("after %s the roots differ, %v", id, err)
		}
	}
	for _, l := range []Leaf{leaves[4], leaves[0], {Kind: KindCell}} {
		if err := tree.Add(l); !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("%+v out of order: %v", l, err)
		}
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	secret, err := GenerateSigner(rand.Reader, "")
	if err != nil {
		f.Fatal(err)
	}
	s, err := NewSigner(secret, time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	signed, err := s.SignCheckpoint(Checkpoint{Size: 3, At: time.Unix(1, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, message []byte) {
		if c, err := OpenCheckpoint(message, []Key{s.Key}); err == nil && c.Size != 3 {
			t.Errorf("accepted %+v", c)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(Checkpoint{Origin: "o", Size: 3, At: time.Unix(1, 0)}.Text())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCheckpoint(text); err == nil && c.Text() != text {
			t.Errorf("%q reads as %+v", text, c)
		}
	})
}
