-- Alerts and the messages about them. The account of alerts about the installation itself, and of digests, is empty. What an alert
-- is about, and how its members stand, follows from its events.

CREATE TABLE alerts (
    account         text COLLATE "C" NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    class           text        NOT NULL CHECK (class IN ('finding', 'expiry', 'coverage', 'monitoring')),
    cause_group     text        NOT NULL, -- names the cause: what it brings about later joins the alert
    title           text        NOT NULL,
    severity        text        NOT NULL,
    rules           text[]      NOT NULL,
    controls        text[]      NOT NULL,
    criteria        text[]      NOT NULL,
    cause           text        NOT NULL,
    count           integer     NOT NULL,
    examples        jsonb       NOT NULL,
    routes          text[]      NOT NULL, -- that matched; none: nobody is told
    opened_at       timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text        NOT NULL DEFAULT '',
    resolved_at     timestamptz,
    PRIMARY KEY (account, id)
);
CREATE INDEX alerts_standing ON alerts (account) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (opened_at);

CREATE TABLE alert_events (
    account text COLLATE "C" NOT NULL,
    alert   bigint      NOT NULL,
    n       integer     NOT NULL CHECK (n > 0),
    at      timestamptz NOT NULL,
    kind    text        NOT NULL CHECK (kind IN ('began', 'ended', 'damped', 'settled', 'opened', 'notified', 'acknowledged', 'escalated', 'resolved')),
    member  text        NOT NULL, -- empty: about the alert as a whole
    finding text COLLATE "C",     -- with event: the finding's event that this tells of
    event   integer,
    stands  boolean     NOT NULL, -- the member, from now on
    by      text        NOT NULL,
    note    text        NOT NULL,
    PRIMARY KEY (account, alert, n),
    FOREIGN KEY (account, alert) REFERENCES alerts,
    UNIQUE (account, finding, event), -- every event of a finding is told of once
    CHECK ((finding IS NULL) = (event IS NULL))
);
CREATE INDEX alert_events_by_time ON alert_events (account, at);

CREATE TABLE deliveries (
    account    text COLLATE "C" NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    alert      bigint,               -- null: a digest
    receiver   text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    message    jsonb       NOT NULL,
    PRIMARY KEY (account, id),
    FOREIGN KEY (account, alert) REFERENCES alerts,
    UNIQUE (account, key)
);
CREATE INDEX deliveries_by_time ON deliveries (created_at);
CREATE INDEX deliveries_of_alert ON deliveries (account, alert, receiver, id);

-- A delivery is as far as its newest attempt says, and queued before the first.
CREATE TABLE delivery_attempts (
    account  text COLLATE "C" NOT NULL,
    delivery bigint      NOT NULL,
    n        integer     NOT NULL CHECK (n > 0),
    at       timestamptz NOT NULL,
    state    text        NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'given_up')),
    answer   text        NOT NULL,
    PRIMARY KEY (account, delivery, n),
    FOREIGN KEY (account, delivery) REFERENCES deliveries
);
CREATE INDEX delivery_attempts_given_up ON delivery_attempts (at) WHERE state = 'given_up';

-- An alert is acknowledged once and resolved once; nothing else of it changes.
CREATE FUNCTION allow_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.acknowledged_at IS NULL AND OLD.resolved_at IS NULL AND NEW.acknowledged_at IS NOT NULL THEN
        OLD.acknowledged_at := NEW.acknowledged_at;
        OLD.acknowledged_by := NEW.acknowledged_by;
    END IF;
    IF OLD.resolved_at IS NULL THEN
        OLD.resolved_at := NEW.resolved_at;
    END IF;
    IF OLD IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'UPDATE on % refused: an alert is acknowledged once and resolved once', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER once BEFORE UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION allow_once();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON alerts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['alert_events', 'deliveries', 'delivery_attempts'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON alerts, alert_events, deliveries, delivery_attempts TO plumbline_service;
GRANT UPDATE (acknowledged_at, acknowledged_by, resolved_at) ON alerts TO plumbline_service;
