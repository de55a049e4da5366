package check

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSystemdUnits(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		missing(t, "systemd-analyze is missing: ./deploy/scripts/systemd.sh installs it on Debian and Ubuntu")
	}
	folder := t.TempDir()
	binary := filepath.Join(folder, "plumbline")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"plumbline.service", "plumbline-worker@.service"} {
		text := bytes.ReplaceAll(read(t, "deploy", "systemd", unit), []byte("/usr/local/bin/plumbline"), []byte(binary))
		path := filepath.Join(folder, unit)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, "verify", "--man=no", path).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
		if out, err := exec.Command(program, "security", "--offline=true", "--threshold=15", path).CombinedOutput(); err != nil {
			t.Errorf("%s is exposed to more than 1.5 of 10: %v\n%s", unit, err, out)
		}
	}
}
