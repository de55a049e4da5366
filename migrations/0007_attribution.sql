-- Who made changes, as far as the clouds' own logs tell. A change is an attribute that differs in to_seq from from_seq, or a whole
-- resource that came or went (path is empty). A later revision takes the place of those before it, which stay.
CREATE TABLE attributions (
    account    text COLLATE "C" NOT NULL,
    to_seq     bigint      NOT NULL,
    type       text COLLATE "C" NOT NULL,
    region     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    path       text COLLATE "C" NOT NULL,
    revision   integer     NOT NULL CHECK (revision > 0),
    from_seq   bigint      NOT NULL CHECK (from_seq > 0 AND from_seq < to_seq),
    confidence text        NOT NULL CHECK (confidence IN ('exact', 'candidates', 'unknown')),
    reason     text        NOT NULL CHECK ((reason = '') = (confidence = 'exact')),
    detail     text        NOT NULL,
    settled    boolean     NOT NULL, -- reading the log again would tell nothing new
    events     jsonb       NOT NULL, -- oldest first; exactly one when exact
    written_at timestamptz NOT NULL,
    PRIMARY KEY (account, to_seq, type, region, id, path, revision),
    FOREIGN KEY (account, to_seq) REFERENCES snapshots (account, seq),
    CHECK (confidence <> 'exact' OR jsonb_array_length(events) = 1)
);
CREATE INDEX attributions_open ON attributions (account, to_seq) WHERE NOT settled;

-- What was read of a cloud's log, and by which calls. from_at is null where nothing was read whole.
CREATE TABLE change_log_reads (
    account text COLLATE "C" NOT NULL,
    read_at timestamptz NOT NULL,
    region  text COLLATE "C" NOT NULL, -- empty: of all regions
    from_at timestamptz,
    to_at   timestamptz NOT NULL,
    cause   jsonb, -- why not all that was asked for
    calls   jsonb NOT NULL,
    PRIMARY KEY (account, read_at, region)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attributions', 'change_log_reads'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON attributions, change_log_reads TO plumbline_service;
