// Package keyring keeps an installation's signing keys in a directory: the secret of the one that signs, and the public ones of all
// times.
package keyring

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The files of the directory. History is published; nothing but the secret is to be kept from anyone.
const (
	History = "keys.json"
	secret  = "signing.key"
)

// Ring is the key that signs and all that ever did, oldest first.
type Ring struct {
	Signer *ledger.Signer
	Keys   []ledger.Key
}

// Open reads the keys below dir; the first time, it makes one that is valid from now on.
func Open(dir string, now time.Time) (*Ring, error) {
	history, err := os.ReadFile(filepath.Join(dir, History))
	if errors.Is(err, fs.ErrNotExist) {
		return add(dir, nil, "", now)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read keys: %w", posture.ErrSetup, err)
	}
	var r Ring
	if err := json.Unmarshal(history, &r.Keys); err != nil || len(r.Keys) == 0 {
		return nil, fmt.Errorf("%w: %s in %s holds no keys", posture.ErrSetup, History, dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, secret))
	if err != nil {
		return nil, fmt.Errorf("%w: read signing key: %w", posture.ErrSetup, err)
	}
	newest := r.Keys[len(r.Keys)-1]
	if r.Signer, err = ledger.NewSigner(string(text), newest.From); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", posture.ErrSetup, secret, err)
	}
	if r.Signer.Key.ID != newest.ID {
		return nil, fmt.Errorf("%w: the signing key is %s, the newest in %s is %s", posture.ErrSetup, r.Signer.Key.ID, History, newest.ID)
	}
	return &r, nil
}

// Rotate ends the key that signs and makes another. What the old one signed stays valid.
func (r *Ring) Rotate(dir string, now time.Time) (*Ring, error) {
	now = now.UTC().Truncate(time.Microsecond)
	keys := append([]ledger.Key{}, r.Keys...)
	keys[len(keys)-1].Until = posture.Some(now)
	return add(dir, keys, r.Signer.Origin, now)
}

func add(dir string, keys []ledger.Key, origin string, now time.Time) (*Ring, error) {
	text, err := ledger.GenerateSigner(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	signer, err := ledger.NewSigner(text, now.UTC().Truncate(time.Microsecond))
	if err != nil {
		return nil, err
	}
	r := &Ring{signer, append(keys, signer.Key)}
	history, err := json.MarshalIndent(r.Keys, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: keys: %w", posture.ErrSetup, err)
	}
	for _, f := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{secret, []byte(text + "\n"), 0o600}, {History, append(history, '\n'), 0o644}} {
		if err := replace(filepath.Join(dir, f.name), f.data, f.mode); err != nil {
			return nil, fmt.Errorf("%w: write keys: %w", posture.ErrSetup, err)
		}
	}
	return r, nil
}

// replace writes a file whole or not at all.
func replace(name string, data []byte, mode fs.FileMode) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, data, mode); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}
