-- Snapshots and what they hold. An account is named by posture.Account.String(), such as aws:111122223333, and begins every
-- primary key, so that tables can be partitioned by it; the log alone is one for the whole installation. What lasts over many
-- snapshots has a validity interval [valid_from, valid_to) of snapshot numbers; valid_to is null while it lasts.

CREATE TABLE accounts (
    account  text COLLATE "C" PRIMARY KEY,
    provider text NOT NULL,
    id       text NOT NULL
);

CREATE TABLE snapshots (
    account        text COLLATE "C" NOT NULL REFERENCES accounts,
    seq            bigint      NOT NULL CHECK (seq > 0),
    account_name   text        NOT NULL,
    run_id         text        NOT NULL,
    trigger        text        NOT NULL,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz NOT NULL,
    sealed_at      timestamptz NOT NULL,
    principal      text        NOT NULL,
    tool           text        NOT NULL,
    ruleset        text        NOT NULL,
    root           bytea       NOT NULL,
    log_index      bigint      NOT NULL UNIQUE,
    resources      integer     NOT NULL,
    pass           integer     NOT NULL,
    fail           integer     NOT NULL,
    unknown        integer     NOT NULL,
    not_applicable integer     NOT NULL,
    -- over the leaves of one kind; sealing compares them to see at once that nothing changed
    resources_digest bytea, -- null when some are stale
    verdicts_digest  bytea     NOT NULL,
    PRIMARY KEY (account, seq)
);

CREATE TABLE cells (
    account     text COLLATE "C" NOT NULL,
    seq         bigint      NOT NULL,
    type        text COLLATE "C" NOT NULL,
    region      text COLLATE "C" NOT NULL,
    state       text        NOT NULL CHECK (state IN ('complete', 'denied', 'failed', 'not_applicable')),
    cause       jsonb,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    calls       integer     NOT NULL,
    PRIMARY KEY (account, seq, type, region)
);

-- document is {"schema":1,"attributes":{…},"unread":[…]}; hash is the SHA-256 of its canonical JSON (RFC 8785).
CREATE TABLE contents (
    account  text COLLATE "C" NOT NULL,
    hash     bytea NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (account, hash)
);

CREATE TABLE resource_versions (
    account    text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,
    region     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    valid_from bigint  NOT NULL,
    valid_to   bigint  CHECK (valid_to > valid_from),
    hash       bytea   NOT NULL,
    stale      boolean NOT NULL, -- not seen: its cell was not read to the end; the content is an earlier one
    PRIMARY KEY (account, type, region, id, valid_from)
);
CREATE INDEX resource_versions_begun ON resource_versions (account, valid_from);
CREATE INDEX resource_versions_ended ON resource_versions (account, valid_to) WHERE valid_to IS NOT NULL;

CREATE TABLE verdict_versions (
    account      text COLLATE "C" NOT NULL,
    type         text COLLATE "C" NOT NULL,
    region       text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    rule_id      text COLLATE "C" NOT NULL,
    valid_from   bigint NOT NULL,
    valid_to     bigint CHECK (valid_to > valid_from),
    result_from  bigint NOT NULL, -- since which snapshot the result has been the same without interruption
    rule_version text   NOT NULL,
    result       text   NOT NULL CHECK (result IN ('pass', 'fail', 'unknown', 'not_applicable')),
    reason       text   NOT NULL,
    unread       jsonb,
    hash         bytea  NOT NULL, -- SHA-256 of the verdict's canonical JSON
    PRIMARY KEY (account, type, region, id, rule_id, valid_from)
);
CREATE INDEX verdict_versions_begun ON verdict_versions (account, valid_from);
CREATE INDEX verdict_versions_ended ON verdict_versions (account, valid_to) WHERE valid_to IS NOT NULL;
CREATE INDEX verdict_versions_failing ON verdict_versions (account, rule_id) WHERE result = 'fail';

CREATE TABLE verdict_counts (
    account        text COLLATE "C" NOT NULL,
    seq            bigint  NOT NULL,
    rule_id        text COLLATE "C" NOT NULL,
    pass           integer NOT NULL,
    fail           integer NOT NULL,
    unknown        integer NOT NULL,
    not_applicable integer NOT NULL,
    PRIMARY KEY (account, seq, rule_id)
);

