CREATE TABLE dialect AS SELECT 'sqlite' AS name;
