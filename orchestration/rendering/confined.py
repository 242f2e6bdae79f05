"""Programs of others, such as OpenSCAD and Blender, within limits of memory and processor and without network.

How their command is written. Keep out: starting and killing them, which each engine does, and how the limits are set
(`jail`).
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_JAIL: Final = Path(__file__).with_name("jail.py")
_TRY: Final = "import socket; socket.socket()"


class Limits(NamedTuple):
    """What a program may use: seconds of the processor, of all its threads together, and bytes of memory."""

    processor_seconds: float
    memory_bytes: int


def confined(command: Sequence[str], limits: Limits) -> list[str]:
    """The command that runs `command`, whose program is a path, as the same process.

    At the limit of the processor it is ended by SIGXCPU; beyond that of memory the system gives it none.
    """
    seconds = max(1, round(limits.processor_seconds))
    return [sys.executable, "-I", "-S", str(_JAIL), str(seconds), str(limits.memory_bytes), *command]


@cache
def closes_network() -> bool:
    """Whether this system refuses such programs the network; tried once, with a program that asks for a socket."""
    command = confined([sys.executable, "-I", "-S", "-c", _TRY], Limits(10, 2**30))
    tried = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own program
    return b"PermissionError" in tried.stderr
