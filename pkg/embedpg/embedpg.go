// Package embedpg runs a private PostgreSQL server as a child process, from server programs that the machine has, reachable
// through a Unix socket in a directory that only its own user may enter. The demo, scans without a database of their own and
// the tests use it.
package embedpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// superuser is the name everyone connects as.
const superuser = "plumbline"

// Options say how a server runs.
type Options struct {
	// Dir is the data directory, made when missing and kept. Empty: a temporary one, removed by Stop.
	Dir string
	// Bin is the directory of the server programs. Empty: PLUMBLINE_PG_BIN, or else the newest found.
	Bin string
	// Unsafe does not wait for the disk: fast, and the data is lost with the machine's power. Only for temporary data.
	Unsafe bool
	// Log receives the server's own messages, at level debug. May be nil.
	Log *slog.Logger
}

// Server is a running server.
type Server struct {
	root   *tempRoot
	socket string
	process
}

// Start starts a server and returns when it answers, about a second later. ctx bounds the start only. What the user has to
// mend is posture.ErrSetup: no server programs, a data directory that is out of reach or in use.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Unsafe && o.Dir != "" {
		return nil, fmt.Errorf("%w: a data directory that is kept needs safe writes", posture.ErrInvalid)
	}
	user, err := findOwner()
	if err != nil {
		return nil, err
	}
	root, err := newTempRoot()
	if err != nil {
		return nil, fmt.Errorf("make room for database: %w", err)
	}
	s, err := start(ctx, o, root, user)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start database: %w", err), root.remove())
	}
	return s, nil
}

func start(ctx context.Context, o Options, root *tempRoot, user *owner) (*Server, error) {
	s := &Server{root: root, socket: filepath.Join(root.dir, "s")} // short: a socket's path has about 100 bytes
	data := filepath.Join(root.dir, "data")
	if o.Dir != "" {
		var err error
		if data, err = filepath.Abs(o.Dir); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(s.socket, 0o700); err != nil {
		return nil, err
	}
	if err := user.reaches(data); err != nil {
		return nil, err
	}
	written, err := writtenBy(data)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(user.give(s.socket), user.give(data)); err != nil {
		return nil, err
	}
	named := o.Bin
	if named == "" {
		named = os.Getenv("PLUMBLINE_PG_BIN")
	}
	bin, err := find(ctx, named, filepath.SplitList(os.Getenv("PATH")), written)
	if err != nil {
		return nil, err
	}
	if written == 0 {
		if err := initialize(ctx, bin, data, user, o.Unsafe); err != nil {
			return nil, err
		}
	} else if err := release(ctx, data); err != nil {
		return nil, err
	}
	settings := map[string]string{
		"listen_addresses": "", "unix_socket_directories": s.socket, "unix_socket_permissions": "0700", "port": "5432",
		"max_connections": "100", "logging_collector": "off", "log_destination": "stderr", "timezone": "UTC",
	}
	if o.Unsafe {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			settings[name] = "off"
		}
	}
	args := []string{"-D", data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(bin.dir, "postgres"), args...)
	cmd.Dir, cmd.Env = data, environment()
	if err := s.run(cmd, user, o.Log); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		s.kill(syscall.SIGQUIT)
		return nil, err
	}
	return s, nil
}

// writtenBy is the major version that wrote the data directory, 0 when it is new. A directory with other things in it is not
// touched.
func writtenBy(data string) (int, error) {
	version, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		entries, err := os.ReadDir(data)
		if err == nil && len(entries) > 0 {
			err = fmt.Errorf("%w: %s is neither empty nor a database", posture.ErrSetup, data)
		}
		return 0, err
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(version)))
}

// initialize fills a new data directory. Who can reach the socket is trusted: only its owner can.
func initialize(ctx context.Context, bin binaries, data string, user *owner, unsafe bool) error {
	args := []string{"-D", data, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"}
	if unsafe {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.dir, "initdb"), args...)
	cmd.Dir, cmd.Env = data, environment()
	cmd.SysProcAttr = attributes(user)
	// The kernel ties a child to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if out, err := cmd.CombinedOutput(); err != nil {
		// initdb empties the directory again, so that the next start finds it new
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// release waits until a server that an earlier, killed parent left behind is gone, and clears away what a dead one left.
// When another server keeps the directory it returns posture.ErrSetup.
func release(ctx context.Context, data string) error {
	path := filepath.Join(data, "postmaster.pid")
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _, _ := strings.Cut(string(content), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || pid <= 0 {
			return fmt.Errorf("%w: %s holds no process number; if no server uses %s, remove it", posture.ErrSetup, path, data)
		}
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil // postgres itself recovers from that
		}
		if !isPostgres(pid) { // the number went to another program, which postgres would take for a server
			return os.Remove(path)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s is in use by database process %d", posture.ErrSetup, data, pid)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// environment is the child's: nothing of ours, so that PGDATA and its like cannot change what the server does.
func environment() []string { return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"} }

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("postgres ended: %w: %s", s.result, s.messages.tail())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// URL is the address of a database of this server; see Database.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.socket}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Database makes the database when there is none of that name, and returns its address.
func (s *Server) Database(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", fmt.Errorf("make database %q: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P04" { // duplicate_database
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("make database %q: %w", name, err)
	}
	return s.URL(name), nil
}

// Stop ends the server and removes what was temporary. Open connections are cut. Safe to call more than once.
func (s *Server) Stop() error {
	s.kill(syscall.SIGINT)
	return s.root.remove()
}

// process is the server's process.
type process struct {
	cmd      *exec.Cmd
	messages *messages
	ended    chan struct{} // closed when the process is gone
	result   error         // how it ended; after ended
}

// run starts the command in a thread of its own: the kernel ends the child with the thread that started it.
func (p *process) run(cmd *exec.Cmd, user *owner, log *slog.Logger) error {
	p.cmd, p.messages, p.ended = cmd, &messages{log: log}, make(chan struct{})
	cmd.SysProcAttr = attributes(user)
	cmd.Stdout, cmd.Stderr = p.messages, p.messages
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.result = cmd.Wait()
			close(p.ended)
		}
	}()
	return <-started
}

// kill sends the signal and waits; what does not end in ten seconds is killed.
func (p *process) kill(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal) // fails only when the process has ended
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// messages passes the server's lines on and keeps the last ones for an error.
type messages struct {
	log  *slog.Logger
	mu   sync.Mutex
	last []byte
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = append(m.last, p...)
	if keep := 4096; len(m.last) > keep {
		m.last = m.last[len(m.last)-keep:]
	}
	if m.log != nil {
		for line := range bytes.Lines(p) {
			m.log.Debug("postgres", "message", string(bytes.TrimSpace(line)))
		}
	}
	return len(p), nil
}

func (m *messages) tail() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(bytes.TrimSpace(m.last))
}
