"""A program of PostgreSQL, started as the user that it shall run as. Run as a script, never imported.

    python -I -S postgres_process.py UID GID CAPABILITY DETACH PROGRAM ARGUMENT...

PostgreSQL refuses to run as root. Started by root it becomes another user here, before it begins, and may be given one
capability of Linux: to pass folders that are closed to that user, so that no folder has to be opened for it. With
DETACH it becomes a session of its own, writes all that it prints to standard error, and its process id is printed.
It needs nothing but the standard library, and starts no thread before it changes the user. Keep out: which program is
started, and when (`embedded`).
"""

from __future__ import annotations

import os
import sys

# https://man7.org/linux/man-pages/man7/capabilities.7.html, linux/capability.h and linux/prctl.h
_VERSION_3 = 0x20080522
_KEEP_CAPABILITIES, _AMBIENT, _RAISE = 8, 47, 2


def main(uid: int, gid: int, capability: int, detach: int, *program: str) -> None:
    """Become the user, and then the program."""
    if uid != os.geteuid():
        become(uid, gid, capability)
    if detach and (child := os.fork()):
        os.write(sys.stdout.fileno(), str(child).encode())
        os._exit(0)
    if detach:
        os.setsid()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.execv(program[0], program)  # noqa: S606 - a program of the wheel


def become(uid: int, gid: int, capability: int) -> None:
    """Change the user for good; a negative `capability` keeps none."""
    import ctypes

    system = ctypes.CDLL(None, use_errno=True) if capability >= 0 else None
    if system:
        system.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if system:
        header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
        bit = 1 << capability
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if system.capset(header, sets) or system.prctl(_AMBIENT, _RAISE, capability, 0, 0):
            sys.stderr.write(f"capability {capability} cannot be kept: {os.strerror(ctypes.get_errno())}\n")


if __name__ == "__main__":
    who = [int(word) for word in sys.argv[1:5]]
    main(who[0], who[1], who[2], who[3], *sys.argv[5:])
