-- Findings, exceptions to them, and what people attach to controls.

-- A finding is the life of one rule failing on one resource. finding_events is that life; findings holds, of each, what its newest
-- event led to, and changes in the transaction that adds the event. What the rule says is in verdict_versions.
CREATE TABLE findings (
    account          text COLLATE "C" NOT NULL,
    finding          text COLLATE "C" NOT NULL,
    type             text COLLATE "C" NOT NULL,
    region           text COLLATE "C" NOT NULL,
    id               text COLLATE "C" NOT NULL,
    rule_id          text COLLATE "C" NOT NULL,
    state            text        NOT NULL,
    opened_at        timestamptz NOT NULL,
    first_at         timestamptz NOT NULL,
    at               timestamptz NOT NULL, -- of the newest event
    ended_at         timestamptz,
    unverified_since timestamptz,
    recurrence       integer     NOT NULL,
    assignee         text        NOT NULL,
    reference        text        NOT NULL,
    exception        bigint      NOT NULL, -- 0: none
    before_state     text        NOT NULL,
    wrong_version    text        NOT NULL,
    n                integer     NOT NULL, -- of the newest event
    PRIMARY KEY (account, finding),
    CHECK ((ended_at IS NOT NULL) = (state IN ('resolved', 'gone', 'not_relevant', 'rule_wrong')))
);
CREATE UNIQUE INDEX findings_of_resource ON findings (account, type, region, id, rule_id);
CREATE INDEX findings_by_id ON findings (finding);
CREATE INDEX findings_excepted ON findings (account, exception) WHERE exception <> 0;

-- The columns from state to wrong_version are the finding's after the event.
CREATE TABLE finding_events (
    account          text COLLATE "C" NOT NULL,
    finding          text COLLATE "C" NOT NULL,
    n                integer     NOT NULL CHECK (n > 0),
    at               timestamptz NOT NULL, -- when it took effect
    recorded_at      timestamptz NOT NULL,
    kind             text        NOT NULL,
    from_state       text        NOT NULL, -- empty: there was no finding
    actor            jsonb       NOT NULL,
    seq              bigint      NOT NULL, -- the snapshot that led to it; 0: none did
    cause            text        NOT NULL,
    note             text        NOT NULL,
    about            bigint      NOT NULL, -- the exception before or after; 0: none
    state            text        NOT NULL,
    opened_at        timestamptz NOT NULL,
    first_at         timestamptz NOT NULL,
    ended_at         timestamptz,
    unverified_since timestamptz,
    recurrence       integer     NOT NULL,
    assignee         text        NOT NULL,
    reference        text        NOT NULL,
    exception        bigint      NOT NULL,
    before_state     text        NOT NULL,
    wrong_version    text        NOT NULL,
    PRIMARY KEY (account, finding, n)
);
CREATE INDEX finding_events_of_snapshot ON finding_events (account, seq);

CREATE TABLE exceptions (
    account       text COLLATE "C" NOT NULL REFERENCES accounts,
    id            bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    rule_id       text COLLATE "C" NOT NULL,
    rule_versions text[]      NOT NULL,
    pattern       text        NOT NULL,
    reason        text        NOT NULL,
    risk          text        NOT NULL,
    compensating  text        NOT NULL,
    requester     text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    starts_at     timestamptz NOT NULL CHECK (starts_at >= requested_at),
    expires_at    timestamptz NOT NULL CHECK (expires_at > starts_at AND expires_at <= starts_at + interval '366 days'),
    PRIMARY KEY (account, id)
);

CREATE TABLE exception_resources (
    account   text COLLATE "C" NOT NULL,
    exception bigint NOT NULL,
    type      text COLLATE "C" NOT NULL,
    region    text COLLATE "C" NOT NULL,
    id        text COLLATE "C" NOT NULL,
    finding   text COLLATE "C" NOT NULL,
    reason    text   NOT NULL, -- of the failing verdict when the exception was requested
    content   bytea,           -- hash of the resource's content then; null: the rule is on the whole account
    PRIMARY KEY (account, exception, type, region, id),
    FOREIGN KEY (account, exception) REFERENCES exceptions
);

CREATE TABLE exception_decisions (
    account   text COLLATE "C" NOT NULL,
    exception bigint      NOT NULL,
    n         integer     NOT NULL CHECK (n > 0),
    at        timestamptz NOT NULL,
    person    text        NOT NULL,
    what      text        NOT NULL CHECK (what IN ('approve', 'refuse', 'revoke')),
    reason    text        NOT NULL,
    PRIMARY KEY (account, exception, n),
    FOREIGN KEY (account, exception) REFERENCES exceptions
);

-- Nobody approves what they asked for, nor twice: the program refuses it with a better text.
CREATE FUNCTION refuse_own_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.what = 'approve' AND (
        EXISTS (SELECT FROM exceptions e WHERE e.account = NEW.account AND e.id = NEW.exception AND e.requester = NEW.person)
        OR EXISTS (SELECT FROM exception_decisions d WHERE d.account = NEW.account AND d.exception = NEW.exception AND d.person = NEW.person)) THEN
        RAISE EXCEPTION 'approval by % refused: another person has to approve', NEW.person USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER two_people BEFORE INSERT ON exception_decisions FOR EACH ROW EXECUTE FUNCTION refuse_own_approval();

-- Files attached to controls of the whole installation, and what reviewers said of them.
CREATE TABLE attachments (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    control     text COLLATE "C" NOT NULL,
    slot        text COLLATE "C" NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL CHECK (to_at > from_at), -- exclusive
    name        text        NOT NULL,
    media_type  text        NOT NULL,
    sha256      bytea       NOT NULL CHECK (length(sha256) = 32),
    uploader    text        NOT NULL,
    uploaded_at timestamptz NOT NULL,
    data        bytea       NOT NULL CHECK (length(data) BETWEEN 1 AND 26214400)
);
ALTER TABLE attachments ALTER COLUMN data SET STORAGE EXTERNAL; -- most files are compressed already
CREATE INDEX attachments_of_slot ON attachments (control, slot);

CREATE TABLE attachment_reviews (
    attachment bigint      NOT NULL REFERENCES attachments,
    n          integer     NOT NULL CHECK (n > 0),
    at         timestamptz NOT NULL,
    person     text        NOT NULL,
    accepted   boolean     NOT NULL,
    reason     text        NOT NULL,
    PRIMARY KEY (attachment, n)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['finding_events', 'exceptions', 'exception_resources', 'exception_decisions', 'attachments', 'attachment_reviews'] LOOP
        EXECUTE format('CREATE TRIGGER sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

-- What a finding is changes with an event, and whose it is never does.
CREATE FUNCTION allow_next_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n > OLD.n AND (NEW.account, NEW.finding, NEW.type, NEW.region, NEW.id, NEW.rule_id, NEW.first_at)
        = (OLD.account, OLD.finding, OLD.type, OLD.region, OLD.id, OLD.rule_id, OLD.first_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'UPDATE on findings refused: it takes an event' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER sealed BEFORE DELETE OR TRUNCATE ON findings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events BEFORE UPDATE ON findings FOR EACH ROW EXECUTE FUNCTION allow_next_event();

GRANT SELECT, INSERT ON findings, finding_events, exceptions, exception_resources, exception_decisions, attachments, attachment_reviews
    TO plumbline_service;
GRANT UPDATE (state, opened_at, at, ended_at, unverified_since, recurrence, assignee, reference, exception, before_state, wrong_version, n)
    ON findings TO plumbline_service;
