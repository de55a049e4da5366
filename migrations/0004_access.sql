-- Who may do what, and the record of what was done.

-- The tool's own audit log. entry is canonical JSON and names the digest of the entry before it; digest is the SHA-256 of entry.
-- Record log_index of the installation's log says {"audit":{"digest","seq"}}. The columns after it repeat what entry says, for
-- searching.
CREATE TABLE audit_log (
    seq       bigint PRIMARY KEY CHECK (seq > 0),
    entry     text   NOT NULL,
    digest    bytea  NOT NULL,
    log_index bigint NOT NULL UNIQUE,
    at        timestamptz NOT NULL,
    actor     text   NOT NULL,
    action    text   NOT NULL,
    object    text   NOT NULL,
    outcome   text   NOT NULL CHECK (outcome IN ('done', 'refused', 'failed'))
);
CREATE INDEX audit_log_of_object ON audit_log (object, seq);
CREATE INDEX audit_log_of_actor ON audit_log (actor, seq);

-- People. Every change of a user is a new version; the newest counts.
CREATE TABLE users (
    email    text COLLATE "C" NOT NULL, -- in lower case
    version  integer     NOT NULL CHECK (version > 0),
    name     text        NOT NULL,
    subject  text        NOT NULL, -- at the identity provider; empty before the first sign-in through it
    groups   text[]      NOT NULL, -- roles that the groups of the newest sign-in stand for
    disabled boolean     NOT NULL,
    at       timestamptz NOT NULL,
    by       text        NOT NULL,
    PRIMARY KEY (email, version)
);

CREATE TABLE role_grants (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text COLLATE "C" NOT NULL,
    role       text        NOT NULL,
    scopes     text[]      NOT NULL, -- accounts of a viewer; none are all
    audit      text        NOT NULL, -- of an auditor
    from_at    timestamptz NOT NULL,
    until_at   timestamptz CHECK (until_at > from_at),
    mfa        boolean     NOT NULL,
    reason     text        NOT NULL,
    at         timestamptz NOT NULL,
    by         text        NOT NULL,
    CHECK ((role = 'auditor') = (audit <> '') AND (role <> 'auditor' OR until_at IS NOT NULL))
);
CREATE INDEX role_grants_of_user ON role_grants (email);

CREATE TABLE role_revocations (
    role_grant bigint PRIMARY KEY REFERENCES role_grants,
    reason     text        NOT NULL,
    at         timestamptz NOT NULL,
    by         text        NOT NULL
);

-- Two conflicting roles on one person, for a time.
CREATE TABLE waivers (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email    text COLLATE "C" NOT NULL,
    role     text        NOT NULL,
    other    text        NOT NULL CHECK (other > role),
    reason   text        NOT NULL CHECK (reason <> ''),
    at       timestamptz NOT NULL,
    until_at timestamptz NOT NULL CHECK (until_at > at AND until_at <= at + interval '365 days'),
    by       text        NOT NULL
);
CREATE INDEX waivers_of_user ON waivers (email);

-- API tokens: digest is the SHA-256 of the secret, which is kept nowhere.
CREATE TABLE tokens (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    digest     bytea       NOT NULL UNIQUE,
    owner      text COLLATE "C" NOT NULL,
    roles      text[]      NOT NULL,
    scopes     text[]      NOT NULL,
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > at AND expires_at <= at + interval '365 days'),
    by         text        NOT NULL
);
-- Found by the beginning of the digest; the rest is compared in constant time.
CREATE INDEX tokens_by_digest ON tokens (substr(digest, 1, 8));

CREATE TABLE token_revocations (
    token  bigint PRIMARY KEY REFERENCES tokens,
    reason text        NOT NULL,
    at     timestamptz NOT NULL,
    by     text        NOT NULL
);

-- Sign-in links that work once: for the user of that e-mail, or without one for whoever becomes the first administrator. Using
-- one removes it. Links and sessions are secrets of the moment; what was done with them stands in the audit log.
CREATE TABLE signin_links (
    digest     bytea PRIMARY KEY,
    email      text COLLATE "C",
    expires_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    token      text COLLATE "C" PRIMARY KEY, -- a digest of the cookie
    data       bytea, -- null once it ended; the row stays until it expires, so that no request still under way brings it back
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expired ON sessions (expires_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_log', 'users', 'role_grants', 'role_revocations', 'waivers', 'tokens', 'token_revocations'] LOOP
        EXECUTE format('CREATE TRIGGER sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON audit_log, users, role_grants, role_revocations, waivers, tokens, token_revocations TO plumbline_service;
GRANT SELECT, INSERT, DELETE ON signin_links TO plumbline_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO plumbline_service;
