package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// quiet is for libraries whose messages our callers' errors repeat.
var quiet = slog.New(slog.DiscardHandler)

// Tx is a transaction of this store, for others to pass on.
type Tx = pgx.Tx

// Queue is the job queue, in the same database.
type Queue = river.Client[pgx.Tx]

// NewQueue returns a queue; without config.Queues it only takes jobs in. Its tables are made by Migrate.
func (s *Store) NewQueue(config *river.Config) (*Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(s.pool), config)
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	return client, nil
}

// InTx runs f in a transaction.
func (s *Store) InTx(ctx context.Context, f func(tx Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}

// migrateQueue makes or updates the queue's tables; the service's role gets all rows of them.
func migrateQueue(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	defer pool.Close()
	lock, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	defer lock.Release()
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil { // ends with the pool
		return fmt.Errorf("lock database: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return fmt.Errorf("read queue migrations: %w", err)
	}
	result, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	if len(result.Versions) == 0 {
		return nil
	}
	_, err = pool.Exec(ctx, `
		DO $$
		DECLARE
			name text;
		BEGIN
			FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'river\_%' LOOP
				EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO plumbline_service', name);
			END LOOP;
			FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema::regnamespace AND c.relkind = 'S' AND c.relname LIKE 'river\_%' LOOP
				EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %I TO plumbline_service', name);
			END LOOP;
		END $$`)
	if err != nil {
		return fmt.Errorf("grant queue to the service: %w", err)
	}
	return nil
}

// lockWorker is the class of the advisory locks that living processes hold, lockScan that of accounts being scanned.
const (
	lockWorker = 7
	lockScan   = 8
)

// Presence is a process's sign of life: a session of its own that holds advisory locks. When the process dies, or is cut off
// from the database, the session ends and the locks with it, and others may take over its jobs.
type Presence struct {
	Name string

	mu   sync.Mutex
	conn *pgx.Conn
	held map[string]bool
	lost chan struct{}
	once sync.Once
}

// Appear opens a session that says that the worker of that name lives. Lost is closed when it ends.
func (s *Store) Appear(ctx context.Context, name string) (*Presence, error) {
	config := s.pool.Config().ConnConfig.Copy()
	for key, value := range map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"} {
		config.RuntimeParams[key] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	p := &Presence{Name: name, conn: conn, held: map[string]bool{}, lost: make(chan struct{})}
	taken, err := p.try(ctx, lockWorker, name)
	if err == nil && !taken {
		err = fmt.Errorf("worker %q runs already", name)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return p, nil
}

// Lost is closed once the session has ended: whatever rests on it must stop.
func (p *Presence) Lost() <-chan struct{} { return p.lost }

// Watch asks the session for a sign of life until ctx ends or it is lost.
func (p *Presence) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.lost:
			return
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, 2*every)
		p.mu.Lock()
		err := p.conn.Ping(asking)
		p.mu.Unlock()
		cancel()
		if err != nil && ctx.Err() == nil {
			p.end()
			return
		}
	}
}

func (p *Presence) end() { p.once.Do(func() { close(p.lost) }) }

// Leave ends the session and all it holds.
func (p *Presence) Leave(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	return p.conn.Close(ctx)
}

// HoldAccount takes an account for scanning; ok is false while somebody else, or this process, scans it. release gives it back.
func (p *Presence) HoldAccount(ctx context.Context, account string) (release func(), ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[account] {
		return nil, false, nil // the session would get its own lock once more
	}
	if ok, err = p.tryLocked(ctx, lockScan, account); err != nil || !ok {
		return nil, false, err
	}
	p.held[account] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.held, account)
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if _, err := p.conn.Exec(free, `SELECT pg_advisory_unlock($1, hashtext($2))`, lockScan, account); err != nil {
			p.end() // the lock cannot be given back but with the session
		}
	}, true, nil
}

func (p *Presence) try(ctx context.Context, class int, name string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tryLocked(ctx, class, name)
}

func (p *Presence) tryLocked(ctx context.Context, class int, name string) (taken bool, err error) {
	if err = p.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, hashtext($2))`, class, name).Scan(&taken); err != nil {
		err = fmt.Errorf("lock %q: %w", name, err)
	}
	return taken, err
}

// Rescue hands the jobs of dead workers back to the queue, and returns their ids. running are this worker's own jobs at work:
// others that the queue holds to be running here, since before a minute ago, were lost by a failure to record their end. The
// attempt that was cut short does not count.
func (s *Store) Rescue(ctx context.Context, worker string, running []int64) ([]int64, error) {
	rows, _ := s.pool.Query(ctx, `
		WITH lost AS (
			SELECT id FROM river_job j
			WHERE state = 'running' AND (
				NOT EXISTS (
					SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1
						AND l.objid = (hashtext(j.attempted_by[array_length(j.attempted_by, 1)])::bigint & 4294967295)::oid
						AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
				OR j.attempted_by[array_length(j.attempted_by, 1)] = $2 AND j.id <> ALL ($3) AND j.attempted_at < now() - interval '1 minute')
			FOR UPDATE SKIP LOCKED)
		UPDATE river_job j SET state = 'available', scheduled_at = now(), max_attempts = GREATEST(j.max_attempts, j.attempt + 1)
		FROM lost WHERE j.id = lost.id AND j.state = 'running' RETURNING j.id`, lockWorker, worker, running)
	return read(rows, "lost jobs", pgx.RowTo[int64])
}

// QueueDepth counts the queue's unfinished jobs by kind and state.
func (s *Store) QueueDepth(ctx context.Context) (map[[2]string]int, error) {
	out := map[[2]string]int{}
	rows, err := s.pool.Query(ctx, `
		SELECT kind, state::text, count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending') GROUP BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, state string
		var n int
		if err := rows.Scan(&kind, &state, &n); err != nil {
			return nil, fmt.Errorf("count jobs: %w", err)
		}
		out[[2]string{kind, state}] = n
	}
	return out, rows.Err()
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }
