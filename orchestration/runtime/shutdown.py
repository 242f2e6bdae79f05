"""Graceful shutdown: a termination signal asks the work to end, and does not interrupt it.

It holds the signals. Keep out: what is finished before the end; the worker of a drain sees to that.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A terminal's Ctrl-C and a supervisor's SIGTERM arrive together. A signal after this long means: end now.
FORCE_SECONDS = 2.0


class GracefulShutdown:
    """Turns SIGINT and SIGTERM into a request while the block runs.

    The work of the block ends in order and records what it has done, so nothing is left to interrupt: the block ends
    without an exception. Of nested blocks, each hears of the request. A second signal after `FORCE_SECONDS` goes to
    the handler that was there before. A block outside the main thread hears of what arrives in one there; alone it
    changes nothing.
    """

    # The blocks that are entered, outermost first. Dagster sets handlers of its own between two of them, so the
    # handler that was there before does not lead from one to the next.
    _entered: ClassVar[list[GracefulShutdown]] = []

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._requested_at: float | None = None
        self._previous: dict[int, signal._HANDLER] = {}

    @property
    def is_requested(self) -> bool:
        """Whether a signal has arrived."""
        return self._requested_at is not None

    def call(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in the main thread, when a signal arrives, or at once if one has arrived."""
        self._listeners.append(listener)
        if self.is_requested:
            listener()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        self._entered.append(self)
        if any(block.is_requested for block in self._entered):  # a signal came while this one was on its way
            self.request()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._entered.remove(self)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._requested_at is not None and self._clock() - self._requested_at >= FORCE_SECONDS:
            signal.signal(number, self._previous[number])
            signal.raise_signal(number)
            return
        for block in self._entered:
            block.request()

    def request(self) -> None:
        """Ask the block to end, as a signal does."""
        if self._requested_at is None:
            self._requested_at = self._clock()
            for listener in self._listeners:
                listener()
