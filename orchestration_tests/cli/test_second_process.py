"""A second process of a command: what it is given, what it gives back, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types
import pytest

from orchestration.cli.second_process import SecondProcess
from orchestration.errors import NotFoundError, StoppedError
from orchestration.runtime.shutdown import GracefulShutdown

if TYPE_CHECKING:
    from pathlib import Path

FIRST_OF_TWO = """
import sys
from pathlib import Path
from orchestration.cli.second_process import SecondProcess
from orchestration_tests.cli.test_second_process import work_until_asked

with SecondProcess(work_until_asked) as second:
    second.start(Path(sys.argv[1])).result()
"""


def work_until_asked(folder: Path) -> None:
    """Work until a signal asks for the end, which takes a while."""
    with GracefulShutdown() as shutdown:
        (folder / "begun").touch()
        while not shutdown.is_requested:
            time.sleep(0.01)
        time.sleep(0.2)
    (folder / "done").touch()
    raise StoppedError("Stopped")


def doubled(number: int) -> tuple[int, int]:
    """Twice the number, and who says so."""
    if number < 0:
        raise NotFoundError(f"{number} is not there")
    return 2 * number, os.getpid()


def kill_itself() -> None:
    """End as at the hands of the system when it has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(file: Path) -> None:
    """Wait until it exists."""
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_works_in_a_process_of_its_own_and_gives_back_results_and_errors() -> None:
    with SecondProcess(doubled) as second:
        assert second.start(2).result()[0] == 4
        number, pid = second.start(3).result()
        with pytest.raises(NotFoundError, match="-1 is not there"):
            second.start(-1).result()
    assert number == 6
    assert pid != os.getpid()
    assert not psutil.pid_exists(pid)


def test_sigterm_ends_in_order_what_it_does(tmp_path: Path) -> None:
    with SecondProcess(work_until_asked) as second:
        working = second.start(tmp_path)
        wait_for(tmp_path / "begun")
        second.terminate()
        with pytest.raises(StoppedError):
            working.result()


def test_that_it_was_killed_is_said() -> None:
    with SecondProcess(kill_itself) as second:
        with pytest.raises(BrokenProcessPool):
            second.start().result()
        second.terminate()  # nobody is there, and that is no error
        again = second.start()
        assert isinstance(again.exception(), BrokenProcessPool)


def test_when_the_first_process_is_killed_it_ends_in_order(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", FIRST_OF_TWO, str(tmp_path)]) as first:  # noqa: S603 - our own
        wait_for(tmp_path / "begun")
        [second] = psutil.Process(first.pid).children()
        first.kill()

    second.wait(20)
    assert (tmp_path / "done").exists()
