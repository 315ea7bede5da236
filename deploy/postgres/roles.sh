#!/bin/sh
# Runs once, when the database is made: the role the application connects as. What it may do, `manage.py migrate` grants.
set -eu
password=$(cat "$APPLICATION_PASSWORD_FILE")
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$password" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE handover LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
