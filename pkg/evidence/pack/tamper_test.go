package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

// verify verifies a package and returns the exit code with the paths of its problems.
func verify(t *testing.T, name string, trust evidence.Trust) (int, []string) {
	t.Helper()
	r, err := evidence.VerifyPath(name, trust)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range r.Problems {
		paths = append(paths, p.Path)
	}
	return r.Code(), paths
}

// TestEveryFileIsGuarded changes each file of a package in every way, and each must be found and named.
func TestEveryFileIsGuarded(t *testing.T) {
	w, head := story(t)
	dir, _ := w.build(w.request(2, head))
	trust := evidence.Trust{Keys: []ledger.Key{w.signer.Key}}
	files := readAll(t, dir)
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(at(path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tried := map[string]int{}
	for path, text := range files {
		lines := strings.SplitAfter(text, "\n")
		changes := map[string]string{"empty": "", "one byte more": text + "x", "cut by one byte": text[:max(0, len(text)-1)]}
		for _, n := range []int{0, len(text) / 3, len(text) / 2, len(text) - 1} {
			if n >= 0 && n < len(text) {
				changes[fmt.Sprintf("byte %d flipped", n)] = text[:n] + string([]byte{text[n] ^ 1}) + text[n+1:]
			}
		}
		if len(lines) > 2 {
			changes["first line dropped"] = strings.Join(lines[1:], "")
			changes["last line dropped"] = strings.Join(lines[:len(lines)-2], "")
			swapped := slices.Clone(lines)
			swapped[0], swapped[1] = swapped[1], swapped[0]
			changes["lines in another order"] = strings.Join(swapped, "")
			changes["a line twice"] = lines[0] + text
		}
		for what, changed := range changes {
			if changed == text {
				continue
			}
			tried[what]++
			put(path, changed)
			if code, paths := verify(t, dir, trust); code != evidence.Altered || !slices.Contains(paths, path) {
				// What the envelope says of a changed manifest is the envelope's fault as well, and both are named.
				if path != evidence.ManifestFile || code != evidence.Altered || !slices.Contains(paths, evidence.EnvelopeFile) {
					t.Errorf("%s, %s: exit code %d, named %v", path, what, code, paths)
				}
			}
			put(path, text)
		}
		if err := os.Remove(at(path)); err != nil {
			t.Fatal(err)
		}
		if code, paths := verify(t, dir, trust); code != evidence.Missing || !slices.Equal(paths, []string{path}) {
			t.Errorf("%s deleted: exit code %d, named %v", path, code, paths)
		}
		if err := os.Symlink("/etc/passwd", at(path)); err != nil {
			t.Fatal(err)
		}
		if code, paths := verify(t, dir, trust); code != evidence.Altered || !slices.Contains(paths, path) {
			t.Errorf("%s is a link: exit code %d, named %v", path, code, paths)
		}
		if err := os.Remove(at(path)); err != nil {
			t.Fatal(err)
		}
		put(path, text)
		added := path + ".more"
		put(added, text)
		if code, paths := verify(t, dir, trust); code != evidence.Altered || !slices.Equal(paths, []string{added}) {
			t.Errorf("%s added: exit code %d, named %v", added, code, paths)
		}
		if err := os.Remove(at(added)); err != nil {
			t.Fatal(err)
		}
	}
	if code, paths := verify(t, dir, trust); code != evidence.Good {
		t.Fatalf("put back as it was: exit code %d, %v", code, paths)
	}
	if len(files) < 40 || tried["byte 0 flipped"] < 38 || tried["lines in another order"] < 12 {
		t.Errorf("%d files, tried %v", len(files), tried)
	}
}

// reseal writes the manifest of a changed package anew and signs it with a key.
func reseal(t *testing.T, dir string, signer *ledger.Signer, keep func(*evidence.Manifest)) {
	t.Helper()
	var m evidence.Manifest
	files := readAll(t, dir)
	if err := json.Unmarshal([]byte(files[evidence.ManifestFile]), &m); err != nil {
		t.Fatal(err)
	}
	m.Files, m.Rows = nil, nil
	for path, text := range files {
		if path == evidence.ManifestFile || path == evidence.EnvelopeFile {
			continue
		}
		sum := sha256.Sum256([]byte(text))
		m.Files = append(m.Files, evidence.File{Path: path, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
		if strings.HasSuffix(path, ".jsonl") {
			m.Rows = append(m.Rows, evidence.FileRows{Path: path, Rows: strings.Count(text, "\n")})
		}
	}
	if keep != nil {
		keep(&m)
	}
	manifest, envelope, err := m.Seal(signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{evidence.ManifestFile: manifest, evidence.EnvelopeFile: envelope} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhoeverHoldsTheKeyIsFoundByTheLog changes files and signs the package again, with the installation's own key.
func TestWhoeverHoldsTheKeyIsFoundByTheLog(t *testing.T) {
	w, head := story(t)
	trust := evidence.Trust{Keys: []ledger.Key{w.signer.Key}}
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("nothing to replace: %s", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	dropLine := func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }
	for name, test := range map[string]struct {
		file   string
		change func(string) string
		named  string
	}{
		"a failed result passes":             {evidence.ResultsFile, replace(`"result":"fail"`, `"result":"pass"`), evidence.ResultsFile},
		"a reason says something else":       {evidence.ResultsFile, replace(`not met: `, `nearly met: `), evidence.SnapshotsFile},
		"a result is dropped":                {evidence.ResultsFile, dropLine, evidence.ResultsFile},
		"a result is there twice":            {evidence.ResultsFile, func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line + "\n" + s }, evidence.ResultsFile},
		"a setting is another":               {evidence.ResourcesFile, replace(`"public":true`, `"public":false`), evidence.ResourcesFile},
		"a resource is dropped":              {evidence.ResourcesFile, dropLine, evidence.SnapshotsFile},
		"a refused cell is complete":         {evidence.CellsFile, replace(`"state":"denied"`, `"state":"complete"`), evidence.SnapshotsFile},
		"a cell is dropped":                  {evidence.CellsFile, dropLine, evidence.SnapshotsFile},
		"a snapshot is from another day":     {evidence.SnapshotsFile, replace("2026-03-03T06:00:00Z", "2026-03-04T06:00:00Z"), evidence.SnapshotsFile},
		"a snapshot is dropped":              {evidence.SnapshotsFile, dropLine, evidence.SnapshotsFile},
		"a record of the log is another":     {evidence.ProofsFile, replace(`schedule`, `Schedule`), evidence.ProofsFile},
		"an entry of the audit log is gone":  {evidence.AuditFile, dropLine, evidence.AuditFile},
		"an entry of the audit log is other": {evidence.AuditFile, replace("clara@example.com", "karla@example.com"), evidence.AuditFile},
		"a head before is another":           {evidence.ConsistencyFile, replace(`"size":2`, `"size":1`), evidence.ConsistencyFile},
		"a checkpoint is of another time":    {evidence.CheckpointFile, replace("2026-03-04", "2026-03-05"), evidence.CheckpointFile},
		"an answer is another":               {"", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := w.build(w.request(2, head))
			if test.change == nil {
				raw, err := filepath.Glob(filepath.Join(dir, "raw", "*"))
				if err != nil || len(raw) == 0 {
					t.Fatal(err)
				}
				test.file, test.change = "raw/"+filepath.Base(raw[0]), func(s string) string { return s + " " }
				test.named = test.file
			}
			path := filepath.Join(dir, filepath.FromSlash(test.file))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.change(string(data))), 0o644); err != nil {
				t.Fatal(err)
			}
			reseal(t, dir, w.signer, nil)
			code, paths := verify(t, dir, trust)
			if want := evidence.Altered; code != want && test.file != evidence.CheckpointFile || code == evidence.Good || !slices.Contains(paths, test.named) {
				t.Errorf("exit code %d, named %v, want %s", code, paths, test.named)
			}
		})
	}
	t.Run("a result passes and the count goes along", func(t *testing.T) {
		dir, _ := w.build(w.request(2, head))
		path := filepath.Join(dir, evidence.ResultsFile)
		data, _ := os.ReadFile(path)
		if err := os.WriteFile(path, bytes.Replace(data, []byte(`"result":"fail"`), []byte(`"result":"pass"`), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		reseal(t, dir, w.signer, func(m *evidence.Manifest) { m.Counts.Fail--; m.Counts.Pass++ })
		if code, paths := verify(t, dir, trust); code != evidence.Altered || !slices.Contains(paths, evidence.SnapshotsFile) {
			t.Errorf("exit code %d, named %v", code, paths)
		}
		p, err := evidence.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		again, err := p.Reperform("")
		if err != nil || len(again.Differences) != 1 || again.Differences[0].Rule != "aws-test-bucket-private" {
			t.Errorf("judged again: %v %+v", err, again.Differences)
		}
		if one, err := p.Reperform("aws-test-account-logged"); err != nil || len(one.Differences) > 0 || one.Judged != 2 {
			t.Errorf("one rule judged again: %v %+v", err, one)
		}
	})
}

func TestTrust(t *testing.T) {
	w, head := story(t)
	heads, err := w.db.Heads(context.Background(), 0)
	if err != nil || len(heads) != 2 {
		t.Fatalf("%v %d heads", err, len(heads))
	}
	good, _ := w.build(w.request(2, head))
	stranger := newSigner(t, "")
	resigned, _ := w.build(w.request(2, head))
	reseal(t, resigned, stranger, nil)
	forged, _ := w.build(w.request(2, head))
	forgedName := newSigner(t, w.signer.Origin)
	reseal(t, forged, forgedName, nil)
	later := newSigner(t, w.signer.Origin)
	later.Key.From = day(40)
	trusted := []ledger.Key{w.signer.Key}
	pem, err := evidence.ParseKeys([]byte(w.signer.Key.PEM))
	if err != nil {
		t.Fatal(err)
	}
	text, err := evidence.ParseKeys([]byte(w.signer.Key.Text + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	// An installation with the same key that tells another history: rewritten, and every hash of the log with it.
	rewritten := newWorld(t)
	rewritten.signer = w.signer
	rewritten.scan(day(0), account("111122223333"), []thing{}, []thing{aBucket("logs", false)})
	for n := range 4 {
		rewritten.scan(day(1).AddDate(0, 0, n), account("111122223333"), []thing{}, []thing{aBucket("logs", false)})
		rewritten.head(day(1).AddDate(0, 0, n).Add(1e12))
	}
	list, err := rewritten.db.Heads(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	anew, _ := rewritten.build(rewritten.request(4, list[len(list)-1]))
	strangers, err := stranger.SignCheckpoint(ledger.Checkpoint{Size: 2, Root: heads[0].Root, At: day(0)})
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := w.signer.SignCheckpoint(ledger.Checkpoint{Size: 1, Root: heads[0].Root, At: day(0)})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		dir  string
		keys []ledger.Key
		head string
		want int
		path string
	}{
		"the installation's key":                       {good, trusted, "", evidence.Good, ""},
		"as PEM":                                       {good, pem, "", evidence.Good, ""},
		"as text":                                      {good, text, "", evidence.Good, ""},
		"no key: nothing changed since signing":        {good, nil, "", evidence.Good, ""},
		"another key":                                  {good, []ledger.Key{stranger.Key}, "", evidence.Untrusted, evidence.EnvelopeFile},
		"a key that was not valid yet":                 {good, []ledger.Key{later.Key}, "", evidence.Untrusted, evidence.EnvelopeFile},
		"signed again by a stranger":                   {resigned, trusted, "", evidence.Untrusted, evidence.EnvelopeFile},
		"signed again, and no key given":               {resigned, nil, "", evidence.Untrusted, evidence.EnvelopeFile},
		"signed again under the installation's name":   {forged, trusted, "", evidence.Untrusted, evidence.EnvelopeFile},
		"a head from before":                           {good, trusted, heads[0].Note, evidence.Good, ""},
		"the head of the package":                      {good, trusted, heads[1].Note, evidence.Good, ""},
		"a head of a stranger":                         {good, trusted, string(strangers), evidence.Untrusted, evidence.CheckpointFile},
		"a head of a size nothing is shown about":      {good, trusted, string(unknown), evidence.Untrusted, evidence.CheckpointFile},
		"something that is no head":                    {good, trusted, "hello", evidence.Untrusted, evidence.CheckpointFile},
		"a log written anew, held against an old head": {anew, trusted, heads[0].Note, evidence.Untrusted, evidence.CheckpointFile},
		"a log written anew, by itself":                {anew, trusted, "", evidence.Good, ""},
	} {
		t.Run(name, func(t *testing.T) {
			trust := evidence.Trust{Keys: test.keys}
			if test.head != "" {
				trust.Head = []byte(test.head)
			}
			code, paths := verify(t, test.dir, trust)
			if code != test.want || test.path != "" && !slices.Contains(paths, test.path) {
				t.Errorf("exit code %d, named %v, want %d %s", code, paths, test.want, test.path)
			}
		})
	}
}

// TestArchivesStayInside feeds archives whose names lead elsewhere.
func TestArchivesStayInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "victim")
	for _, name := range []string{"../victim", "/etc/victim", "a/../../victim", `..\victim`, "a//b", "./a", "a/", "", outside, "C:victim", "a\x00b", "é", strings.Repeat("a", 600)} {
		var packed bytes.Buffer
		gz := gzip.NewWriter(&packed)
		tw := tar.NewWriter(gz)
		if err := tw.WriteHeader(&tar.Header{Name: name, Size: 1, Mode: 0o644, Typeflag: tar.TypeReg}); err == nil {
			_, _ = tw.Write([]byte("x"))
		}
		_, _ = tw.Close(), gz.Close()
		refused(t, name, "p.tar.gz", packed.Bytes())
		var zipped bytes.Buffer
		zw := zip.NewWriter(&zipped)
		f, err := zw.Create(name)
		if err == nil {
			_, _ = f.Write([]byte("x"))
		}
		_ = zw.Close()
		refused(t, name, "p.zip", zipped.Bytes())
	}
	for kind, header := range map[string]tar.Header{
		"a link":       {Name: "manifest.json", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
		"a hard link":  {Name: "manifest.json", Linkname: "/etc/passwd", Typeflag: tar.TypeLink},
		"a device":     {Name: "manifest.json", Typeflag: tar.TypeChar},
		"a directory":  {Name: "manifest.json/", Typeflag: tar.TypeDir},
		"a named pipe": {Name: "manifest.json", Typeflag: tar.TypeFifo},
	} {
		var packed bytes.Buffer
		gz := gzip.NewWriter(&packed)
		tw := tar.NewWriter(gz)
		if err := tw.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		_, _ = tw.Close(), gz.Close()
		refused(t, kind, "p.tar.gz", packed.Bytes())
	}
	var twice bytes.Buffer
	zw := zip.NewWriter(&twice)
	for range 2 {
		f, _ := zw.Create("manifest.json")
		_, _ = f.Write([]byte("{}"))
	}
	_ = zw.Close()
	refused(t, "a file twice", "p.zip", twice.Bytes())
	if _, err := os.Stat(outside); err == nil {
		t.Error("an archive wrote outside")
	}
}

func refused(t *testing.T, what, file string, data []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := evidence.VerifyPath(name, evidence.Trust{})
	if err != nil || r.Code() != evidence.Altered && r.Code() != evidence.Missing {
		t.Errorf("%q in %s: %v, exit code %d", what, file, err, r.Code())
	}
}

func TestTrace(t *testing.T) {
	w, head := story(t)
	dir, _ := w.build(w.request(2, head))
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	list, err := p.Trace("aws-test-bucket-private/site")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %d traces", err, len(list))
	}
	got := list[0]
	if got.Rule.File != "rules/aws/test/bucket-private.yaml" || got.Settings == nil || len(got.Cells) != 1 || len(got.Calls) != 1 || got.Snapshot.Seq != 2 {
		t.Errorf("trace %+v", got)
	}
	if c := got.Calls[0]; c.Operation != "Test.Listbucket" || !strings.HasPrefix(c.RequestID, "req-") || !strings.Contains(c.Fragment, "site") || c.Repeat != "aws test listbucket --region eu-west-1" {
		t.Errorf("call %+v", c)
	}
	if list, err := p.Trace("aws-test-bucket-logged/site"); err != nil || len(list) != 1 || len(list[0].Cells) != 2 {
		t.Errorf("a rule with inputs rests on %+v %v", list, err)
	}
	if list, err := p.Trace("1"); err != nil || len(list) != 1 {
		t.Errorf("by line: %v %+v", err, list)
	}
	if _, err := p.Trace("aws-test-bucket-private/none"); err == nil {
		t.Error("a result that is not there was traced")
	}
}
