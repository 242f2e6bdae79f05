"""The embedded PostgreSQL server of a test session.

Its data outlives no session, so it is kept in memory where that is large enough, and never waits for a disk. Keep out:
databases on it, fixtures and hooks.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.storage.embedded import create_cluster, start_embedded_server, stop_embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every process of the session has connections of its own, and so has each process that a test starts.
CONFIGURATION = """
fsync = off
full_page_writes = off
max_connections = 500
max_wal_size = 256MB
"""
# A database is 300 files. Creating and dropping one takes a tenth of the time in memory.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below it has a name of its own
BYTES_NEEDED = 2 * 1024**3


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server and stop it at the end; the URL of its `postgres` database.

    Its folder is not pytest's, which removes those of earlier sessions even while they run.
    """
    parent = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > BYTES_NEEDED else None
    with tempfile.TemporaryDirectory(prefix="orchestration-tests-", dir=parent, ignore_cleanup_errors=True) as folder:
        directory = Path(folder) / "postgres"
        create_cluster(directory)
        with (directory / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        url = start_embedded_server(directory)
        try:
            yield url
        finally:
            stop_embedded_server(directory)
