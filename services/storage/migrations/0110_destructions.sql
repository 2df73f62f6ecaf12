-- Data keys that were destroyed and have no certificate yet. A row goes when the
-- envelope service has signed one.
CREATE TABLE destructions (
    id            UUID        NOT NULL PRIMARY KEY,
    tenant        UUID        NOT NULL,
    prompt        UUID        NOT NULL,
    -- SHA-256 of each wrapped key, one after the other.
    digests       BYTEA       NOT NULL,
    destroyed_at  TIMESTAMPTZ NOT NULL
);
