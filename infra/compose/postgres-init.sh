#!/bin/sh
# Makes the database mg with its owner mg, and mg_reader, who can only read. Runs as the superuser when the data folder is
# new (docker-entrypoint-initdb.d); may be run again at any time, which also sets the passwords anew.
# Needs OWNER_PASSWORD and READER_PASSWORD; psql's own variables (PGHOST, PGUSER, …) say where.
set -eu
: "${OWNER_PASSWORD:?is not set}" "${READER_PASSWORD:?is not set}"

# \getenv keeps the passwords out of the process list.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv reader_password READER_PASSWORD
-- A statement that fails must not be written to the log with a password in it.
SET log_min_error_statement = panic;
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', wanted) FROM unnest(ARRAY['mg', 'mg_reader']) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) \gexec
ALTER ROLE mg WITH LOGIN PASSWORD :'owner_password';
ALTER ROLE mg_reader WITH LOGIN PASSWORD :'reader_password';

-- Reads every table there is and will be, so that a new read model needs no grant; writes nothing.
GRANT pg_read_all_data TO mg_reader;
ALTER ROLE mg_reader SET default_transaction_read_only = on;

SELECT 'CREATE DATABASE mg OWNER mg' WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'mg') \gexec
REVOKE ALL ON DATABASE mg FROM PUBLIC;
GRANT CONNECT ON DATABASE mg TO mg_reader;
SQL
