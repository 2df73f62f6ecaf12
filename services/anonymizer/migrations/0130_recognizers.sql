-- The tenants' recognizers. A deleted one leaves its row, as policies do.
CREATE TABLE recognizers (
    tenant        UUID        NOT NULL,
    id            TEXT        NOT NULL,
    -- The newest; also how many there have been.
    revision      BIGINT      NOT NULL,
    deleted       BOOLEAN     NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Documents hold examples, and dictionaries names: both are encrypted under keys of the
-- tenant, bound to their revision.
CREATE TABLE recognizer_revisions (
    tenant        UUID        NOT NULL,
    id            TEXT        NOT NULL,
    revision      BIGINT      NOT NULL,
    entity        TEXT        NOT NULL,
    always_on     BOOLEAN     NOT NULL,
    entry_count   BIGINT      NOT NULL,
    document      BYTEA       NOT NULL,
    -- A finite state set; null without a dictionary.
    entries       BYTEA,
    author        UUID        NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id, revision),
    FOREIGN KEY (tenant, id) REFERENCES recognizers (tenant, id)
);
