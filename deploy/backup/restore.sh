#!/usr/bin/env bash
# Restore a backup into empty databases, with all processes stopped: deploy/backup/restore.sh FOLDER
# OBJECTS and TO as for the backup: the copy is brought back to where it was.
set -euo pipefail
folder=${1:?name the folder of the backup}
: "${ORCHESTRATION_DATABASE_URL:?}" "${ORCHESTRATION_DAGSTER_DATABASE_URL:?}"

pg_restore --no-owner --exit-on-error --single-transaction --dbname="$ORCHESTRATION_DATABASE_URL" "$folder/domain.dump"
pg_restore --no-owner --exit-on-error --single-transaction --dbname="$ORCHESTRATION_DAGSTER_DATABASE_URL" \
    "$folder/dagster.dump"
if [ -n "${OBJECTS:-}" ]; then
    rclone copy --immutable --size-only --transfers=16 "${TO:?where the copy is}" "$OBJECTS"
fi
orchestration migrate --dagster
# What it names as unnamed came after the backup; what it names as missing was lost, and ends it with 1.
orchestration reconcile
