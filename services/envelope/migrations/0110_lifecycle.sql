-- Keys have a life: more states, rotation by the service, destruction.
ALTER TABLE keys DROP COLUMN primary_version;
-- The age in seconds at which the newest version is followed by another; null
-- for never.
ALTER TABLE keys ADD COLUMN rotation_seconds BIGINT;
-- When the service is to look at it for that.
ALTER TABLE keys ADD COLUMN rotate_at TIMESTAMPTZ;
-- Counts changes.
ALTER TABLE keys ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

-- 90 days, and 30 for services' own. The service plans them anew when it first
-- looks at them, which is at once.
UPDATE keys SET rotate_at = created_at,
    rotation_seconds = CASE WHEN owner LIKE 'services/%' THEN 2592000 ELSE 7776000 END
    WHERE NOT registered;

CREATE INDEX keys_by_rotation ON keys (rotate_at) WHERE rotate_at IS NOT NULL;

-- The same table with more states: SQLite cannot change a CHECK in place.
CREATE TABLE new_key_versions (
    tenant        UUID        NOT NULL,
    key_id        TEXT        NOT NULL,
    version       BIGINT      NOT NULL,
    state         TEXT        NOT NULL CHECK (state IN
        ('pending', 'enabled', 'decrypt_only', 'disabled', 'destroy_scheduled', 'destroyed')),
    -- The RFC 7638 thumbprint.
    kid           TEXT        NOT NULL,
    public_jwk    TEXT        NOT NULL,
    -- The private half (PKCS#8) under a data key, and that under the tenant's
    -- KEK. Both are bound to tenant, key and version. Null for registered keys,
    -- and after destruction.
    private_half  BYTEA,
    data_key      BYTEA,
    created_at    TIMESTAMPTZ NOT NULL,
    -- When a pending version becomes enabled.
    activate_at   TIMESTAMPTZ,
    -- When the private half is to be destroyed, or was.
    destroy_at    TIMESTAMPTZ,
    PRIMARY KEY (tenant, key_id, version),
    FOREIGN KEY (tenant, key_id) REFERENCES keys (tenant, id),
    CHECK (state <> 'destroyed' OR (private_half IS NULL AND data_key IS NULL)),
    CHECK (state <> 'destroy_scheduled' OR destroy_at IS NOT NULL),
    CHECK (state <> 'pending' OR activate_at IS NOT NULL)
);

-- Rotation leaves one version that protects; until now that was implied.
INSERT INTO new_key_versions (tenant, key_id, version, state, kid, public_jwk, private_half,
        data_key, created_at)
    SELECT tenant, key_id, version,
        CASE WHEN state = 'enabled' AND EXISTS (
            SELECT 1 FROM key_versions newer WHERE newer.tenant = old.tenant
                AND newer.key_id = old.key_id AND newer.version > old.version
        ) THEN 'decrypt_only' ELSE state END,
        kid, public_jwk, private_half, data_key, created_at
    FROM key_versions old;

DROP TABLE key_versions;
ALTER TABLE new_key_versions RENAME TO key_versions;

-- A manifest names keys by `kid`, so within a tenant it names one.
CREATE UNIQUE INDEX key_versions_by_kid ON key_versions (tenant, kid);
-- What time brings about.
CREATE INDEX key_versions_by_activation ON key_versions (activate_at) WHERE state = 'pending';
CREATE INDEX key_versions_by_destruction ON key_versions (destroy_at)
    WHERE state = 'destroy_scheduled';

-- How much versions are used. `serial` is the key's.
CREATE TABLE key_uses (
    tenant        UUID        NOT NULL,
    serial        UUID        NOT NULL,
    version       BIGINT      NOT NULL,
    -- Sealed to, signed with.
    protected     BIGINT      NOT NULL,
    -- Opened, verified.
    processed     BIGINT      NOT NULL,
    last_used_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, serial, version)
);

-- By which version it was released.
ALTER TABLE releases ADD COLUMN key_version BIGINT NOT NULL DEFAULT 0;
CREATE INDEX releases_by_key ON releases (tenant, key_id);
