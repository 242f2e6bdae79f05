"""A database server of one's own that can be killed and started again.

Keep out: when that happens.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types

from orchestration.storage.embedded import create_cluster, start_embedded_server, stop_embedded_server
from orchestration_tests.server import CONFIGURATION, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """The server whose data lies in `directory`, at `url`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.url = start_embedded_server(directory)

    def restart(self) -> None:
        """Have it drop everybody and everything at once, as a machine that fails, and start again."""
        pid = int((self._directory / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        start_embedded_server(self._directory)


@contextmanager
def own_server() -> Iterator[Server]:
    """A server, in memory where that is possible; stopped at the end."""
    parent = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=parent, ignore_cleanup_errors=True) as folder:
        directory = Path(folder) / "postgres"
        create_cluster(directory)
        with (directory / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        try:
            yield Server(directory)
        finally:
            stop_embedded_server(directory)
