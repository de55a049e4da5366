-- Signed heads of the log. note is the signed checkpoint as it was published.
CREATE TABLE log_heads (
    size      bigint PRIMARY KEY CHECK (size > 0),
    root      bytea       NOT NULL,
    signed_at timestamptz NOT NULL,
    note      text        NOT NULL
);

-- Where signed heads were sent, and what came of it.
CREATE TABLE log_publications (
    size         bigint      NOT NULL REFERENCES log_heads,
    receiver     text        NOT NULL,
    published_at timestamptz NOT NULL,
    error        text        NOT NULL, -- empty: it arrived
    PRIMARY KEY (size, receiver, published_at)
);

-- The texts of rules by the version that verdicts name, so that a package can hold the rule that judged although the program has a
-- newer one. params are those in force, fields what the rule reads.
CREATE TABLE rule_texts (
    rule_id     text COLLATE "C" NOT NULL,
    version     text        NOT NULL,
    file        text        NOT NULL,
    text        text        NOT NULL,
    params      jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (rule_id, version)
);

-- Packages that were built. manifest is the signed envelope; what a package held can be told from it when the files are gone.
CREATE TABLE packages (
    id       text PRIMARY KEY,
    audit    text        NOT NULL,
    type     text        NOT NULL CHECK (type IN ('type1', 'type2')),
    from_at  timestamptz NOT NULL, -- what it is about: a day, or a period
    to_at    timestamptz NOT NULL,
    root     bytea       NOT NULL,
    size     bigint      NOT NULL REFERENCES log_heads,
    built_at timestamptz NOT NULL,
    built_by text        NOT NULL,
    envelope bytea       NOT NULL
);
CREATE INDEX packages_of_audit ON packages (audit, to_at);

-- Samples that were drawn, the unused ones too.
CREATE TABLE samples (
    n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit      text        NOT NULL,
    control    text        NOT NULL,
    population text        NOT NULL, -- its SHA-256
    method     text        NOT NULL CHECK (method IN ('random', 'stratified', 'all', 'chosen')),
    seed       text        NOT NULL,
    size       integer     NOT NULL,
    items      jsonb       NOT NULL,
    drawn_at   timestamptz NOT NULL,
    drawn_by   text        NOT NULL
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['log_heads', 'log_publications', 'rule_texts', 'packages', 'samples'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON log_heads, log_publications, rule_texts, packages, samples TO plumbline_service;
