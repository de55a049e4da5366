package embedpg

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// TestMain lets the test binary stand in for a program that is killed while its server runs.
func TestMain(m *testing.M) {
	if dir := os.Getenv("EMBEDPG_TEST_DIR"); dir != "" {
		s, err := Start(context.Background(), Options{Dir: dir})
		if err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(s.URL("postgres") + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// publicDir is a directory that any user may enter; the testing package's own may lie in a private one.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "embedpg-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustStart(t *testing.T, o Options) *Server {
	t.Helper()
	begin := time.Now()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	t.Logf("ready after %v", time.Since(begin).Round(time.Millisecond))
	return s
}

func TestTemporaryServerLeavesNothing(t *testing.T) {
	s := mustStart(t, Options{Unsafe: true})
	if got := query[string](t, s.URL("postgres"), "SHOW listen_addresses"); got != "" {
		t.Errorf("the server listens on %q, want the socket only", got)
	}
	if got := query[string](t, s.URL("postgres"), "SHOW fsync"); got != "off" {
		t.Errorf("fsync is %s, want off", got)
	}
	info, err := os.Stat(s.socket)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory: %v %v, want mode 0700", info.Mode(), err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.root.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", s.root.dir, err)
	}
	if err := syscall.Kill(s.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process is still there: %v", err)
	}
}

func TestPersistentServerKeepsData(t *testing.T) {
	dir := filepath.Join(publicDir(t), "data")
	s := mustStart(t, Options{Dir: dir})
	if got := query[string](t, s.URL("postgres"), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s, want on", got)
	}
	url, err := s.Database(t.Context(), "plumbline")
	if err != nil {
		t.Fatal(err)
	}
	query[int](t, url, "WITH w AS (SELECT 1) SELECT * FROM w")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil { // with the connection open
		t.Fatal(err)
	}
	conn.Close(t.Context())

	s = mustStart(t, Options{Dir: dir})
	url, err = s.Database(t.Context(), "plumbline")
	if err != nil {
		t.Fatal(err)
	}
	if got := query[int](t, url, "SELECT n FROM kept"); got != 42 {
		t.Errorf("read %d back, want 42", got)
	}
}

func TestKilledParent(t *testing.T) {
	dir := filepath.Join(publicDir(t), "data")
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EMBEDPG_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 512)
		n, _ := out.Read(line)
		if !strings.HasPrefix(string(line[:n]), "postgres://") {
			t.Fatalf("the program says %q, want an address", line[:n])
		}
		return cmd
	}
	first := start()
	if _, err := Start(contextFor(t, 500*time.Millisecond), Options{Dir: dir}); !errors.Is(err, posture.ErrSetup) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server on the directory: %v, want ErrSetup, in use", err)
	}
	first.Process.Kill()
	first.Wait()
	s := mustStart(t, Options{Dir: dir}) // at once: the orphan may still be shutting down
	if got := query[int](t, s.URL("postgres"), "SELECT 1"); got != 1 {
		t.Errorf("got %d", got)
	}
}

func contextFor(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestStalePidFile(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for name, pid := range map[string]int{
		"of a dead process":                    dead.Process.Pid,
		"whose number another program has now": os.Getpid(),
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(publicDir(t), "data")
			s := mustStart(t, Options{Dir: dir})
			pidFile := filepath.Join(dir, "postmaster.pid")
			content, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			s.cmd.Process.Signal(syscall.SIGKILL)
			<-s.ended
			_, rest, _ := strings.Cut(string(content), "\n")
			if err := os.WriteFile(pidFile, []byte(strconv.Itoa(pid)+"\n"+rest), 0o600); err != nil {
				t.Fatal(err)
			}
			s = mustStart(t, Options{Dir: dir})
			if got := query[int](t, s.URL("postgres"), "SELECT 1"); got != 1 {
				t.Errorf("got %d", got)
			}
		})
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	full := publicDir(t)
	if err := os.WriteFile(filepath.Join(full, "letter.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	private := publicDir(t)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		options Options
		want    []string
		root    bool // only root has this problem
	}{
		"no programs":            {Options{Bin: "/nonexistent"}, []string{"/nonexistent", "apt-get install postgresql", "dnf install", "brew install", "PLUMBLINE_PG_BIN", "--database-url"}, false},
		"somebody's directory":   {Options{Dir: full}, []string{full, "neither empty nor a database"}, false},
		"a directory behind one": {Options{Dir: filepath.Join(private, "data")}, []string{private, "may not enter"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.root && os.Geteuid() != 0 {
				t.Skip("not root")
			}
			s, err := Start(t.Context(), test.options)
			if err == nil {
				s.Stop()
			}
			if !errors.Is(err, posture.ErrSetup) {
				t.Fatalf("got %v, want ErrSetup", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestFind(t *testing.T) {
	fake := func(version string) string {
		dir := t.TempDir()
		for name, script := range map[string]string{"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n", "initdb": "#!/bin/sh\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	v14, v16, v18, v19 := fake("14.2"), fake("16.1 (Debian 16.1-1)"), fake("18beta1"), fake("19.0")
	for name, test := range map[string]struct {
		path  []string
		major int
		want  string
	}{
		"the newest supported wins":            {[]string{v14, v16, v18, v19}, 0, v18},
		"the version that wrote the data wins": {[]string{v14, v16, v18, v19}, 16, v16},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := find(t.Context(), "", test.path, test.major)
			if err != nil || got.dir != test.want {
				t.Errorf("found %v %v, want %s", got, err, test.want)
			}
		})
	}
	t.Run("an unsupported version is named", func(t *testing.T) {
		_, err := find(t.Context(), v14, nil, 0)
		if !errors.Is(err, posture.ErrSetup) || !strings.Contains(err.Error(), "version 14") {
			t.Errorf("got %v, want ErrSetup naming version 14", err)
		}
	})
}

func TestSweepRemovesOnlyWhatNobodyHolds(t *testing.T) {
	held, err := newTempRoot()
	if err != nil {
		t.Fatal(err)
	}
	defer held.remove()
	abandoned, err := newTempRoot()
	if err != nil {
		t.Fatal(err)
	}
	abandoned.lock.Close()
	sweep(filepath.Dir(held.dir))
	if _, err := os.Stat(held.dir); err != nil {
		t.Errorf("the held directory is gone: %v", err)
	}
	if _, err := os.Stat(abandoned.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the abandoned directory is still there: %v", err)
	}
}
