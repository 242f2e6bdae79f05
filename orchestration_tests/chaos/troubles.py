"""Troubles that last while the work is done: a database that restarts, a store that fails, a full disk, a bad clock.

Each does the work of a world under its trouble, and ends the trouble. Keep out: deaths (`faults`), and judging.
"""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration_tests.chaos.faults import StoreTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from orchestration_tests.chaos.server import Server
    from orchestration_tests.chaos.worlds import World

# What a small disk has left for new objects: less than any of the workloads writes.
SPARE_BYTES = 16_384


class Fault(Protocol):
    """A trouble with a name."""

    @property
    def name(self) -> str:
        """What it is called in the matrix."""

    def disturb(self, world: World, random: Random) -> bool:
        """Do the work under it; False where it cannot be made here."""


class DatabaseRestarts:
    """The server drops everybody in the middle of the work, and starts again."""

    name = "database restarted"

    def __init__(self, server: Server) -> None:
        self._server = server

    def disturb(self, world: World, random: Random) -> bool:
        """One restart at a random moment."""
        timer = threading.Timer(random.uniform(0.2, 1.5), self._server.restart)
        timer.start()
        world.live()
        timer.join()
        return True


class StoreFails:
    """A fifth of the store's calls fails, and one in twenty takes two seconds."""

    name = "store: 20 % errors, 2 s stalls"

    def disturb(self, world: World, random: Random) -> bool:
        """All the time."""
        world.patient().live(trouble=StoreTrouble(random.randrange(2**32), failing=0.2, stalling=0.05))
        return True


class StoreAway:
    """The store answers nobody, until it is up again."""

    name = "store restarted"

    def disturb(self, world: World, random: Random) -> bool:
        """At the beginning, while the first objects are to be written."""
        away = StoreTrouble(random.randrange(2**32), failing=1.0, seconds=random.uniform(0.5, 2.0))
        world.patient().live(trouble=away)
        return True


class DiskFull:
    """The disk of the objects has room for a few more, and then for none."""

    name = "disk full"

    def disturb(self, world: World, random: Random) -> bool:
        """On a file system of its own, which grows after a while."""
        world.objects.mkdir(mode=0o700, exist_ok=True)
        used = sum(-(-path.stat().st_size // 4096) * 4096 for path in world.objects.rglob("*") if path.is_file())
        with _small_disk(world, used + random.randint(1, 4) * SPARE_BYTES) as grow:
            if grow is None:
                return False
            room = threading.Timer(random.uniform(1.0, 2.5), grow)
            room.start()
            world.patient().live()
            room.join()
        return True


@contextmanager
def _small_disk(world: World, size: int) -> Iterator[Callable[[], object] | None]:
    """Put the objects on a disk of that size, which the function that is yielded makes larger; None if that is refused.

    In the end they lie where they were.
    """
    aside = world.folder / "objects-aside"
    world.objects.rename(aside)
    world.objects.mkdir(mode=0o700)
    if _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(world.objects)):
        world.objects.rmdir()
        aside.rename(world.objects)
        yield None
        return
    try:
        _run("cp", "-a", f"{aside}/.", str(world.objects))
        yield lambda: _run("mount", "-o", "remount,size=256m", str(world.objects))
        _run("rm", "-r", str(aside))
        _run("cp", "-a", str(world.objects), str(aside))
    finally:
        _run("umount", str(world.objects))
    world.objects.rmdir()
    aside.rename(world.objects)


def _run(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603 - fixed words and own paths


class ClockJumps:
    """The clock of leases jumps an hour ahead, and a little back, again and again.

    That clock is the database's: a process asks for no other time of a task. A clock that goes an hour ahead sees all
    times that are stored as an hour older, so moving these is the same.
    """

    name = "clock jumps"

    def disturb(self, world: World, random: Random) -> bool:
        """Jump while the work is done."""
        ended = threading.Event()
        jumping = threading.Thread(target=self._jump, args=(world, random, ended))
        jumping.start()
        world.live()
        ended.set()
        jumping.join()
        return True

    def _jump(self, world: World, random: Random, ended: threading.Event) -> None:
        with world.database() as database:
            while not ended.wait(random.uniform(0.05, 0.3)):
                seconds = random.choice((-3600.0, -3600.0, 1.0))
                with suppress(TransientError), database.begin() as connection:
                    connection.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
                    connection.execute(_MOVE, {"seconds": seconds})


_MOVE = sa.text("""
    UPDATE task SET run_at = run_at + make_interval(secs => :seconds),
        lease_until = lease_until + make_interval(secs => :seconds)
    WHERE state IN ('waiting', 'active')
""")


def troubles(server: Server) -> tuple[Fault, ...]:
    """All of them."""
    return DatabaseRestarts(server), StoreFails(), StoreAway(), DiskFull(), ClockJumps()
