CREATE TABLE items (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    amount BIGINT NOT NULL CHECK (amount >= 0)
);
