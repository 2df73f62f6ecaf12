-- The epoch of a tenant's unwrapped data keys in memory. A process may use what it
-- holds only while that belongs to the present epoch; none is epoch 0.
CREATE TABLE key_epochs (
    tenant  UUID    NOT NULL PRIMARY KEY,
    epoch   BIGINT  NOT NULL
);
