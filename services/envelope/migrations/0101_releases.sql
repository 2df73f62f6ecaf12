-- Content keys that have been released: by these a replay is recognized.
CREATE TABLE releases (
    tenant      UUID        NOT NULL,
    -- The unique id of the manifest.
    envelope    UUID        NOT NULL,
    -- The recipient key that it was released by.
    key_id      TEXT        NOT NULL,
    -- SHA-256 of the manifest: a retry must bring the same one.
    manifest    BYTEA       NOT NULL,
    -- Who asked: service and user.
    caller      TEXT        NOT NULL,
    request_id  UUID,
    -- The manifest's own end; after it the envelope is refused anyway.
    expires_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, envelope, key_id)
);

CREATE INDEX releases_by_end ON releases (expires_at);
