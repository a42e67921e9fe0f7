#!/bin/sh
# What the official image's entry point does with these settings, and no more.
set -eu
PATH=/usr/lib/postgresql/17/bin:$PATH
export LANG=C.UTF-8 # the official image has a UTF-8 locale too: databases are made in UTF-8
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --pgdata="$PGDATA" \
        $POSTGRES_INITDB_ARGS
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c 'listen_addresses=*'
