"""What wakes a drain: a NOTIFY, a finished batch, a request to stop.

Belongs here: crossing from any thread, or from a signal handler, into the event loop. Does not: why it rings.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bell:
    """Rung from anywhere, heard in the event loop that attached itself; rings before that are lost."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Ring in the running event loop for the length of the block."""
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        try:
            yield
        finally:
            self._loop = None

    def ring(self) -> None:
        """Wake whoever waits, or will wait before the next `silence`. Safe in any thread and in a signal handler."""
        if (loop := self._loop) is not None:
            with suppress(RuntimeError):  # the loop closed between the two lines
                loop.call_soon_threadsafe(self._rung.set)

    def silence(self) -> None:
        """Forget the rings so far. Do this before looking for work, never after, or a ring between is lost."""
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Until it rings, or for that many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
