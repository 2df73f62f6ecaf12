-- Services that have ever been given data keys of a tenant.
CREATE TABLE kek_holders (
    tenant  UUID        NOT NULL,
    holder  TEXT        NOT NULL,
    since   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, holder)
);

-- Jobs that move every wrapped key of a tenant to another version of its KEK.
CREATE TABLE kek_rotations (
    id                 UUID        NOT NULL PRIMARY KEY,
    tenant             UUID        NOT NULL,
    state              TEXT        NOT NULL
        CHECK (state IN ('running', 'paused', 'retired', 'destroying', 'destroyed')),
    -- Where the keys go.
    provider           TEXT        NOT NULL,
    version            BIGINT      NOT NULL,
    -- What is emptied: pairs of a provider and its last version.
    retires            JSONB       NOT NULL,
    -- Of each holder.
    per_second         BIGINT      NOT NULL,
    -- Counts before this prove nothing: a key may still be on its way.
    settled_at         TIMESTAMPTZ NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL,
    -- The signed statement, and its event.
    certificate        TEXT,
    certificate_event  UUID
);

CREATE INDEX kek_rotations_of_tenant ON kek_rotations (tenant, id);
-- One at a time.
CREATE UNIQUE INDEX kek_rotations_open ON kek_rotations (tenant)
    WHERE state IN ('running', 'paused');

-- What each holder has done for a job.
CREATE TABLE kek_rewraps (
    rotation      UUID        NOT NULL REFERENCES kek_rotations (id),
    holder        TEXT        NOT NULL,
    rewrapped     BIGINT      NOT NULL,
    failed        BIGINT      NOT NULL,
    -- Of the last count.
    remaining     BIGINT,
    current       BIGINT,
    counted_at    TIMESTAMPTZ,
    -- Where to go on; the holder's own.
    position      BYTEA       NOT NULL,
    -- The instance that works on it, and until when others keep away.
    worker        UUID,
    leased_until  TIMESTAMPTZ,
    PRIMARY KEY (rotation, holder)
);
