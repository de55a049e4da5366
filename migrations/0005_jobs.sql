-- When what runs. The jobs themselves are River's tables, which plumbline migrate makes with River's own migrations.

-- Schedules mirror the configuration file; next_due_at is theirs alone. An inactive one is no longer in the file.
CREATE TABLE schedules (
    name        text COLLATE "C" PRIMARY KEY,
    cron        text        NOT NULL,
    time_zone   text        NOT NULL,
    connections text[]      NOT NULL,
    active      boolean     NOT NULL,
    next_due_at timestamptz NOT NULL
);

-- Every due time that was acted on. missed counts the due times right before it that passed while nothing ran: they are caught
-- up by this one run.
CREATE TABLE schedule_runs (
    schedule text COLLATE "C" NOT NULL,
    due_at   timestamptz NOT NULL,
    run_id   text        NOT NULL UNIQUE,
    taken_at timestamptz NOT NULL,
    missed   integer     NOT NULL,
    PRIMARY KEY (schedule, due_at)
);
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON schedule_runs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each run did about each account: one row for every account of every run, so that none is skipped unseen.
CREATE TABLE scans (
    account     text COLLATE "C" NOT NULL,
    run_id      text        NOT NULL,
    connection  text        NOT NULL,
    schedule    text        NOT NULL, -- empty: asked for by hand
    state       text        NOT NULL CHECK (state IN ('queued', 'running', 'sealed', 'failed', 'skipped')),
    job_id      bigint,
    worker      text        NOT NULL DEFAULT '',
    attempts    integer     NOT NULL DEFAULT 0,
    queued_at   timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    tasks_done  integer     NOT NULL DEFAULT 0,
    tasks_total integer     NOT NULL DEFAULT 0,
    seq         bigint,              -- the snapshot
    error       text        NOT NULL DEFAULT '',
    PRIMARY KEY (account, run_id)
);
CREATE INDEX scans_newest ON scans (queued_at DESC);
CREATE INDEX scans_unfinished ON scans (state) WHERE state IN ('queued', 'running');

-- What the tasks of unfinished scans have read.
CREATE TABLE scan_checkpoints (
    account  text COLLATE "C" NOT NULL,
    run_id   text        NOT NULL,
    task     text        NOT NULL,
    data     bytea       NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (account, run_id, task)
);
ALTER TABLE scan_checkpoints ALTER COLUMN data SET STORAGE EXTERNAL; -- compressed already

GRANT SELECT, INSERT, UPDATE ON schedules, scans TO plumbline_service;
GRANT SELECT, INSERT ON schedule_runs TO plumbline_service;
GRANT SELECT, INSERT, DELETE ON scan_checkpoints TO plumbline_service;
