"""What a process of the pool does: it runs calls in its scratch folder, and sends back values or errors.

The life of one process and of one call in it. Keep out: which process gets which call, and killing (`pool`).

Calls and their results travel as bytes that are pickled here. So what cannot be sent, in either direction, is an error
of the one call; it breaks neither the process nor the channel that all processes share.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import shutil
import tempfile
import threading
import traceback
from contextlib import suppress
from multiprocessing import connection as handles
from multiprocessing import util
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import OrchestrationError, PermanentError, TransientError
from orchestration.rendering.process_tree import kill_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Value(NamedTuple):
    """What a call returned."""

    value: Any


class Failure(NamedTuple):
    """How a call failed: in words, with the error itself if it is one of this package."""

    problem: str
    trace: str
    error: OrchestrationError | None = None


def scratch_of(pid: int, scratch: Path) -> Path:
    """Return the scratch folder of a process, among those of its pool."""
    return scratch / str(pid)


def begin(scratch: Path, modules: Sequence[str]) -> None:
    """Prepare the process for its calls, and for its end.

    It begins a session, so that what it starts is found again, ends when the pool's process does, and imports what the
    calls need, in case that the server it was forked off has not.
    """
    os.setsid()
    folder = scratch_of(os.getpid(), scratch)
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    util.Finalize(None, _leave_nothing, args=(folder,), exitpriority=0)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel, scratch), daemon=True).start()
    for module in modules:
        with suppress(Exception):  # the calls that need it say what is wrong
            importlib.import_module(module)


def _leave_nothing(folder: Path) -> None:
    """Kill what this process has started, and remove its folder, and that of the pool if it was the last in it."""
    kill_tree(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


def _end_with(sentinel: int, scratch: Path) -> None:
    """End with the pool's process: nobody would take a result, or remove what was left."""
    handles.wait([sentinel])
    kill_tree(os.getpid())
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def packed(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    """Return a call as bytes."""
    return pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)


def unpacked(result: bytes) -> Value | Failure:
    """Return what `run_call` sent."""
    ending: Value | Failure = pickle.loads(result)  # noqa: S301 - our own process wrote it
    return ending


def begun_file(name: str, scratch: Path) -> Path:
    """Return the file that holds the id of the process that works at the call of that name, among a pool's folders."""
    return scratch / f"{name}.begun"


def run_call(call: bytes, scratch: Path, name: str | None = None) -> bytes:
    """Run a call and remove its temporary files; a `Value` or a `Failure`, as bytes.

    While a call with a name runs, its `begun_file` is there.
    """
    if name:
        begun_file(name, scratch).write_text(str(os.getpid()))
    try:
        function, args = pickle.loads(call)  # noqa: S301 - the pool wrote it
        return pickle.dumps(Value(function(*args)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # noqa: BLE001 - even a request to exit is how this call ended, and no more
        return pickle.dumps(_failure(error))
    finally:
        if name:
            begun_file(name, scratch).unlink(missing_ok=True)
        _empty(scratch_of(os.getpid(), scratch))


def _empty(folder: Path) -> None:
    if not folder.exists() or any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)


def _failure(error: BaseException) -> Failure:
    problem, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
    if not isinstance(error, OrchestrationError):
        return Failure(problem, trace)
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - it was just written
    except Exception:  # noqa: BLE001 - an error that cannot be sent, for whichever reason, is sent in words
        kind = PermanentError if isinstance(error, PermanentError) else TransientError
        return Failure(problem, trace, kind(problem))
    return Failure(problem, trace, error)
