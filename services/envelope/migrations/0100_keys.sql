-- Keys of tenants: recipients' keys (SEAL) and senders' keys (SIGN).
CREATE TABLE keys (
    tenant           UUID        NOT NULL,
    id               TEXT        NOT NULL,
    -- UUIDv7: the order of creation, for lists.
    serial           UUID        NOT NULL,
    purpose          TEXT        NOT NULL CHECK (purpose IN ('seal', 'sign')),
    algorithm        TEXT        NOT NULL,
    state            TEXT        NOT NULL CHECK (state IN ('enabled', 'disabled')),
    -- The newest version.
    primary_version  BIGINT      NOT NULL,
    -- Empty, 'users/{uuid}', or 'services/{name}'.
    owner            TEXT        NOT NULL,
    -- Whether the private half stays with the client.
    registered       BOOLEAN     NOT NULL,
    labels           JSONB       NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX keys_by_age ON keys (tenant, serial);

CREATE TABLE key_versions (
    tenant        UUID        NOT NULL,
    key_id        TEXT        NOT NULL,
    version       BIGINT      NOT NULL,
    state         TEXT        NOT NULL CHECK (state IN ('enabled', 'disabled')),
    -- The RFC 7638 thumbprint.
    kid           TEXT        NOT NULL,
    public_jwk    TEXT        NOT NULL,
    -- The private half (PKCS#8) under a data key, and that under the tenant's
    -- KEK. Both are bound to tenant, key and version. Null for registered keys.
    private_half  BYTEA,
    data_key      BYTEA,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, key_id, version),
    FOREIGN KEY (tenant, key_id) REFERENCES keys (tenant, id)
);

-- A manifest names keys by `kid`, so within a tenant it names one.
CREATE UNIQUE INDEX key_versions_by_kid ON key_versions (tenant, kid);
