package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestAllProcessesRedactWithOneKey(t *testing.T) {
	db, _ := plumbtest.Store(t)
	here, elsewhere := &app{dataDir: t.TempDir()}, &app{dataDir: t.TempDir()}
	key, err := here.sameRedactionKey(t.Context(), db, "")
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	again, err := here.sameRedactionKey(t.Context(), db, "")
	if err != nil || string(again) != string(key) {
		t.Errorf("the next process has another key, %v", err)
	}
	if _, err := elsewhere.sameRedactionKey(t.Context(), db, ""); !errors.Is(err, posture.ErrSetup) || !strings.Contains(err.Error(), "redaction_key_file") {
		t.Errorf("on another host without the file: %v", err)
	}
	if files, _ := filepath.Glob(elsewhere.dataDir + "/*"); len(files) > 0 {
		t.Errorf("left behind %v", files)
	}
	copied := filepath.Join(elsewhere.dataDir, "copied.key")
	if err := os.WriteFile(copied, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := elsewhere.sameRedactionKey(t.Context(), db, copied); err != nil || string(again) != string(key) {
		t.Errorf("on another host with the file: %v", err)
	}
	key[0]++
	if err := os.WriteFile(copied, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.sameRedactionKey(t.Context(), db, copied); !errors.Is(err, posture.ErrSetup) || !strings.Contains(err.Error(), "not the one") {
		t.Errorf("with another key: %v", err)
	}
	if err := os.WriteFile(copied, key[:5], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.sameRedactionKey(t.Context(), db, copied); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("with a short key: %v", err)
	}
	log, err := db.AuditLog(t.Context(), store.AuditFilter{Action: access.KeyManage})
	if err != nil || len(log) != 1 || strings.Contains(log[0].After, string(key)) {
		t.Errorf("audit log %+v, %v", log, err)
	}
}
