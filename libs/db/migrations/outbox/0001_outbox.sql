-- Events that another service must hear of, written in the transaction of the
-- change they tell of. The relay deletes a row once its receiver has it.
CREATE TABLE outbox (
    id UUID PRIMARY KEY NOT NULL, -- the event's own id: the receiver deduplicates by it
    tenant UUID NOT NULL,
    event BYTEA NOT NULL, -- encoded by the service; opaque here
    created_at TIMESTAMPTZ NOT NULL
);
