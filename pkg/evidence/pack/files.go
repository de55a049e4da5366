package pack

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

// files writes the files of a package below a directory and keeps what the manifest says of each.
type files struct {
	root *os.Root
	list []evidence.File
	rows []evidence.FileRows
}

// output is one file being written.
type output struct {
	files *files
	path  string
	file  *os.File
	w     *bufio.Writer
	sum   hash.Hash
	size  int64
	rows  int
	lines bool
}

func (f *files) create(name string) (*output, error) {
	if dir := path.Dir(name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return &output{files: f, path: name, file: file, w: bufio.NewWriterSize(file, 16<<10), sum: sha256.New()}, nil
}

func (o *output) Write(p []byte) (int, error) {
	o.sum.Write(p)
	o.size += int64(len(p))
	return o.w.Write(p)
}

// row writes one line of canonical JSON.
func (o *output) row(v any) error {
	line, err := ledger.Canonical(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	o.rows++
	o.lines = true
	_, err = o.Write(append(line, '\n'))
	return err
}

// close ends the file and lists it.
func (o *output) close() error {
	if err := errors.Join(o.w.Flush(), o.file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	o.files.list = append(o.files.list, evidence.File{Path: o.path, Size: o.size, SHA256: hex.EncodeToString(o.sum.Sum(nil))})
	if o.lines {
		o.files.rows = append(o.files.rows, evidence.FileRows{Path: o.path, Rows: o.rows})
	}
	return nil
}

// lines writes a file of JSON lines.
func (f *files) lines(name string, fill func(row func(any) error) error) error {
	o, err := f.create(name)
	if err != nil {
		return err
	}
	o.lines = true
	return errors.Join(fill(o.row), o.close())
}

// value writes a file of one JSON value.
func (f *files) value(name string, v any) error {
	data, err := ledger.Canonical(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.data(name, append(data, '\n'))
}

func (f *files) data(name string, data []byte) error {
	o, err := f.create(name)
	if err != nil {
		return err
	}
	_, err = o.Write(data)
	return errors.Join(err, o.close())
}

// digest is the SHA-256 of a file that was written.
func (f *files) digest(name string) (sum string, rows int) {
	for _, file := range f.list {
		if file.Path == name {
			sum = file.SHA256
		}
	}
	for _, r := range f.rows {
		if r.Path == name {
			rows = r.Rows
		}
	}
	return sum, rows
}

var _ io.Writer = (*output)(nil)
