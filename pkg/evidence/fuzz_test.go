package evidence

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func testSigner(t testing.TB) *ledger.Signer {
	t.Helper()
	secret, err := ledger.GenerateSigner(rand.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ledger.NewSigner(secret, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tarOf(t testing.TB, name, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	tw := tar.NewWriter(gz)
	if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, err := tw.Write([]byte(text))
	if err := errors.Join(err, tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// FuzzUnpack feeds archives: whatever they hold, nothing is written outside, and errors are those of a bad archive.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, "manifest.json", "{}"), false)
	f.Add(tarOf(f, "../x", "{}"), false)
	var zipped bytes.Buffer
	zw := zip.NewWriter(&zipped)
	w, err := zw.Create("a/b")
	if err != nil {
		f.Fatal(err)
	}
	_, _ = w.Write([]byte("x"))
	_ = zw.Close()
	f.Add(zipped.Bytes(), true)
	f.Fuzz(func(t *testing.T, data []byte, zipped bool) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if zipped {
			err = unzip(bytes.NewReader(data), int64(len(data)), root)
		} else {
			err = untar(bytes.NewReader(data), root)
		}
		if err != nil && !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("%v", err)
		}
		if list, err := os.ReadDir(parent); err != nil || len(list) != 1 {
			t.Errorf("%d entries outside, %v", len(list)-1, err)
		}
	})
}

func FuzzRows(f *testing.F) {
	f.Add([]byte(`{"account":"aws:1","snapshots":[1,2],"rule_id":"r","resource":{"type":"t","region":"eu","id":"x"},"result":"pass"}` + "\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		for row, err := range rowsOf[Result](bytes.NewReader(data)) {
			if n++; err != nil {
				break
			}
			if _, err := ledger.VerdictHash(row.Verdict); err != nil {
				t.Errorf("row %d: %v", n, err)
			}
		}
		if n > 1+bytes.Count(data, []byte("\n")) {
			t.Errorf("%d rows of %d lines", n, bytes.Count(data, []byte("\n")))
		}
	})
}

// FuzzEnvelope: no envelope but the signed one is taken for the manifest's.
func FuzzEnvelope(f *testing.F) {
	signer := testSigner(f)
	payload := []byte(`{"schema":"plumbline/package/1"}`)
	good, err := signEnvelope(payload, signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := openEnvelope(data, payload, []ledger.Key{signer.Key}, time.Unix(1, 0)); err == nil && !bytes.Equal(data, good) {
			t.Errorf("taken: %s", data)
		}
	})
}

func FuzzTypes(f *testing.F) {
	f.Add("aws.test.bucket", "string", "")
	f.Add("aws.test.bucket", "object", "aws.test.bucket.rules")
	f.Fuzz(func(t *testing.T, name, kind, object string) {
		list, err := Types([]Type{{name, []Field{{Name: name, Kind: kind, Object: object}}}})
		if err == nil && Describe(list)[0].Fields[0].Kind != kind {
			t.Errorf("%s of kind %q came back another", name, kind)
		}
	})
}

func TestRootIsThatOfRFC9162(t *testing.T) {
	if root, err := Root(nil); err != nil || root.String() != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("of no files: %s %v", root, err)
	}
	if _, err := Root([]File{{Path: "b"}, {Path: "a"}}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("out of order: %v", err)
	}
	if _, err := Root([]File{{Path: "a"}, {Path: "a"}}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("twice: %v", err)
	}
}
