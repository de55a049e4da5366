package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Checkpoint is a head of the log: how many records it has and the root of the tree over them. Signed, it is a note in the form of
// C2SP tlog-checkpoint, with one more line for the time.
type Checkpoint struct {
	Origin string    // names the installation
	Size   int64     // records
	Root   tlog.Hash // of their tree
	At     time.Time
}

// Text is what is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\nat %s\n", c.Origin, c.Size, c.Root, instant(c.At).Format(time.RFC3339Nano))
}

// ParseCheckpoint reads the text of a checkpoint. It returns posture.ErrInvalid for anything that Text would not write.
func ParseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) == 5 {
		size, sizeErr := strconv.ParseInt(lines[1], 10, 64)
		root, rootErr := tlog.ParseHash(lines[2])
		at, timeErr := time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[3], "at "))
		if sizeErr == nil && rootErr == nil && timeErr == nil && size > 0 {
			c = Checkpoint{Origin: lines[0], Size: size, Root: root, At: at}
		}
	}
	if c.Size == 0 || c.Text() != text {
		return Checkpoint{}, fmt.Errorf("%w: not a checkpoint of a log", posture.ErrInvalid)
	}
	return c, nil
}

// Head is a signed head of the log.
type Head struct {
	Size   int64     `json:"size"`
	Root   tlog.Hash `json:"root"`
	Signed time.Time `json:"signed_at"`
	Note   string    `json:"note"` // the signed checkpoint
}

// Key is a public key of an installation, as it is published. Keys of the past stay: what they signed while they were valid stands.
type Key struct {
	ID    string                 `json:"id"`       // "plumbline/1f2e…+9c8b7a6d"
	Text  string                 `json:"verifier"` // in the form of golang.org/x/mod/sumdb/note
	PEM   string                 `json:"pem"`      // the same for openssl
	From  time.Time              `json:"valid_from"`
	Until posture.Opt[time.Time] `json:"valid_until"` // exclusive; absent while it signs
}

// Valid reports whether the key might sign at a time.
func (k Key) Valid(at time.Time) bool {
	until, ended := k.Until.Get()
	return !at.Before(k.From) && (!ended || at.Before(until))
}

// derPrefix is what comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). Written out, because crypto/x509 would
// bring the network into a verifier that is to have none.
var derPrefix = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// NewKey describes the public key that text encodes. A PEM block of an Ed25519 key is taken as well; it then is valid at any time.
func NewKey(text string, from time.Time) (Key, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		public, ok := bytes.CutPrefix(block.Bytes, derPrefix)
		if !ok || len(public) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("%w: not an Ed25519 public key", posture.ErrInvalid)
		}
		var err error
		key := ed25519.PublicKey(public)
		if text, err = note.NewEd25519VerifierKey(origin(key), key); err != nil {
			return Key{}, err
		}
	}
	name, hash, public, err := split(text)
	if err != nil {
		return Key{}, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: slices.Concat(derPrefix, public)})
	return Key{ID: name + "+" + hash, Text: text, PEM: string(block), From: instant(from)}, nil
}

func split(text string) (name, hash string, public ed25519.PublicKey, err error) {
	if _, err := note.NewVerifier(text); err != nil {
		return "", "", nil, fmt.Errorf("%w: public key: %w", posture.ErrInvalid, err)
	}
	name, rest, _ := strings.Cut(text, "+")
	hash, encoded, _ := strings.Cut(rest, "+")
	data, err := base64.StdEncoding.DecodeString(encoded)
	return name, hash, ed25519.PublicKey(data[1:]), err
}

// Public is the key itself.
func (k Key) Public() (ed25519.PublicKey, error) {
	_, _, public, err := split(k.Text)
	return public, err
}

// Named is the key under the name of an installation: a key that came as PEM has none of its own.
func (k Key) Named(origin string) (Key, error) {
	public, err := k.Public()
	if err != nil {
		return Key{}, err
	}
	text, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return Key{}, fmt.Errorf("%w: name %q: %w", posture.ErrInvalid, origin, err)
	}
	named, err := NewKey(text, k.From)
	named.Until = k.Until
	return named, err
}

func origin(first ed25519.PublicKey) string {
	sum := sha256.Sum256(first)
	return "plumbline/" + hex.EncodeToString(sum[:8])
}

