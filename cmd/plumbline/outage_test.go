package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// road is the way to a database server, which can be cut and can lead to another one.
type road struct {
	dir string // clients connect to this socket directory

	mu    sync.Mutex
	to    string // the server's socket; empty: cut
	conns []net.Conn
}

func newRoad(t *testing.T) *road {
	dir, err := os.MkdirTemp("", "road")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); os.RemoveAll(dir) })
	r := &road{dir: dir}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			server, err := net.Dial("unix", r.to)
			if err != nil {
				client.Close()
			} else {
				r.conns = append(r.conns, client, server)
				go pass(client, server)
				go pass(server, client)
			}
			r.mu.Unlock()
		}
	}()
	return r
}

func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// lead cuts every connection and makes new ones go to a server's socket directory; "" leads nowhere.
func (r *road) lead(dir string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = ""
	if dir != "" {
		r.to = filepath.Join(dir, ".s.PGSQL.5432")
	}
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// smallDisk is a file system of a few megabytes for the server's user, with what fills it.
func smallDisk(t *testing.T) (dir, ballast string) {
	dir, err := os.MkdirTemp("", "disk")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=96m,mode=755"); err != nil {
		os.Remove(dir)
		return "", ""
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH); os.Remove(dir) })
	space := filepath.Join(dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			if err := os.Chown(space, uid, gid); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	return space, filepath.Join(dir, "ballast")
}

