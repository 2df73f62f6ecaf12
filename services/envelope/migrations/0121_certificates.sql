-- Signed statements that data keys were destroyed.
CREATE TABLE certificates (
    -- Chosen by the service that destroyed them.
    id          UUID        NOT NULL PRIMARY KEY,
    tenant      UUID        NOT NULL,
    -- UUIDv7: the order of issue, for lists.
    serial      UUID        NOT NULL,
    holder      TEXT        NOT NULL,
    subject     TEXT        NOT NULL,
    statement   TEXT        NOT NULL,
    event       UUID        NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX certificates_by_age ON certificates (tenant, serial);
CREATE INDEX certificates_by_subject ON certificates (tenant, subject);
