"""Processes that run together end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own, because it takes the signals' handlers.
RUN = """
import json, sys, pathlib
from orchestration.cli.processes import Processes

with Processes(pathlib.Path(sys.argv[2])) as processes:
    for command in json.loads(sys.argv[1]):
        processes.start(command)
    code = processes.wait()
sys.exit(code)
"""
LASTING = "import time, pathlib, os; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(60)"
ENDING = "import sys, time; time.sleep(0.5); sys.exit(3)"
GRACEFUL = "import signal, sys, time, pathlib, os; signal.signal({number}, lambda *_: sys.exit(7)); pathlib.Path(f'{{os.getpid()}}.pid').touch(); time.sleep(60)"  # noqa: E501 - one program


def start(folder: Path, *programs: str) -> subprocess.Popen[bytes]:
    """Run the programs together."""
    commands = json.dumps([[sys.executable, "-c", program] for program in programs])
    return subprocess.Popen([sys.executable, "-c", RUN, commands, str(folder)])  # noqa: S603 - our own programs


def running(folder: Path, count: int) -> list[int]:
    """The programs' numbers, once so many of them have begun."""
    deadline = time.monotonic() + 30
    while len(numbers := [int(path.stem) for path in folder.glob("*.pid")]) < count:
        assert time.monotonic() < deadline, "they did not start"
        time.sleep(0.02)
    return numbers


def is_alive(number: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_when_one_ends_the_others_are_ended_and_its_exit_code_counts(tmp_path: Path) -> None:
    together = start(tmp_path, LASTING, ENDING, LASTING)
    lasting = running(tmp_path, 2)
    assert together.wait(30) == 3
    assert [is_alive(number) for number in lasting] == [False, False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_them_in_their_own_way(tmp_path: Path, number: signal.Signals) -> None:
    together = start(tmp_path, GRACEFUL.format(number=number.value), LASTING)
    both = running(tmp_path, 2)
    together.send_signal(number)
    assert together.wait(30) == 7
    assert [is_alive(number) for number in both] == [False, False]


LEAVING = "import subprocess, sys, signal, time; subprocess.Popen([sys.executable, '-c', {program!r}]); signal.signal(15, lambda *_: sys.exit(7)); time.sleep(60)"  # noqa: E501 - one program


def test_what_a_command_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    together = start(tmp_path, LEAVING.format(program=LASTING))
    (left,) = running(tmp_path, 1)
    together.send_signal(signal.SIGTERM)
    assert together.wait(30) == 7
    assert not is_alive(left)
