package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

func TestHeadsAreSignedDaily(t *testing.T) {
	db, _ := plumbtest.Store(t)
	now := plumbtest.Day(0)
	db.Now = func() time.Time { return now }
	a := &app{dataDir: t.TempDir()}
	if _, err := a.sameRedactionKey(t.Context(), db, ""); err != nil { // the log has to hold something
		t.Fatal(err)
	}
	folder := t.TempDir()
	settings := config.Checkpoints{Every: 24 * time.Hour, Publish: []string{folder, filepath.Join(folder, "missing")}}
	for _, step := range []struct {
		later  time.Duration
		signed int
	}{{0, 1}, {23 * time.Hour, 1}, {time.Hour, 2}} {
		now = now.Add(step.later)
		if step.signed == 2 {
			if err := db.Audit(t.Context(), access.Entry{Actor: access.Engine, Action: access.ServiceStart, Object: "process/test"}); err != nil {
				t.Fatal(err)
			}
		}
		err := a.signWhenDue(t.Context(), db, settings)
		heads, readErr := db.Heads(t.Context(), 0)
		if readErr != nil || len(heads) != step.signed {
			t.Fatalf("after %s: %d heads, %v, %v", step.later, len(heads), readErr, err)
		}
		if signs := step.later != 23*time.Hour; signs != (err != nil) { // the folder that is missing
			t.Errorf("after %s: %v", step.later, err)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 2 {
		t.Errorf("published %v, %v", files, err)
	}
}
