package embedpg

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// owner is the user that the server runs as when that is not the current one; nil otherwise.
type owner struct {
	name     string
	uid, gid int
}

// findOwner returns postgres or nobody when running as root, which PostgreSQL refuses.
func findOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return nil, err
		}
		return &owner{name, uid, gid}, nil
	}
	return nil, fmt.Errorf("%w: PostgreSQL does not run as root, and there is no user postgres or nobody to run it as", posture.ErrSetup)
}

func (o *owner) credential() *syscall.Credential {
	if o == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
}

// give makes dir the owner's alone.
func (o *owner) give(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if o == nil {
		return nil
	}
	return os.Chown(dir, o.uid, o.gid)
}

// reaches returns posture.ErrSetup when the owner cannot enter a directory that dir lies in.
func (o *owner) reaches(dir string) error {
	if o == nil {
		return nil
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 && !o.owns(info) {
			return fmt.Errorf("%w: the database runs as user %s, who may not enter %s; choose a data directory elsewhere, such as /var/lib/plumbline",
				posture.ErrSetup, o.name, parent)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

func (o *owner) owns(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == o.uid && info.Mode().Perm()&0o100 != 0
}