// Signer signs checkpoints and manifests.
type Signer struct {
	Key    Key
	Origin string
	note   note.Signer
	key    ed25519.PrivateKey
}

// GenerateSigner makes a key and returns its secret text, which NewSigner reads. The first key of an installation gives it its name;
// name is empty then.
func GenerateSigner(rand io.Reader, name string) (secret string, err error) {
	public, private, err := ed25519.GenerateKey(rand)
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	if name == "" {
		name = origin(public)
	}
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(text, name+"+"), "+")
	return "PRIVATE+KEY+" + name + "+" + id + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)), nil
}

// NewSigner reads the secret text of a key that is valid from a time on.
func NewSigner(secret string, from time.Time) (*Signer, error) {
	secret = strings.TrimSpace(secret)
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: signing key: %w", posture.ErrInvalid, err)
	}
	data, err := base64.StdEncoding.DecodeString(strings.SplitN(secret, "+", 5)[4]) // as NewSigner found it
	if err != nil {
		return nil, fmt.Errorf("%w: signing key: %w", posture.ErrInvalid, err)
	}
	private := ed25519.NewKeyFromSeed(data[1:])
	text, err := note.NewEd25519VerifierKey(s.Name(), private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	key, err := NewKey(text, from)
	return &Signer{Key: key, Origin: s.Name(), note: s, key: private}, err
}

// Sign signs any message.
func (s *Signer) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// SignCheckpoint returns the signed note of a checkpoint of the signer's installation.
func (s *Signer) SignCheckpoint(c Checkpoint) ([]byte, error) {
	c.Origin = s.Origin
	if _, err := ParseCheckpoint(c.Text()); err != nil {
		return nil, err
	}
	return s.signNote(c.Text())
}

func (s *Signer) signNote(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, s.note)
}

// ErrUntrusted is returned for what none of the trusted keys signed.
var ErrUntrusted = errors.New("not signed by a trusted key")

// OpenCheckpoint reads a signed checkpoint and checks it with the keys. A signature that does not fit, or of a key that was not valid
// then, is ErrUntrusted; what is no checkpoint is posture.ErrInvalid.
func OpenCheckpoint(message []byte, keys []Key) (Checkpoint, error) {
	var verifiers []note.Verifier
	seen := map[string]bool{}
	name, _, _ := strings.Cut(string(message), "\n")
	keys = slices.Clone(keys)
	for _, k := range keys {
		if named, err := k.Named(name); err == nil && named.ID != k.ID {
			keys = append(keys, named)
		}
	}
	for _, k := range keys {
		v, err := note.NewVerifier(k.Text)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("%w: public key: %w", posture.ErrInvalid, err)
		}
		if !seen[k.ID] {
			verifiers = append(verifiers, v)
		}
		seen[k.ID] = true
	}
	n, err := note.Open(message, note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	var broken *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified) || errors.As(err, &broken):
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", ErrUntrusted)
	case err != nil:
		return Checkpoint{}, fmt.Errorf("%w: checkpoint: %w", posture.ErrInvalid, err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, k := range keys {
		for _, sig := range n.Sigs {
			if k.ID == fmt.Sprintf("%s+%08x", sig.Name, sig.Hash) && k.Valid(c.At) && strings.HasPrefix(k.ID, c.Origin+"+") {
				return c, nil
			}
		}
	}
	return Checkpoint{}, fmt.Errorf("checkpoint of %s: the key was not valid then: %w", c.At.UTC().Format(time.RFC3339), ErrUntrusted)
}

// Tree computes the root of a snapshot from leaves that come in the tree's order, one at a time.
type Tree struct {
	tree stack
	last Leaf
	any  bool
	data []byte
}

// Add adds a leaf. One that does not come after the leaf before is posture.ErrInvalid.
func (t *Tree) Add(l Leaf) error {
	if t.any && t.last.Compare(l) >= 0 {
		return fmt.Errorf("%w: %s %s %s %q is out of order", posture.ErrInvalid, l.Kind, l.Region, l.Type, l.ID)
	}
	t.any, t.last = true, l
	t.data = l.AppendJSON(append(t.data[:0], 0))
	t.tree.add(sha256.Sum256(t.data))
	return nil
}

// Root returns the root over the leaves so far.
func (t *Tree) Root() tlog.Hash { return t.tree.root() }
