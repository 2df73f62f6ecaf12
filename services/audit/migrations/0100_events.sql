-- Events in the order of the log. What the log commits to is `encoded`, opened
-- by `salt`; the other columns are for queries only.
CREATE TABLE events (
    id          UUID        NOT NULL PRIMARY KEY,
    log_index   BIGINT      NOT NULL UNIQUE,
    tenant      UUID        NOT NULL,
    kind        TEXT        NOT NULL,
    subject     TEXT        NOT NULL,
    request_id  TEXT        NOT NULL,
    encoded     BYTEA       NOT NULL,
    salt        BYTEA       NOT NULL
);

CREATE INDEX events_of_tenant ON events (tenant, log_index);
CREATE INDEX events_of_request ON events (tenant, request_id, log_index);
CREATE INDEX events_of_subject ON events (tenant, subject, log_index);

-- One row: how many events the log has; its lock orders the writers. Beside it
-- the last published head, by which log files that were rolled back are noticed.
CREATE TABLE log_size (
    only_row        BIGINT  NOT NULL PRIMARY KEY CHECK (only_row = 1),
    size            BIGINT  NOT NULL,
    published_size  BIGINT  NOT NULL,
    published_root  BYTEA   NOT NULL
);

INSERT INTO log_size (only_row, size, published_size, published_root) VALUES (1, 0, 0, '');
