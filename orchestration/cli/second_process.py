"""A second process of a command: what it does there has an interpreter, and so a core, of its own.

Keep out: what is done there.

It is forked before the command opens anything: what is loaded is loaded once, and no connection is shared. Where there
is more than one thread it cannot be: the fork would find the locks of the others held for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection as handles
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")

_function: Callable[..., Any]
_working = threading.Lock()


class SecondProcess(Generic[P, T]):
    """A process that calls `function` when it is asked to, one call at a time, between entering and leaving.

    It inherits the function; arguments, results and errors are pickled. It leaves SIGINT to the first process. When
    that one is killed, it sends itself a SIGTERM, and is gone when the call under way has ended.

    Only where `may_fork`.
    """

    def __init__(self, function: Callable[P, T]) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("fork"), _begin, (function,))
        self._pid = self._pool.submit(os.getpid).result()  # the pool forks now, before it starts a thread

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def start(self, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it call the function. The error is `BrokenProcessPool` when the process is killed, then or before."""
        try:
            return self._pool.submit(_work, *args, **kwargs)
        except BrokenProcessPool as error:
            failed: Future[T] = Future()
            failed.set_exception(error)
            return failed

    def terminate(self) -> None:
        """Send it SIGTERM."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)


def may_fork() -> bool:
    """Whether this process has a single thread, also of those that Python does not know."""
    import psutil  # type: ignore[import-untyped]  # it brings no types

    return bool(psutil.Process().num_threads() == 1)


def _begin(function: Callable[..., Any]) -> None:
    global _function  # noqa: PLW0603 - a pool gives its processes no other place
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _work(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - what the function returns
    with _working:
        return _function(*args, **kwargs)


def _end_with(sentinel: int) -> None:
    handles.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    with _working:
        os._exit(1)
