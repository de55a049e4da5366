package pack

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// stamp is the time of every file in an archive, which can hold none before 1980.
var stamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Archive packs a directory into name, .tar.gz, .tgz or .zip: the same files always give the same bytes.
func Archive(dir, name string) (err error) {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(fmt.Errorf("write archive %s: %w", name, err), os.Remove(name))
		}
	}()
	if strings.HasSuffix(name, ".zip") {
		return zipped(os.DirFS(dir), out)
	}
	return tarred(os.DirFS(dir), out)
}

// ArchiveName reports whether name is that of an archive. An ending that is neither an archive's nor a directory's is posture.ErrInvalid.
func ArchiveName(name string) (bool, error) {
	for _, ending := range []string{".tar.gz", ".tgz", ".zip"} {
		if strings.HasSuffix(name, ending) {
			return true, nil
		}
	}
	for _, ending := range []string{".tar", ".gz", ".7z", ".xz", ".zst"} {
		if strings.HasSuffix(name, ending) {
			return false, fmt.Errorf("%w: %s: want .tar.gz, .zip or a directory", posture.ErrInvalid, name)
		}
	}
	return false, nil
}

func tarred(dir fs.FS, out io.Writer) error {
	packed := gzip.NewWriter(out) // its header holds no time and no name
	archive := tar.NewWriter(packed)
	err := eachFile(dir, func(name string, size int64, data io.Reader) error {
		if err := archive.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: stamp, Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err := io.Copy(archive, data)
		return err
	})
	return errors.Join(err, archive.Close(), packed.Close())
}

func zipped(dir fs.FS, out io.Writer) error {
	archive := zip.NewWriter(out)
	err := eachFile(dir, func(name string, _ int64, data io.Reader) error {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: stamp}
		h.SetMode(0o644)
		w, err := archive.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, data)
		return err
	})
	return errors.Join(err, archive.Close())
}

// eachFile walks in the order of names.
func eachFile(dir fs.FS, fn func(name string, size int64, data io.Reader) error) error {
	return fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := dir.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return fn(name, info.Size(), f)
	})
}