CREATE TABLE calls (
    account     text COLLATE "C" NOT NULL,
    seq         bigint      NOT NULL,
    call        integer     NOT NULL,
    service     text        NOT NULL,
    operation   text        NOT NULL,
    region      text        NOT NULL,
    parameters  text        NOT NULL,
    attempt     integer     NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    status      integer     NOT NULL,
    code        text        NOT NULL,
    error       text        NOT NULL,
    request_id  text        NOT NULL,
    server_date text        NOT NULL,
    received    bytea, -- SHA-256 of the body as received
    stored      bytea, -- SHA-256 of the body as stored, in bodies
    PRIMARY KEY (account, seq, call)
);

CREATE TABLE bodies (
    account text COLLATE "C" NOT NULL,
    sha256  bytea NOT NULL,
    data    bytea NOT NULL, -- compressed with zstd
    PRIMARY KEY (account, sha256)
);
ALTER TABLE bodies ALTER COLUMN data SET STORAGE EXTERNAL; -- do not compress again

-- The append-only log of snapshots: record is a snapshot as canonical JSON; hashes are the tree over the records, numbered as
-- golang.org/x/mod/sumdb/tlog numbers them.
CREATE TABLE log_records (
    index  bigint PRIMARY KEY,
    record bytea NOT NULL
);

CREATE TABLE log_hashes (
    index bigint PRIMARY KEY,
    hash  bytea NOT NULL
);

-- What is sealed stays. The service's role may only add and end intervals, and these triggers hold for everyone else too.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: rows are only added', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- An interval may end once, at a snapshot that is not sealed yet; nothing else of it changes.
CREATE FUNCTION allow_ending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.valid_to IS NULL
       AND NEW.valid_to > (SELECT coalesce(max(s.seq), 0) FROM snapshots s WHERE s.account = OLD.account) THEN
        OLD.valid_to := NEW.valid_to;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'UPDATE on % refused: an interval ends once, at a new snapshot', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- Rows belong to a snapshot that is not sealed yet: sealing writes the snapshot's own row last. The argument names the column
-- that holds the snapshot's number.
CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    late boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT account, min(%I) AS seq FROM added GROUP BY account) a '
        'JOIN snapshots s ON s.account = a.account AND s.seq >= a.seq)', TG_ARGV[0]) INTO late;
    IF late THEN
        RAISE EXCEPTION 'INSERT on % refused: the snapshot is sealed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> (SELECT coalesce(max(s.seq), 0) + 1 FROM snapshots s WHERE s.account = NEW.account) THEN
        RAISE EXCEPTION 'INSERT on snapshots refused: % is not the next number', NEW.seq USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER next_only BEFORE INSERT ON snapshots FOR EACH ROW EXECUTE FUNCTION refuse_gap();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['accounts', 'snapshots', 'cells', 'contents', 'verdict_counts', 'calls', 'bodies', 'log_records', 'log_hashes'] LOOP
        EXECUTE format('CREATE TRIGGER sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['resource_versions', 'verdict_versions'] LOOP
        EXECUTE format('CREATE TRIGGER sealed BEFORE DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER ending BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION allow_ending()', name);
        EXECUTE format('CREATE TRIGGER late AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_late(''valid_from'')', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['cells', 'verdict_counts', 'calls'] LOOP
        EXECUTE format('CREATE TRIGGER late AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_late(''seq'')', name);
    END LOOP;
END $$;

-- The service's role belongs to the cluster, which several databases may share: another may have made it, even just now.
DO $$
BEGIN
    CREATE ROLE plumbline_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'plumbline_service', 'MEMBER') THEN
        EXECUTE format('GRANT plumbline_service TO %I', current_user);
    END IF;
END $$;

GRANT SELECT, INSERT ON accounts, snapshots, cells, contents, resource_versions, verdict_versions, verdict_counts, calls, bodies,
    log_records, log_hashes TO plumbline_service;
GRANT UPDATE (valid_to) ON resource_versions, verdict_versions TO plumbline_service;
GRANT SELECT ON schema_migrations TO plumbline_service;
