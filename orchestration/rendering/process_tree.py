"""Killing a process with everything that it has started.

Finding the children, grandchildren and orphans of a process, and ending them. Keep out: when that is due (`pool`).

The process should lead a session of its own (`os.setsid`). Then its descendants are found even when the process that
started them is dead, unless they began a session themselves.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Final

import psutil  # type: ignore[import-untyped]  # it brings no types

LONGEST_WAIT: Final = 5.0
"""Seconds: a process that the system keeps alive for longer, as one that waits for a disk, is left to die alone."""
_POLL: Final = 0.005


def kill_tree(root: int) -> None:
    """Kill the process `root`, its descendants and its session, but for the process that asks.

    They are all stopped before the first is killed, so none of them starts another meanwhile. Returns once they are
    gone, or after `LONGEST_WAIT` seconds.
    """
    stopped: set[psutil.Process] = set()
    while fresh := _members(root) - stopped:
        for process in fresh:
            with suppress(psutil.Error):
                process.suspend()
        stopped |= fresh
    for process in stopped:
        with suppress(psutil.Error):
            process.kill()
    deadline = time.monotonic() + LONGEST_WAIT
    while any(map(_runs, stopped)) and time.monotonic() < deadline:
        time.sleep(_POLL)


def _members(root: int) -> set[psutil.Process]:
    """Return the processes of a tree that run now."""
    found: set[psutil.Process] = set()
    for pid in psutil.pids():
        if pid == root or _session(pid) == root:
            with suppress(psutil.Error):
                member = psutil.Process(pid)
                found |= {member, *member.children(recursive=True)}
    return {process for process in found if process.pid != os.getpid() and _runs(process)}


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process can still do anything: a zombie only waits for its parent."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