// TestServiceOutlivesItsDatabase makes the database fail in the middle of scans, in every way that is mended from outside: the
// service says what is wrong, loses nothing, and goes on by itself.
func TestServiceOutlivesItsDatabase(t *testing.T) {
	away := 10 * time.Second
	if os.Getenv("PLUMBLINE_LONG") != "" {
		away = time.Minute
	}
	ctx := t.Context()
	w, connections := fleetWorld(8)
	cloud, err := simcloud.Start("127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })

	data := embedpg.Options{Dir: filepath.Join(serverDir(t), "data")}
	server, err := embedpg.Start(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	direct := func(database, sql string) error {
		conn, err := pgx.Connect(context.WithoutCancel(ctx), server.URL(database))
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		_, err = conn.Exec(context.WithoutCancel(ctx), sql)
		return err
	}
	space, ballast := smallDisk(t)
	create := `CREATE DATABASE service`
	if space != "" {
		if err := direct("postgres", `CREATE TABLESPACE small LOCATION '`+space+`'`); err != nil {
			t.Fatal(err)
		}
		create += ` TABLESPACE small`
	}
	if err := direct("postgres", create); err != nil {
		t.Fatal(err)
	}
	socket := func() string {
		u, err := url.Parse(server.URL("service"))
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("host")
	}
	way := newRoad(t)
	way.lead(socket())
	address := strings.Replace(server.URL("service"), url.QueryEscape(socket()), url.QueryEscape(way.dir), 1)
	if _, err := store.Migrate(ctx, address); err != nil {
		t.Fatal(err)
	}
	settings := write(t, "plumbline.yaml", fmt.Sprintf(`
server: {listen: "127.0.0.1:0", url: "http://127.0.0.1:8080"}
worker: {scans: 2, quota_share: 1}
log: {level: warn}
connections:
%s
schedules:
  - {name: often, cron: "@every 4s", connections: [amazon, google]}
`, connections))
	binary, env := buildProgram(t), fleetEnvironment(t, cloud)
	var said syncBuffer
	for _, kind := range []string{"serve", "worker"} {
		cmd := exec.Command(binary, kind, "--config", settings, "--database-url", address)
		cmd.Env, cmd.Stderr = env, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s did not stop cleanly: %v\n%.3000s", kind, err, said.String())
			}
		})
	}
	sealed := func(what string, since time.Time) { // every account was scanned to its end after that
		t.Helper()
		for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
			conn, err := pgx.Connect(ctx, server.URL("service"))
			n := 0
			if err == nil {
				err = conn.QueryRow(ctx, `SELECT count(DISTINCT account) FROM snapshots WHERE sealed_at > $1`, since).Scan(&n)
				conn.Close(ctx)
			}
			if err == nil && n == len(w.Accounts) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d of %d accounts scanned again, %v\n%.6000s", what, n, len(w.Accounts), err, said.String())
			}
		}
	}
	roots := func() map[string]string {
		conn, err := pgx.Connect(ctx, server.URL("service"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		out := map[string]string{}
		rows, _ := conn.Query(ctx, `SELECT account || '/' || seq, encode(root, 'hex') FROM snapshots`)
		var id, root string
		if _, err := pgx.ForEachRow(rows, []any{&id, &root}, func() error { out[id] = root; return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	sealed("before any trouble", time.Time{})
	for _, trouble := range []struct {
		name       string
		begin, end func() error
		says       []string // one of them stands in the log
	}{
		{"restarted", func() error { way.lead(""); return server.Stop() }, func() (err error) {
			if server, err = embedpg.Start(ctx, data); err == nil {
				way.lead(socket())
			}
			return err
		}, []string{"connect", "conn closed", "EOF", "terminating connection"}},
		{"unreachable", func() error { way.lead(""); return nil }, func() error { way.lead(socket()); return nil }, []string{"connect", "conn closed", "EOF"}},
		{"read-only", func() error {
			if err := direct("postgres", `ALTER SYSTEM SET default_transaction_read_only = on`); err != nil {
				return err
			}
			return direct("postgres", `SELECT pg_reload_conf()`)
		}, func() error {
			for _, sql := range []string{`SET default_transaction_read_only = off`} {
				conn, err := pgx.Connect(ctx, server.URL("postgres"))
				if err != nil {
					return err
				}
				defer conn.Close(ctx)
				for _, sql := range []string{sql, `ALTER SYSTEM RESET default_transaction_read_only`, `SELECT pg_reload_conf()`} {
					if _, err := conn.Exec(ctx, sql); err != nil {
						return err
					}
				}
			}
			return nil
		}, []string{"read-only transaction"}},
		{"full", func() error {
			if space == "" {
				return nil
			}
			file, err := os.Create(ballast)
			if err != nil {
				return err
			}
			defer file.Close()
			for block := make([]byte, 64<<10); len(block) > 0; {
				if _, err := file.Write(block); err != nil {
					block = block[:len(block)/2]
				}
			}
			return nil
		}, func() error {
			if space == "" {
				return nil
			}
			return os.Remove(ballast)
		}, []string{"No space left on device"}},
	} {
		if trouble.name == "full" && space == "" {
			if os.Getenv("CI") != "" && os.Geteuid() == 0 {
				t.Log("no file system can be mounted here: the full disk was not tried")
			}
			continue
		}
		before, mark := roots(), said.Len()
		if err := trouble.begin(); err != nil {
			t.Fatalf("%s: %v", trouble.name, err)
		}
		time.Sleep(away)
		if err := trouble.end(); err != nil {
			t.Fatalf("%s: %v", trouble.name, err)
		}
		ended := time.Now()
		sealed(trouble.name, ended)
		text, found := said.String()[mark:], false
		for _, words := range trouble.says {
			found = found || strings.Contains(text, words)
		}
		if !found {
			t.Errorf("%s: the log does not say so:\n%.3000s", trouble.name, text)
		}
		after := roots()
		for id, root := range before {
			if after[id] != root {
				t.Errorf("%s: snapshot %s is lost or changed", trouble.name, id)
			}
		}
		t.Logf("%s for %v: %d snapshots before, every account scanned again %.1f s after it", trouble.name, away, len(before), time.Since(ended).Seconds())
	}
}

// serverDir is a folder that the database server's user can reach.
func serverDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *syncBuffer) Len() int { return len(s.String()) }
