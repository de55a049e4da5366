package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// TestBackupAndRestore follows docs/operations.md: pg_dump, pg_restore into an empty cluster, and what was sealed is what it was and still
// cannot be changed.
func TestBackupAndRestore(t *testing.T) {
	db, url := plumbtest.Store(t)
	sealed, err := db.Seal(t.Context(), plumbtest.Sealing(0, plumbtest.Resource("logs", map[string]any{"name": "logs"})))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, "users", "add", "ann@example.com", "--name", "Ann", "--database-url", url); code != 0 {
		t.Fatal(errs)
	}
	bin, err := embedpg.Programs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dump := filepath.Join(t.TempDir(), "plumbline.dump")
	if out, err := exec.Command(filepath.Join(bin, "pg_dump"), "--format=custom", "--file", dump, url).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other, err := embedpg.Start(t.Context(), embedpg.Options{Unsafe: true}) // another cluster: the service's role is not there yet
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Stop() })
	restored, err := other.Database(t.Context(), "restored")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"psql", restored, "-c", "CREATE ROLE plumbline_service NOLOGIN"},
		{"psql", restored, "-c", "GRANT plumbline_service TO CURRENT_USER"},
		{"pg_restore", "--no-owner", "--exit-on-error", "--dbname", restored, dump},
	} {
		if out, err := exec.Command(filepath.Join(bin, args[0]), args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	code, out, errs := command(t, "snapshots", "list", "--database-url", restored, "--output", "json")
	if code != 0 {
		t.Fatal(errs)
	}
	var list []posture.Snapshot
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0].Root != sealed.Root {
		t.Fatalf("%v %s: want the snapshot with root %s", err, out, sealed.Root)
	}
	if code, out, errs := command(t, "auditlog", "verify", "--database-url", restored); code != 0 {
		t.Errorf("the audit log does not verify: %s%s", out, errs)
	}
	if out, err := exec.Command(filepath.Join(bin, "psql"), restored, "-v", "ON_ERROR_STOP=1", "-c", "DELETE FROM snapshots").CombinedOutput(); err == nil {
		t.Errorf("sealed rows of the restored database can be deleted: %s", out)
	}
}
