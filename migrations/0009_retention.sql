-- Removing raw answers that are past their time. It takes two people, leaves a mark for every body removed, and stops at a hold. Leaves of
-- the log do not hold bodies, so the log and every root stay what they were.

CREATE TABLE retention_requests (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      text COLLATE "C" NOT NULL, -- empty: every account
    before       timestamptz NOT NULL,      -- bodies that no scan since then received
    reason       text        NOT NULL,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL
);

CREATE TABLE retention_decisions (
    request  bigint PRIMARY KEY REFERENCES retention_requests,
    approved boolean     NOT NULL,
    person   text        NOT NULL,
    at       timestamptz NOT NULL,
    reason   text        NOT NULL
);

CREATE FUNCTION refuse_own_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approved AND NEW.person = (SELECT r.requested_by FROM retention_requests r WHERE r.id = NEW.request) THEN
        RAISE EXCEPTION 'approval refused: it takes another person than the one who asked' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER another_person BEFORE INSERT ON retention_decisions FOR EACH ROW EXECUTE FUNCTION refuse_own_removal();

CREATE TABLE retention_holds (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text COLLATE "C" NOT NULL, -- empty: every account
    reason  text        NOT NULL,
    person  text        NOT NULL,
    at      timestamptz NOT NULL
);

CREATE TABLE retention_hold_ends (
    hold   bigint PRIMARY KEY REFERENCES retention_holds,
    reason text        NOT NULL,
    person text        NOT NULL,
    at     timestamptz NOT NULL
);

CREATE TABLE removed_bodies (
    account    text COLLATE "C" NOT NULL,
    sha256     bytea       NOT NULL,
    request    bigint      NOT NULL REFERENCES retention_requests,
    size       bigint      NOT NULL, -- bytes as stored
    removed_at timestamptz NOT NULL,
    PRIMARY KEY (account, sha256, request)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['retention_requests', 'retention_decisions', 'retention_holds', 'retention_hold_ends', 'removed_bodies'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

-- A body goes only when a mark says so that this very transaction wrote.
CREATE FUNCTION allow_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM removed_bodies r WHERE r.account = OLD.account AND r.sha256 = OLD.sha256
        AND r.xmin::text::bigint = pg_current_xact_id()::text::bigint % 4294967296) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'DELETE on bodies refused: nothing says who removed it and why' USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER sealed ON bodies;
CREATE TRIGGER sealed BEFORE UPDATE OR TRUNCATE ON bodies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER marked BEFORE DELETE ON bodies FOR EACH ROW EXECUTE FUNCTION allow_marked();

-- Removes at most so many bodies of an approved request and returns how many it did. The service may call it, and delete nothing itself.
CREATE FUNCTION remove_bodies(act bigint, at timestamptz, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    r retention_requests;
    n integer;
BEGIN
    SELECT q.* INTO r FROM retention_requests q JOIN retention_decisions d ON d.request = q.id AND d.approved WHERE q.id = act;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'removal % is not approved', act USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO removed_bodies (account, sha256, request, size, removed_at)
    SELECT b.account, b.sha256, act, octet_length(b.data), at FROM bodies b
    WHERE (r.account = '' OR b.account = r.account)
        AND NOT EXISTS (SELECT FROM calls c JOIN snapshots s ON s.account = c.account AND s.seq = c.seq
            WHERE c.account = b.account AND c.stored = b.sha256 AND s.started_at >= r.before)
        AND NOT EXISTS (SELECT FROM retention_holds h WHERE (h.account = '' OR h.account = b.account)
            AND NOT EXISTS (SELECT FROM retention_hold_ends e WHERE e.hold = h.id))
    LIMIT most;
    GET DIAGNOSTICS n = ROW_COUNT;
    DELETE FROM bodies b USING removed_bodies m WHERE m.request = act AND m.removed_at = at AND b.account = m.account AND b.sha256 = m.sha256;
    RETURN n;
END $$;
REVOKE EXECUTE ON FUNCTION remove_bodies(bigint, timestamptz, integer) FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION remove_bodies(bigint, timestamptz, integer) SET search_path = %I, pg_temp', current_schema());
END $$;

GRANT EXECUTE ON FUNCTION remove_bodies(bigint, timestamptz, integer) TO plumbline_service;
GRANT SELECT, INSERT ON retention_requests, retention_decisions, retention_holds, retention_hold_ends TO plumbline_service;
GRANT SELECT ON removed_bodies TO plumbline_service;
