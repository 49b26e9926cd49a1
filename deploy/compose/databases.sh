#!/usr/bin/env bash
# Run once by the PostgreSQL image, when its volume is new: a role and a database of the same name for each service,
# open to that role alone. Passwords are read by psql itself, so that no process list shows them.
set -euo pipefail

for service in intake outreach referral reporting; do
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set service="$service" --set file="${SECRETS:-/run/secrets}/${service}_password" <<'SQL'
\set password `cat :'file'`
create role :"service" login password :'password';
create database :"service" owner :"service";
revoke all on database :"service" from public;
SQL
done

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --command 'revoke connect on database postgres, template1 from public'
