package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

const redactionObject = "key/redaction"

// sameRedactionKey is the secret that keys the digests which stand for redacted values. Every process that scans into a database has to
// have the same, or values would seem to change from one scan to the next: the audit log tells which one it was first, by a fingerprint.
// It is in the file, "" being redaction.key of the data directory, which is made when nothing was scanned with another.
func (a *app) sameRedactionKey(ctx context.Context, db *store.Store, file string) ([]byte, error) {
	first, err := firstRedactionKey(ctx, db)
	if err != nil {
		return nil, err
	}
	path := file
	if path == "" {
		path = filepath.Join(a.dataDir, "redaction.key")
	}
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) != 32:
		return nil, fmt.Errorf("%w: redaction key %s: %d bytes, want the 32 that a process before wrote", posture.ErrSetup, path, len(key))
	case errors.Is(err, fs.ErrNotExist) && file == "" && first == "":
		if key, err = newRedactionKey(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("%w: redaction key: %w; copy the file from where the first scan into this database ran, or name it in worker.redaction_key_file", posture.ErrSetup, err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("plumbline redaction key"))
	print := hex.EncodeToString(mac.Sum(nil))
	if first == "" {
		if err := db.Audit(ctx, access.Entry{Actor: operator(), Action: access.KeyManage, Object: redactionObject, After: print, Reason: "first used"}); err != nil {
			return nil, err
		}
		if first, err = firstRedactionKey(ctx, db); err != nil { // another process may have been quicker
			return nil, err
		}
	}
	if first != print {
		return nil, fmt.Errorf("%w: redaction key %s is not the one of this database: redacted values would all seem changed; copy the file from where the first scan into it ran",
			posture.ErrSetup, path)
	}
	return key, nil
}

// firstRedactionKey is the fingerprint of the key that was first used with the database, "" for none.
func firstRedactionKey(ctx context.Context, db *store.Store) (string, error) {
	known, err := db.AuditLog(ctx, store.AuditFilter{Object: redactionObject, Action: access.KeyManage, Outcome: access.Done})
	if err != nil || len(known) == 0 {
		return "", err
	}
	return known[len(known)-1].After, nil
}

// newRedactionKey makes the key, or returns the one that another process makes at the same time.
func newRedactionKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("%w: data directory: %w", posture.ErrSetup, err)
	}
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(own)
	err := os.WriteFile(own, key, 0o600)
	if err == nil {
		err = os.Link(own, path)
	}
	if errors.Is(err, fs.ErrExist) {
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: write redaction key: %w", posture.ErrSetup, err)
	}
	return key, nil
}
