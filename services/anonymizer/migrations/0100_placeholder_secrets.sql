-- One secret a tenant, wrapped by its KEK: conversations' placeholder keys are
-- derived from it, so that they are stable without being stored.
CREATE TABLE placeholder_secrets (
    tenant      UUID        NOT NULL PRIMARY KEY,
    wrapped     BYTEA       NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
