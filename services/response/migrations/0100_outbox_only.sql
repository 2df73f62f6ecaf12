-- The response service keeps nothing of its own yet: its outbox is libs/db's.
SELECT 1;
