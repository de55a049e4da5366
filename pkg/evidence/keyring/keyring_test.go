package keyring

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

func TestKeysOfThePastStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	first, err := Open(dir, begin)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := first.Signer.SignCheckpoint(ledger.Checkpoint{Size: 1, At: begin.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Rotate(dir, begin.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, begin.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Keys) != 2 || again.Signer.Key.ID != second.Signer.Key.ID || again.Signer.Origin != first.Signer.Origin {
		t.Errorf("keys %+v", again.Keys)
	}
	if _, err := ledger.OpenCheckpoint(signed, again.Keys); err != nil {
		t.Errorf("what the first key signed: %v", err)
	}
	late, err := first.Signer.SignCheckpoint(ledger.Checkpoint{Size: 1, At: begin.AddDate(0, 2, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenCheckpoint(late, again.Keys); err == nil {
		t.Error("a key signed after its end")
	}
	if info, err := os.Stat(filepath.Join(dir, "signing.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret is open to others: %v %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, "signing.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, begin); err == nil {
		t.Error("a lost secret was replaced in silence")
	}
}
