-- The tenants' policies. A deleted one leaves its row: its name may come back, and
-- then goes on counting, so that a pinned revision never means another document.
CREATE TABLE policies (
    tenant        UUID        NOT NULL,
    id            TEXT        NOT NULL,
    -- The newest; also how many there have been.
    revision      BIGINT      NOT NULL,
    deleted       BOOLEAN     NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Every document that a policy has had. They are not encrypted: they say what is done
-- with personal data, and hold none.
CREATE TABLE policy_revisions (
    tenant        UUID        NOT NULL,
    id            TEXT        NOT NULL,
    revision      BIGINT      NOT NULL,
    document      TEXT        NOT NULL,
    description   TEXT        NOT NULL,
    reversible    BOOLEAN     NOT NULL,
    author        UUID        NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id, revision),
    FOREIGN KEY (tenant, id) REFERENCES policies (tenant, id)
);
