"""Runs a program with limits and without network: `jail.py SECONDS BYTES PROGRAM ARGUMENT...`, which it becomes.

A script of the standard library alone, which starts in a few hundredths of a second. Keep out: what is run, and when it
is killed (`confined`, and the engines).

Linux refuses the program every new socket, by a filter of system calls (seccomp(2)): neither a right nor a namespace is
needed for that, so it holds in a container too. The filter is handed on to what the program starts, and cannot be taken
back. io_uring, which opens sockets by itself, is refused with it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class _Machine(NamedTuple):
    """A processor as <linux/audit.h> names it, and its numbers of two system calls."""

    architecture: int
    socket: int
    io_uring_setup: int


_MACHINES: Final = {
    "x86_64": _Machine(0xC000_003E, 41, 425),
    "aarch64": _Machine(0xC000_00B7, 198, 425),
}
# <linux/prctl.h>
_SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _MODE_FILTER = 22, 38, 2
# <linux/bpf_common.h>: load a word, jump if equal or if at least, return.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# <linux/seccomp.h>: what a filter may return, and the places of the call's number and of its processor.
_KILL, _REFUSE, _ALLOW = 0x8000_0000, 0x0005_0000 | errno.EACCES, 0x7FFF_0000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_GRACE_SECONDS: Final = 5
# The other numbering of a 64-bit x86, by which everything has a second number.
_X32: Final = 0x4000_0000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def close_network() -> bool:
    """Refuse this process and all that it starts new sockets, for ever; whether this system can."""
    machine = _MACHINES.get(os.uname().machine)
    if sys.platform != "linux" or machine is None:
        return False
    instructions = _filter(machine)
    program = _Program(len(instructions) // 8, instructions)
    control: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    return (
        control(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        and control(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0
    )


def limit(seconds: int, memory_bytes: int) -> None:
    """Bound the time of the processor and the memory, as far as they are not bounded more tightly."""
    # Up to the second bound of its time a program may still say what it did.
    _bound(resource.RLIMIT_CPU, seconds, seconds + _GRACE_SECONDS)
    _bound(resource.RLIMIT_DATA, memory_bytes, memory_bytes)
    _bound(resource.RLIMIT_CORE, 0, 0)


def _bound(kind: int, soft: int, hard: int) -> None:
    _, now = resource.getrlimit(kind)
    hard = hard if now == resource.RLIM_INFINITY else min(hard, now)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _filter(machine: _Machine) -> bytes:
    """The filter; a jump skips as many instructions as it says, when it applies and when it does not."""
    return b"".join(
        struct.pack("HBBI", code, applies, otherwise, value)
        for code, applies, otherwise, value in (
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            (_EQUAL, 1, 0, machine.architecture),
            (_RETURN, 0, 0, _KILL),
            (_LOAD, 0, 0, _NUMBER_AT),
            (_AT_LEAST, 3, 0, _X32),
            (_EQUAL, 2, 0, machine.socket),
            (_EQUAL, 1, 0, machine.io_uring_setup),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _REFUSE),
        )
    )


if __name__ == "__main__":
    limit(int(sys.argv[1]), int(sys.argv[2]))
    close_network()
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - the program that the engine names
