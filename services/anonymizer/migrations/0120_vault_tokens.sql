-- What tokens in texts stand for. Everything that could say who is meant is encrypted or a
-- blind index under keys of the tenant.
CREATE TABLE vault_tokens (
    tenant      UUID        NOT NULL,
    -- Random: what the text holds.
    token       BYTEA       NOT NULL,
    -- Of subject, type and value: a value that is kept already is found by it.
    lookup      BYTEA       NOT NULL,
    -- Of the subject: what erasure goes by.
    subject     BYTEA       NOT NULL,
    entity      TEXT        NOT NULL,
    -- Encrypted, bound to its token.
    value       BYTEA       NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    -- Null: never.
    expires_at  TIMESTAMPTZ,
    PRIMARY KEY (tenant, token)
);

CREATE UNIQUE INDEX vault_tokens_by_value ON vault_tokens (tenant, lookup);
CREATE INDEX vault_tokens_by_subject ON vault_tokens (tenant, subject);
CREATE INDEX vault_tokens_by_end ON vault_tokens (expires_at);
