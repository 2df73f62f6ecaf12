-- Prompts as they are now. What is here is not encrypted: the text is not here.
CREATE TABLE prompts (
    id            UUID        NOT NULL PRIMARY KEY,
    tenant        UUID        NOT NULL,
    display_name  TEXT        NOT NULL,
    -- An array of pairs.
    labels        JSONB       NOT NULL,
    -- The newest; also how many there are.
    revision      BIGINT      NOT NULL,
    size_bytes    BIGINT      NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL
);

CREATE INDEX prompts_of_tenant ON prompts (tenant, id);

-- Every text that a prompt has had. Without its wrapped key a text is lost:
-- deleting the row is what deletes the text.
CREATE TABLE revisions (
    prompt        UUID        NOT NULL REFERENCES prompts (id),
    revision      BIGINT      NOT NULL,
    author        UUID        NOT NULL,
    size_bytes    BIGINT      NOT NULL,
    -- The blob's name in the store: 32 random bytes.
    address       BYTEA       NOT NULL UNIQUE,
    wrapped_key   BYTEA       NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (prompt, revision)
);

-- Blobs that no revision refers to: not yet, or no more. A doomed one is being
-- removed and cannot come into use.
CREATE TABLE loose_blobs (
    address       BYTEA       NOT NULL PRIMARY KEY,
    tenant        UUID        NOT NULL,
    since         TIMESTAMPTZ NOT NULL,
    doomed        BOOLEAN     NOT NULL
);
