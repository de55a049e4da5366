package evidence

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The types of packages.
const (
	Type1 = audit.Type1 // as of a day
	Type2 = audit.Type2 // of a period
)

// Manifest binds the files of a package together.
type Manifest struct {
	Schema    string     `json:"schema"`
	ID        string     `json:"package"` // follows from the root
	Type      string     `json:"type"`
	Audit     string     `json:"audit"`
	From      time.Time  `json:"from"` // the as-of day, or the period: begin and end
	To        time.Time  `json:"to"`
	Zone      string     `json:"time_zone"`
	Window    Window     `json:"window"`
	OffDate   *OffDate   `json:"off_date,omitempty"`
	Tool      string     `json:"tool"`
	Log       Checkpoint `json:"log"`
	Raw       string     `json:"raw"` // whole, or reference: digests only
	Files     []File     `json:"files"`
	Root      string     `json:"root"`          // hex
	Previous  string     `json:"previous_root"` // of the audit's package about the time before; may be empty
	Counts    Counts     `json:"results"`       // of the newest snapshot of each account
	Rows      []FileRows `json:"rows"`
	Snapshots int        `json:"snapshots"`
}

// Window is when the clouds were read: the first and the last call.
type Window struct {
	First time.Time `json:"first_call"`
	Last  time.Time `json:"last_call"`
}

// OffDate says that reading lies outside the day asked for.
type OffDate struct {
	Before int64  `json:"seconds_before"` // how long before the day the first call was
	After  int64  `json:"seconds_after"`  // how long after it the last one was
	Note   string `json:"note"`
}

// Checkpoint is the head of the installation's log that the package rests on.
type Checkpoint struct {
	Origin string    `json:"origin"`
	Size   int64     `json:"size"`
	Root   string    `json:"root"` // base64
	At     time.Time `json:"signed_at"`
}

// File is one file of the package.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// FileRows is how many lines a file has.
type FileRows struct {
	Path string `json:"path"`
	Rows int    `json:"rows"`
}

// Root returns the root of the Merkle tree (RFC 9162) over the files, which have to be sorted by path.
func Root(files []File) (tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(files))
	for i, f := range files {
		if i > 0 && files[i-1].Path >= f.Path {
			return tlog.Hash{}, fmt.Errorf("%w: %s is out of order", posture.ErrInvalid, f.Path)
		}
		leaf, err := ledger.Canonical(f)
		if err != nil {
			return tlog.Hash{}, err
		}
		hashes[i] = tlog.RecordHash(leaf)
	}
	return ledger.Root(hashes), nil
}

// PackageID names the package with that root.
func PackageID(root tlog.Hash) string {
	return "P-" + strings.ToLower(base32.StdEncoding.EncodeToString(root[:10]))
}

// Seal completes a manifest with its root, and returns it as it is written and signed.
func (m *Manifest) Seal(signer *ledger.Signer) (manifest, envelope []byte, err error) {
	slices.SortFunc(m.Files, func(a, b File) int { return compareText(a.Path, b.Path) })
	root, err := Root(m.Files)
	if err != nil {
		return nil, nil, err
	}
	m.Root, m.ID = hex.EncodeToString(root[:]), PackageID(root)
	if manifest, err = ledger.Canonical(m); err != nil {
		return nil, nil, fmt.Errorf("write manifest: %w", err)
	}
	envelope, err = signEnvelope(manifest, signer)
	return manifest, envelope, err
}

func parseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%w: %w", posture.ErrInvalid, err)
	}
	if m.Schema != Schema {
		return m, fmt.Errorf("%w: schema %q, want %q", posture.ErrInvalid, m.Schema, Schema)
	}
	return m, nil
}

// payloadType is what the envelope says of its payload.
const payloadType = "application/vnd.plumbline.manifest+json"

// Envelope is a DSSE envelope.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []Signature `json:"signatures"`
}

// Signature is one of an envelope's signatures.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // base64
}

// preAuthentication is what DSSE signs.
func preAuthentication(kind string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(payload)), payload...)
}

func signEnvelope(payload []byte, signer *ledger.Signer) ([]byte, error) {
	sig := signer.Sign(preAuthentication(payloadType, payload))
	return ledger.Canonical(Envelope{payloadType, base64.StdEncoding.EncodeToString(payload), []Signature{{signer.Key.ID, base64.StdEncoding.EncodeToString(sig)}}})
}

// openEnvelope checks an envelope over payload. What does not belong to this payload, or was changed, is posture.ErrInvalid; what no
// trusted key signed is ledger.ErrUntrusted. It returns the key that signed.
func openEnvelope(data, payload []byte, keys []ledger.Key, at time.Time) (ledger.Key, error) {
	var e Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return ledger.Key{}, fmt.Errorf("%w: %w", posture.ErrInvalid, err)
	}
	again, err := ledger.Canonical(e)
	if err != nil || string(again) != string(data) {
		return ledger.Key{}, fmt.Errorf("%w: the envelope is not in canonical form", posture.ErrInvalid)
	}
	signed, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil || e.PayloadType != payloadType || string(signed) != string(payload) {
		return ledger.Key{}, fmt.Errorf("%w: the envelope is not one of this manifest", posture.ErrInvalid)
	}
	if len(e.Signatures) != 1 {
		return ledger.Key{}, fmt.Errorf("%w: %d signatures, want one", posture.ErrInvalid, len(e.Signatures))
	}
	message, named := preAuthentication(payloadType, payload), e.Signatures[0].KeyID
	sig, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return ledger.Key{}, fmt.Errorf("%w: signature: %w", posture.ErrInvalid, err)
	}
	known := false
	for _, k := range keys {
		public, err := k.Public()
		if err != nil {
			return ledger.Key{}, err
		}
		known = known || isNamed(k, named)
		if !ed25519.Verify(public, message, sig) {
			continue
		}
		switch {
		case !isNamed(k, named):
			return k, fmt.Errorf("%w: signed by %s, and names the key %s", posture.ErrInvalid, k.ID, named)
		case ended(k, at):
			return k, fmt.Errorf("%w: %s had ended by %s", ledger.ErrUntrusted, k.ID, at.UTC().Format(time.RFC3339))
		}
		return k, nil
	}
	if known {
		return ledger.Key{}, fmt.Errorf("%w: the signature of %s does not fit", posture.ErrInvalid, named)
	}
	return ledger.Key{}, fmt.Errorf("%w: signed by %q", ledger.ErrUntrusted, named)
}

// ended reports whether a key signed nothing any more at a time. A package may be built, and signed, long after the head of the log
// that it rests on: that a key is younger is no fault.
func ended(k ledger.Key, at time.Time) bool {
	until, ended := k.Until.Get()
	return ended && !at.Before(until)
}

// isNamed reports whether a key, which may be known without its name, as from a PEM file, is the one with that id.
func isNamed(k ledger.Key, id string) bool {
	origin, _, _ := strings.Cut(id, "+")
	other, err := k.Named(origin)
	return err == nil && other.ID == id
}

func compareText(a, b string) int { return cmp.Compare(a, b) }
