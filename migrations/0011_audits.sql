-- Audits: what an auditor looks at, and asks for. Everything is only added: a changed scope is a new version, and an answer stays what
-- it was when it was given.

CREATE TABLE audits (
    id         text COLLATE "C" PRIMARY KEY,
    type       text        NOT NULL CHECK (type IN ('type1', 'type2')),
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL CHECK (to_at > from_at),
    zone       text        NOT NULL,
    firm       text        NOT NULL,
    schedule_s bigint      NOT NULL CHECK (schedule_s > 0),
    max_gap_s  bigint      NOT NULL CHECK (max_gap_s >= schedule_s),
    targets_s  jsonb       NOT NULL,
    opened_at  timestamptz NOT NULL,
    opened_by  text        NOT NULL
);

CREATE TABLE audit_scopes (
    audit      text COLLATE "C" NOT NULL REFERENCES audits,
    version    integer     NOT NULL CHECK (version > 0),
    at         timestamptz NOT NULL,
    by         text        NOT NULL,
    reason     text        NOT NULL CHECK (version = 1 OR reason <> ''),
    accounts   text[]      NOT NULL, -- none are all
    categories text[]      NOT NULL,
    criteria   text[]      NOT NULL,
    controls   text[]      NOT NULL,
    PRIMARY KEY (audit, version)
);

CREATE TABLE audit_closings (
    audit  text COLLATE "C" PRIMARY KEY REFERENCES audits,
    at     timestamptz NOT NULL,
    by     text        NOT NULL,
    reason text        NOT NULL CHECK (reason <> '')
);

CREATE TABLE audit_requests (
    audit       text COLLATE "C" NOT NULL REFERENCES audits,
    n           integer     NOT NULL CHECK (n > 0),
    title       text        NOT NULL,
    asks        text        NOT NULL,
    answered_by text        NOT NULL,
    raised_by   text        NOT NULL,
    raised_at   timestamptz NOT NULL,
    PRIMARY KEY (audit, n)
);

-- answers are [{"package","path","attachment","sha256"}]: files, with the digests that they had.
CREATE TABLE audit_request_steps (
    audit   text COLLATE "C" NOT NULL,
    request integer     NOT NULL,
    n       integer     NOT NULL CHECK (n > 0),
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    state   text        NOT NULL CHECK (state IN ('provided', 'returned', 'accepted', 'withdrawn')),
    note    text        NOT NULL,
    answers jsonb       NOT NULL CHECK (state = 'provided' OR answers = '[]'),
    PRIMARY KEY (audit, request, n),
    FOREIGN KEY (audit, request) REFERENCES audit_requests
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audits', 'audit_scopes', 'audit_closings', 'audit_requests', 'audit_request_steps'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON audits, audit_scopes, audit_closings, audit_requests, audit_request_steps TO plumbline_service;

-- From which snapshot of each account on the audits that are open see what was read: the newest that had finished before their time
-- began, under any version of their scope, and what lies above accounts as far as these were judged with it.
CREATE FUNCTION seen_by_audits() RETURNS TABLE (account text, first bigint) LANGUAGE sql STABLE AS $$
    WITH seen AS (
        SELECT s.account, coalesce(max(s.seq) FILTER (WHERE s.finished_at <= a.from_at - make_interval(secs => a.max_gap_s)), 1) AS first
        FROM audits a JOIN snapshots s ON EXISTS (
            SELECT FROM audit_scopes v WHERE v.audit = a.id AND (v.accounts = '{}' OR s.account = ANY (v.accounts)))
        WHERE NOT EXISTS (SELECT FROM audit_closings c WHERE c.audit = a.id)
        GROUP BY a.id, s.account
    ), above AS (
        SELECT p.account COLLATE "C" AS account, p.seq AS first
        FROM seen JOIN snapshots s ON s.account = seen.account AND s.seq >= seen.first
        CROSS JOIN LATERAL jsonb_to_recordset(CASE WHEN jsonb_typeof(s.ancestors) = 'array' THEN s.ancestors ELSE '[]' END) AS p (account text, seq bigint)
    )
    SELECT x.account, min(x.first) FROM (SELECT * FROM seen UNION ALL SELECT * FROM above) x GROUP BY x.account
$$;

-- Removes at most so many bodies of an approved request and returns how many it did. What an open audit sees stays, like what is held.
CREATE OR REPLACE FUNCTION remove_bodies(act bigint, at timestamptz, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    r retention_requests;
    n integer;
BEGIN
    SELECT q.* INTO r FROM retention_requests q JOIN retention_decisions d ON d.request = q.id AND d.approved WHERE q.id = act;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'removal % is not approved', act USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO removed_bodies (account, sha256, request, size, removed_at)
    WITH audited AS MATERIALIZED (SELECT * FROM seen_by_audits())
    SELECT b.account, b.sha256, act, octet_length(b.data), at FROM bodies b
    WHERE (r.account = '' OR b.account = r.account)
        AND NOT EXISTS (SELECT FROM calls c JOIN snapshots s ON s.account = c.account AND s.seq = c.seq
            WHERE c.account = b.account AND c.stored = b.sha256 AND s.started_at >= r.before)
        AND NOT EXISTS (SELECT FROM retention_holds h WHERE (h.account = '' OR h.account = b.account)
            AND NOT EXISTS (SELECT FROM retention_hold_ends e WHERE e.hold = h.id))
        AND NOT EXISTS (SELECT FROM audited a JOIN calls c ON c.account = a.account AND c.seq >= a.first
            WHERE a.account = b.account AND c.account = b.account AND c.stored = b.sha256)
    LIMIT most;
    GET DIAGNOSTICS n = ROW_COUNT;
    DELETE FROM bodies b USING removed_bodies m WHERE m.request = act AND m.removed_at = at AND b.account = m.account AND b.sha256 = m.sha256;
    RETURN n;
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION remove_bodies(bigint, timestamptz, integer) SET search_path = %I, pg_temp', current_schema());
END $$;
