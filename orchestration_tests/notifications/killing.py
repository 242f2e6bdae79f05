"""A delivery in a process of its own, which is killed between the sending and its record.

The process. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Any

from orchestration.notifications.delivery import deliver
from orchestration.notifications.outbox import Outbox
from orchestration.settings import Settings
from orchestration.storage.database import Database
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

# Processes are forked off a small server that has imported this module, which takes milliseconds instead of seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.notifications.killing"])


def deliver_everything(url: str, values: dict[str, Any]) -> None:
    """A whole delivery with these settings; what the process does."""
    database = Database(url)
    asyncio.run(deliver(database, Outbox(Settings(**values)), lambda _: None, DrainOptions(idle_seconds=None)))
    database.close()


def start(url: str, values: dict[str, Any]) -> ForkServerProcess:
    """Start a delivery."""
    process = _processes.Process(target=deliver_everything, args=(url, values))
    process.start()
    return process


def kill(process: ForkServerProcess) -> None:
    """Kill it, wherever it stands."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
