package pack

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
)

// TestInstructions follows VERIFY.md to the letter: on a good package, and on packages with one thing wrong.
func TestInstructions(t *testing.T) {
	for _, tool := range []string{"python3", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is needed", tool)
			}
			t.Skipf("%s is needed", tool)
		}
	}
	w, head := story(t)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(verifyText, -1)
	if len(blocks) != 5 {
		t.Fatalf("%d blocks", len(blocks))
	}
	run := func(t *testing.T, dir string, block string) (string, error) {
		script := "set -e\n" + strings.ReplaceAll(block, "/tmp/package", filepath.Join(t.TempDir(), "package"))
		cmd := exec.Command("bash", "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	good, _ := w.build(w.request(2, head))
	for i, block := range blocks {
		if out, err := run(t, good, block[1]); err != nil {
			t.Errorf("block %d on a good package: %v\n%s", i+1, err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(good, "VERIFY.md"))
	if err != nil || !strings.Contains(string(text), w.signer.Key.ID) || strings.Contains(string(text), "KEYID") {
		t.Errorf("the instructions do not name the key: %v", err)
	}
	for name, test := range map[string]struct {
		block  int
		change func(dir string) error
	}{
		"a byte is flipped": {1, edit(evidence.ResultsFile, "pass", "Pass")},
		"a file is gone":    {1, func(dir string) error { return os.Remove(filepath.Join(dir, evidence.GapsFile)) }},
		"a file is added":   {1, func(dir string) error { return os.WriteFile(filepath.Join(dir, "raw", "more"), nil, 0o644) }},
		"the root is not that of the files": {2, func(dir string) error {
			path := filepath.Join(dir, filepath.FromSlash(evidence.ManifestFile))
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			at := strings.Index(string(data), `"sha256":"`) + len(`"sha256":"`)
			data[at] = map[bool]byte{true: '1', false: '0'}[data[at] == '0']
			return os.WriteFile(path, data, 0o644)
		}},
		"the manifest was changed": {3, edit(evidence.ManifestFile, `"type":"type1"`, `"type":"type2"`)},
		"another key": {3, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, evidence.KeyFile), []byte(newSigner(t, "").Key.PEM), 0o644)
		}},
		"a setting is another":           {4, edit(evidence.ResourcesFile, `"public":true`, `"public":false`)},
		"a record of the log is another": {5, edit(evidence.ProofsFile, "schedule", "Schedule")},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := w.build(w.request(2, head))
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			if out, err := run(t, dir, blocks[test.block-1][1]); err == nil {
				t.Errorf("block %d found nothing:\n%s", test.block, out)
			}
		})
	}
}

func edit(file, old, new string) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed := strings.Replace(string(data), old, new, 1)
		if changed == string(data) {
			return os.ErrInvalid
		}
		return os.WriteFile(path, []byte(changed), 0o644)
	}
}
