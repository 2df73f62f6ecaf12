CREATE TABLE tenants (
    id          UUID        NOT NULL PRIMARY KEY,
    -- What people type when they log in.
    short_name  TEXT        NOT NULL UNIQUE,
    created_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE users (
    id              UUID        NOT NULL PRIMARY KEY,
    tenant          UUID        NOT NULL REFERENCES tenants (id),
    -- Lower case.
    email           TEXT        NOT NULL,
    -- Argon2id in PHC form, parameters and salt included.
    password_hash   TEXT        NOT NULL,
    -- Names, sorted, separated by commas.
    roles           TEXT        NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    UNIQUE (tenant, email)
);

-- Log-ins that have not succeeded, of the last minutes. `account` is a digest of
-- tenant and address, kept for accounts that do not exist as well: otherwise
-- being locked out would tell which do.
CREATE TABLE log_in_attempts (
    id          UUID        NOT NULL PRIMARY KEY,
    account     BYTEA       NOT NULL,
    tried_at    TIMESTAMPTZ NOT NULL
);

CREATE INDEX log_in_attempts_of_account ON log_in_attempts (account, tried_at);
CREATE INDEX log_in_attempts_by_age ON log_in_attempts (tried_at);

CREATE TABLE api_keys (
    id              UUID        NOT NULL PRIMARY KEY,
    tenant          UUID        NOT NULL REFERENCES tenants (id),
    owner           UUID        NOT NULL REFERENCES users (id),
    display_name    TEXT        NOT NULL,
    hint            TEXT        NOT NULL,
    -- SHA-256: the secret has 256 random bits, so a slow hash would add nothing.
    secret_hash     BYTEA       NOT NULL UNIQUE,
    created_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ,
    revoked_at      TIMESTAMPTZ
);

CREATE INDEX api_keys_of_tenant ON api_keys (tenant, id);
CREATE INDEX api_keys_of_owner ON api_keys (tenant, owner, id);

-- Keys that sign access tokens.
CREATE TABLE signing_keys (
    -- RFC 7638 thumbprint.
    kid         TEXT        NOT NULL PRIMARY KEY,
    public_key  BYTEA       NOT NULL,
    -- The seed under a data key, bound to this table, column and row.
    private_key BYTEA       NOT NULL,
    -- The data key, wrapped by the envelope service.
    wrapped_key BYTEA       NOT NULL,
    -- 1 for the one key that signs, NULL for the others: all instances agree.
    active      BIGINT      UNIQUE CHECK (active = 1),
    created_at  TIMESTAMPTZ NOT NULL,
    -- From then on no token of this key can be alive.
    retired_at  TIMESTAMPTZ
);
