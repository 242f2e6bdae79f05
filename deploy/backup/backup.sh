#!/usr/bin/env bash
# Back the databases and the objects up, while everything runs: deploy/backup/backup.sh FOLDER
# OBJECTS and TO are what rclone calls the store and its copy, such as s3:orchestration-assets/factory; without them only
# the databases are taken, as where the bucket keeps versions of its own.
set -euo pipefail
folder=${1:?name a folder for the backup}
: "${ORCHESTRATION_DATABASE_URL:?}" "${ORCHESTRATION_DAGSTER_DATABASE_URL:?}"
mkdir -p "$folder"

# In this order: the objects that a row names were stored before the row, and a row is written before Dagster hears of
# it. So what is taken later holds all that what was taken earlier speaks of.
pg_dump --format=custom --file="$folder/dagster.dump" "$ORCHESTRATION_DAGSTER_DATABASE_URL"
pg_dump --format=custom --file="$folder/domain.dump" "$ORCHESTRATION_DATABASE_URL"
if [ -n "${OBJECTS:-}" ]; then
    # Objects never change, so that only new ones are sent; none is deleted from the copy.
    rclone copy --immutable --size-only --transfers=16 "$OBJECTS" "${TO:?where the copy is}"
fi
