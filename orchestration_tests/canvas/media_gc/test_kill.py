"""A collection that is killed, wherever it stands, loses nothing and leaves nothing for good."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from orchestration.canvas.media_gc.model import FOLDER
from orchestration.errors import TransientError
from orchestration_tests.canvas.media_gc.killing import POINTS, collect_until_killed
from orchestration_tests.canvas.media_gc.worlds import body_of, key_of

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld

USED = 13
DUE = [f"due-{number}" for number in range(3)]


def _collect_once_the_lock_is_free(real: RealWorld) -> None:
    """The server needs a moment to notice that the killed process, which held the lock, is gone."""
    wait = Retrying(retry=retry_if_exception_type(TransientError), wait=wait_fixed(0.1), stop=stop_after_delay(30))
    wait(real.collect)


@pytest.mark.parametrize("point", POINTS)
def test_the_next_collection_finishes_what_a_killed_one_began(real: RealWorld, point: str) -> None:
    for number in range(USED):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    for name in DUE:
        real.add(name)
    real.put_object(f"{FOLDER}/ab/orphan.bin", 9)
    real.collect()
    real.clock.turn(days=3)
    real.add("new", days_old=60)
    everything = real.objects()

    assert collect_until_killed(real.services.settings, real.clock(), point) == -signal.SIGKILL

    rows = {key_of(name) for name in real.media()}
    assert rows <= real.objects().keys(), "whatever has a row has its object"
    assert real.collector.reconcile().unexplained == 0
    _collect_once_the_lock_is_free(real)

    assert real.media() == {f"used-{number}" for number in range(USED)} | {"new"}
    assert real.marked() == {"new"}
    assert real.collector.reconcile().difference == 0
    freed = real.execute("SELECT sum(freed), count(*) FROM media_tombstone")[0]
    assert freed == (sum(everything.values()) - sum(real.objects().values()), 4)
    assert freed[0] == sum(len(body_of(name)) for name in DUE) + 9
