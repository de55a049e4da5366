package evidence

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Package is a package of evidence that was opened for reading.
type Package struct {
	fs    fs.FS
	close func() error
}

// Open opens a package: a directory, or an archive (.tar.gz, .tgz, .zip), which is unpacked to a temporary directory. An archive whose
// entries are not plain files within it, or that is damaged, is posture.ErrInvalid.
func Open(name string) (*Package, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("open package: %w", err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, fmt.Errorf("open package: %w", err)
		}
		return &Package{root.FS(), root.Close}, nil
	}
	dir, err := os.MkdirTemp("", "plumbline-package-")
	if err != nil {
		return nil, fmt.Errorf("open package: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err == nil {
		if err = unpack(name, root); err == nil {
			return &Package{root.FS(), func() error { return errors.Join(root.Close(), os.RemoveAll(dir)) }}, nil
		}
		err = errors.Join(err, root.Close())
	}
	return nil, errors.Join(fmt.Errorf("open package %s: %w", name, err), os.RemoveAll(dir))
}

// Close removes what opening made.
func (p *Package) Close() error { return p.close() }

// Raw returns the answer of a cloud that the package holds under a digest. It does not check the digest.
func (p *Package) Raw(sha256 string) ([]byte, error) {
	if err := checkPath(RawDir + sha256); err != nil {
		return nil, err
	}
	return fs.ReadFile(p.fs, RawDir+sha256)
}

func unpack(name string, root *os.Root) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".zip") {
		return unzip(f, info.Size(), root)
	}
	return untar(f, root)
}

// maxUnpacked bounds what an archive may unpack to, in bytes.
const maxUnpacked = 1 << 40

func untar(r io.Reader, root *os.Root) error {
	packed, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return invalid("", err)
	}
	archive, left := tar.NewReader(packed), int64(maxUnpacked)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			if _, err := io.Copy(io.Discard, packed); err != nil { // to the checksum
				return invalid("", err)
			}
			return nil
		}
		if err != nil {
			return invalid("", err)
		}
		if h.Typeflag != tar.TypeReg {
			return invalid(h.Name, errors.New("not a plain file"))
		}
		if err := place(root, h.Name, archive, &left); err != nil {
			return err
		}
	}
}

func unzip(r io.ReaderAt, size int64, root *os.Root) error {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return invalid("", err)
	}
	left := int64(maxUnpacked)
	for _, f := range archive.File {
		if !f.Mode().IsRegular() {
			return invalid(f.Name, errors.New("not a plain file"))
		}
		data, err := f.Open()
		if err != nil {
			return invalid(f.Name, err)
		}
		err = place(root, f.Name, data, &left)
		_ = data.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// place writes one entry of an archive. Its name must stay within the package and be there once.
func place(root *os.Root, name string, data io.Reader, left *int64) error {
	if err := checkPath(name); err != nil {
		return err
	}
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return invalid(name, err)
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return invalid(name, err)
	}
	n, err := io.Copy(f, io.LimitReader(data, *left+1))
	if *left -= n; *left < 0 {
		err = errors.New("the archive unpacks to too much")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return invalid(name, err)
	}
	return nil
}

// checkPath refuses names that a package does not use: they could lead out of it, or mean another file elsewhere.
func checkPath(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r)
	}
	if !fs.ValidPath(name) || name == "." || len(name) > 500 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return invalid(name, errors.New("not a path of a package"))
	}
	return nil
}

// pathError is an error about one file of a package.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string {
	if e.path == "" {
		return e.err.Error()
	}
	return e.path + ": " + e.err.Error()
}
func (e *pathError) Unwrap() error { return e.err }

func invalid(path string, err error) error {
	if !errors.Is(err, posture.ErrInvalid) {
		err = fmt.Errorf("%w: %w", posture.ErrInvalid, err)
	}
	return &pathError{path, err}
}

// maxLine bounds a line, in bytes.
const maxLine = 256 << 20

// Rows reads a file of JSON lines. Lines end with a line feed, the last one too.
func Rows[T any](p *Package, name string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := p.fs.Open(name)
		if err != nil {
			yield(none, err)
			return
		}
		defer f.Close()
		for row, err := range rowsOf[T](f) {
			if err != nil {
				err = invalid(name, err)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func rowsOf[T any](r io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		lines, n := bufio.NewReaderSize(r, 1<<20), 0
		var line []byte
		for {
			var row T
			part, err := lines.ReadSlice('\n')
			line = append(line, part...)
			switch {
			case err == bufio.ErrBufferFull && len(line) < maxLine:
				continue
			case err == io.EOF && len(line) == 0:
				return
			case err == io.EOF:
				yield(row, fmt.Errorf("line %d is cut off", n+1))
				return
			case err == bufio.ErrBufferFull:
				yield(row, fmt.Errorf("line %d is too long", n+1))
				return
			case err != nil:
				yield(row, err)
				return
			}
			n++
			if err := json.Unmarshal(line, &row); err != nil {
				yield(row, fmt.Errorf("line %d: %w", n, err))
				return
			}
			line = line[:0]
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Read reads a file of one JSON value.
func Read[T any](p *Package, name string) (T, error) {
	var out T
	data, err := fs.ReadFile(p.fs, name)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, invalid(name, err)
	}
	return out, nil
}
