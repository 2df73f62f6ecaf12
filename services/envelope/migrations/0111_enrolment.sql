-- Challenges to prove possession of a key that cannot sign. Each is used once.
CREATE TABLE key_challenges (
    tenant      UUID        NOT NULL,
    -- Who asked, and may answer.
    principal   UUID        NOT NULL,
    -- The thumbprint of the key.
    kid         TEXT        NOT NULL,
    -- SHA-256 of the answer.
    answer      BYTEA       NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, principal, kid)
);

CREATE INDEX key_challenges_by_end ON key_challenges (expires_at);

-- Keys that private halves are sealed to on their way in: for an hour each.
CREATE TABLE import_keys (
    tenant        UUID        NOT NULL,
    id            UUID        NOT NULL,
    -- Who asked, and may use it.
    principal     UUID        NOT NULL,
    algorithm     TEXT        NOT NULL,
    -- As in key_versions.
    private_half  BYTEA       NOT NULL,
    data_key      BYTEA       NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX import_keys_by_end ON import_keys (expires_at);
