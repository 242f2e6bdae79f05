"""The pool of processes: what is killed goes with all it has started, and a bad call is one call's fault."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil  # type: ignore[import-untyped]  # it brings no types
import pytest

from orchestration.errors import PermanentError, TransientError
from orchestration.rendering.errors import KilledError, RenderingError, TimeLimitError, UnexpectedError
from orchestration.rendering.pool import ProcessPool
from orchestration_tests.rendering import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")
PRELOAD = ["orchestration_tests.rendering.calls"]
LIMIT = 60.0


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ProcessPool(2, preload=PRELOAD) as opened:
        yield opened


async def run(pool: ProcessPool, function: Callable[..., Result], *args: object, seconds: float = LIMIT) -> Result:
    return await pool.run(function, *args, item=f"{function.__name__}{args}", seconds=seconds)


def runs(pid: int) -> bool:
    """Whether a process can still do anything."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_calls_are_shared_out_and_answered_in_their_order(pool: ProcessPool) -> None:
    assert await asyncio.gather(*(run(pool, calls.double, n) for n in range(20))) == [2 * n for n in range(20)]


async def test_a_process_does_not_import_the_program_that_started_it(pool: ProcessPool) -> None:
    assert await run(pool, calls.imported_program) is None


async def test_a_call_that_takes_too_long_is_killed_with_its_family_and_its_folder(
    pool: ProcessPool, tmp_path: Path
) -> None:
    note = tmp_path / "family"
    with pytest.raises(TimeLimitError, match=r"hang.*took longer than 2 s and was killed"):
        await run(pool, calls.hang, str(note), seconds=2)
    family = json.loads(note.read_text())
    assert len(family) == 4
    assert [pid for pid in family if runs(pid)] == []
    assert not Path((tmp_path / "family.scratch").read_text()).parent.exists()


async def test_the_neighbours_of_a_killed_call_are_done_and_the_next_runs(pool: ProcessPool, tmp_path: Path) -> None:
    hanging = run(pool, calls.hang, str(tmp_path / "family"), seconds=2)
    neighbours = [run(pool, calls.double, n) for n in range(8)]
    killed, *done = await asyncio.gather(hanging, *neighbours, return_exceptions=True)
    assert isinstance(killed, TimeLimitError)
    assert done == [2 * n for n in range(8)]
    assert await run(pool, calls.double, 21) == 42


async def test_what_a_call_leaves_in_its_folder_goes_with_it(pool: ProcessPool, tmp_path: Path) -> None:
    path = Path(await run(pool, calls.keep_a_file, str(tmp_path / "note")))
    assert path.is_relative_to(tmp_path)
    assert not await asyncio.to_thread(path.exists)
    assert Path(await run(pool, calls.keep_a_file, str(tmp_path / "note"))).is_relative_to(tmp_path)


@pytest.mark.parametrize("code", [0, 11])
async def test_a_process_that_ends_names_its_item_and_the_next_call_runs(pool: ProcessPool, code: int) -> None:
    with pytest.raises(KilledError, match=rf"exit_at_once\({code},\): .* died with the exit code {code}") as died:
        await run(pool, calls.exit_at_once, code)
    assert isinstance(died.value, TransientError)
    assert await run(pool, calls.double, 21) == 42


async def test_what_a_killed_process_had_started_is_killed_too(pool: ProcessPool, tmp_path: Path) -> None:
    note = tmp_path / "family"
    with pytest.raises(KilledError, match=r"be_killed.*exit code -9"):
        await run(pool, calls.be_killed, str(note))
    assert not Path((tmp_path / "family.scratch").read_text()).parent.exists()
    assert [pid for pid in json.loads(note.read_text()) if runs(pid)] == []


async def test_an_idle_process_that_is_killed_costs_no_call(pool: ProcessPool) -> None:
    pids = {await run(pool, calls.own_pid) for _ in range(10)}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(map(runs, pids)))
    await asyncio.sleep(0.3)
    assert await asyncio.gather(*(run(pool, calls.double, n) for n in range(4))) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (calls.want_too_much_memory, "MemoryError"),
        (calls.recurse_too_deep, "RecursionError"),
        (calls.return_too_deep, "RecursionError"),
        (calls.return_a_function, "AttributeError"),
        (calls.ask_to_exit, "SystemExit"),
    ],
)
async def test_an_error_is_that_items_and_the_process_goes_on(
    pool: ProcessPool, function: Callable[[], object], named: str
) -> None:
    before = {await run(pool, calls.own_pid) for _ in range(10)}
    with pytest.raises(UnexpectedError, match=rf"{function.__name__}\(\): {named}") as raised:
        await run(pool, function)
    assert function.__name__ in "".join(raised.value.__notes__)
    assert all(map(runs, before))


async def test_an_error_of_the_package_comes_back_as_itself(pool: ProcessPool) -> None:
    with pytest.raises(PermanentError) as raised:
        await run(pool, calls.fail, "luck")
    assert (type(raised.value), str(raised.value)) == (PermanentError, "no luck")
    assert 'raise PermanentError(f"no {word}")' in "".join(raised.value.__notes__)


async def test_an_error_that_cannot_be_sent_comes_back_in_words(pool: ProcessPool) -> None:
    with pytest.raises(PermanentError, match=r"StubbornError: no luck"):
        await run(pool, calls.fail_stubbornly, "luck")
    assert await run(pool, calls.double, 1) == 2


async def test_a_call_that_cannot_be_sent_fails_alone(pool: ProcessPool) -> None:
    with pytest.raises((AttributeError, TypeError)):
        await run(pool, calls.double, lambda: None)
    assert await run(pool, calls.double, 1) == 2


async def test_a_call_that_nobody_waits_for_any_more_is_killed(pool: ProcessPool, tmp_path: Path) -> None:
    note = tmp_path / "family"
    waiting = asyncio.create_task(run(pool, calls.hang, str(note)))
    await asyncio.to_thread(wait_for, note.exists)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    family = json.loads(note.read_text())
    wait_for(lambda: not any(map(runs, family)))


async def test_leaving_the_pool_ends_what_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    note = tmp_path / "family"
    with ProcessPool(1, preload=PRELOAD) as pool:
        await run(pool, calls.start_a_family, str(note))
    assert [pid for pid in json.loads(note.read_text()) if runs(pid)] == []
    assert list((tmp_path / "temporary").iterdir()) == []


def _run_for_ever(folder: str) -> None:
    tempfile.tempdir = folder
    with ProcessPool(1, preload=PRELOAD) as pool:
        asyncio.run(run(pool, calls.hang, f"{folder}/family"))


def test_nothing_outlives_a_program_that_is_killed(tmp_path: Path) -> None:
    program = multiprocessing.get_context("spawn").Process(target=_run_for_ever, args=(str(tmp_path),))
    program.start()
    wait_for((tmp_path / "family").exists)
    program.kill()
    program.join()
    family = json.loads((tmp_path / "family").read_text())
    wait_for(lambda: not any(map(runs, family)))
    wait_for(lambda: not list(tmp_path.glob("rendering-*")))


def test_every_failure_of_a_call_names_its_item_and_may_be_tried_again() -> None:
    error = TimeLimitError("tag 7", "it took too long")
    assert isinstance(error, RenderingError | TransientError)
    assert (str(error), error.item, error.problem) == ("tag 7: it took too long", "tag 7", "it took too long")
