CREATE TABLE dialect AS SELECT CAST('postgres' AS TEXT) AS name;
