#!/bin/sh
# Passwords and database URLs of the compose mesh, made once, in a volume.
set -eu
umask 077
cd /etc/signet/secrets
new() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
[ -s postgres.password ] || new >postgres.password
[ -s admin-password ] || new >admin-password
[ -s redis-secret ] || new >redis-secret
[ -s envelope.redis-secret ] || new >envelope.redis-secret
for service in auth envelope storage anonymizer response audit; do
    [ -s "$service.url" ] ||
        printf 'postgres://%s:%s@postgres/%s' "$service" "$(new)" "$service" >"$service.url"
done
# For PostgreSQL's container, which runs as another user and mounts nothing else.
for file in postgres.password *.url; do
    [ -s "/etc/signet/database/$file" ] || install -m 0444 "$file" /etc/signet/database/
done
