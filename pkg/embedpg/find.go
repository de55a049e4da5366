package embedpg

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The major versions of PostgreSQL that Plumbline works with.
const (
	oldest = 15
	newest = 18
)

// install is what to do when no server is found.
const install = `install a PostgreSQL server, version 15 to 18:
  Debian, Ubuntu     apt-get install postgresql
  Fedora, RHEL       dnf install postgresql-server
  openSUSE           zypper install postgresql-server
  Alpine             apk add postgresql
  Arch               pacman -S postgresql
  Homebrew           brew install postgresql@17
  Nix                nix-shell -p postgresql_17
or name the directory of its programs in PLUMBLINE_PG_BIN, or use a server of your own with --database-url`

// binaries is a directory that holds postgres and initdb, and their major version.
type binaries struct {
	dir   string
	major int
}

// find returns the newest server programs of a supported version; major is the only one acceptable unless it is 0. When named
// is not empty, only that directory counts. The error is posture.ErrSetup and says what to install.
func find(ctx context.Context, named string, path []string, major int) (binaries, error) {
	candidates := []string{named}
	if named == "" {
		candidates = path
		for _, pattern := range []string{
			"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*",
			"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		} {
			found, _ := filepath.Glob(pattern) // the patterns are well formed
			candidates = append(candidates, found...)
		}
	}
	var usable []binaries
	var other []string
	for _, dir := range candidates {
		b := binaries{dir, version(ctx, dir)}
		switch {
		case b.major == 0:
		case b.major < oldest || b.major > newest || (major != 0 && b.major != major):
			other = append(other, fmt.Sprintf("version %d in %s", b.major, dir))
		default:
			usable = append(usable, b)
		}
	}
	if len(usable) == 0 {
		where := "no PostgreSQL server found"
		if named != "" {
			where += " in " + named
		}
		if major != 0 {
			where += fmt.Sprintf(" of version %d, which wrote the data directory", major)
		}
		if len(other) > 0 {
			where += " (only " + strings.Join(other, ", ") + ")"
		}
		return binaries{}, fmt.Errorf("%w: %s; %s", posture.ErrSetup, where, install)
	}
	return slices.MaxFunc(usable, func(a, b binaries) int { return cmp.Compare(a.major, b.major) }), nil
}

// version is the major version of the server in dir, 0 when there is none.
func version(ctx context.Context, dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	digits := regexp.MustCompile(`\d+`).FindString(string(out)) // "postgres (PostgreSQL) 15.18 (Debian …)"
	major, _ := strconv.Atoi(digits)
	return major
}

// Programs is the directory that holds the newest server programs found, with pg_dump and psql beside them.
func Programs(ctx context.Context) (string, error) {
	found, err := find(ctx, os.Getenv("PLUMBLINE_PG_BIN"), filepath.SplitList(os.Getenv("PATH")), 0)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(found.dir, "postgres"))
	return filepath.Dir(real), err
}
