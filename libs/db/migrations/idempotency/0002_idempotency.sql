-- Answers to writes that carried a request_id, so that a retry gets the same
-- answer and does nothing twice.
CREATE TABLE idempotency (
    tenant UUID NOT NULL,
    principal UUID NOT NULL,
    method TEXT NOT NULL,
    request_id TEXT NOT NULL,
    digest BYTEA NOT NULL, -- SHA-256 of the request
    response BYTEA, -- null only inside the transaction that claimed the row
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, principal, method, request_id)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);
