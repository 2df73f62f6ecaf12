#!/bin/bash
# A database and a user for each service; nobody else may connect. Run by the
# entry point of PostgreSQL's image when its volume is empty.
set -eu
for service in auth envelope storage anonymizer response audit; do
    url=$(cat "/secrets/$service.url")
    password=${url#*://*:}
    password=${password%@*}
    psql -v ON_ERROR_STOP=1 --username postgres <<-SQL
	CREATE ROLE $service LOGIN PASSWORD '$password';
	CREATE DATABASE $service OWNER $service TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
	REVOKE CONNECT ON DATABASE $service FROM PUBLIC;
	SQL
done
