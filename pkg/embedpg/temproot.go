package embedpg

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// prefix begins the names of all temporary directories of this package.
const prefix = "plumbline-pg-"

// tempRoot is a temporary directory, locked as long as this process lives.
type tempRoot struct {
	dir  string
	lock *os.File
}

// newTempRoot makes a directory that everyone may enter, under one that everyone may enter, and removes those that killed
// processes left behind.
func newTempRoot() (*tempRoot, error) {
	parent := os.TempDir()
	if info, err := os.Stat(parent); err != nil || info.Mode().Perm()&0o001 == 0 {
		parent = "/tmp"
	}
	sweep(parent)
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &tempRoot{dir, lock}
	if err := errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), os.Chmod(dir, 0o755)); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

func (r *tempRoot) remove() error {
	defer r.lock.Close()
	return os.RemoveAll(r.dir)
}

// sweep removes directories whose lock nobody holds. One that others may not enter yet is just being made.
func sweep(parent string) {
	locks, _ := filepath.Glob(filepath.Join(parent, prefix+"*", "lock")) // the pattern is well formed
	for _, path := range locks {
		info, err := os.Stat(filepath.Dir(path))
		if err != nil || info.Mode().Perm() != 0o755 || !owned(info) {
			continue
		}
		lock, err := os.Open(path)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path)) // the next start tries again
		}
		lock.Close()
	}
}

func owned(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
