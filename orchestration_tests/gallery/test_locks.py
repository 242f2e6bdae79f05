"""Strangers' transactions that stay open: they delay their own items, and nobody else's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from orchestration.gallery import history
from orchestration.gallery.history import Visibility
from orchestration_tests.gallery.killing import draining
from orchestration_tests.gallery.mirroring import change, drain, generation, shown, wait_until, write

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery

HELD = [f"held{number}" for number in range(40)]
# Longer than any lock may be waited for, so that a drain that waits for one shows.
OPEN_SECONDS = 3.0


@pytest.mark.parametrize("are_queued", [False, True], ids=["idle", "while their tasks are claimed"])
def test_an_open_bulk_update_delays_nobody_elses_removal(gallery: Gallery, *, are_queued: bool) -> None:
    write(gallery, *map(generation, HELD), generation("secret1"), generation("secret2"))
    drain(gallery)
    with draining(gallery.settings, 1, idle_seconds=300.0) as (process,):
        with gallery.database.begin() as stranger:
            if are_queued:
                for name in HELD:
                    change(gallery, name, {"prompt": "first"})
            history.set_visibility(stranger, HELD, Visibility.PRIVATE)
            began = time.monotonic()
            with gallery.database.begin() as connection:
                history.set_visibility(connection, ["secret1"], Visibility.PRIVATE)
            wait_until(lambda: "secret1" not in shown(gallery.database))
            time.sleep(max(0.0, OPEN_SECONDS - (time.monotonic() - began)))
            with gallery.database.begin() as connection:
                history.set_visibility(connection, ["secret2"], Visibility.PRIVATE)
            wait_until(lambda: "secret2" not in shown(gallery.database))
            assert set(HELD) <= set(shown(gallery.database)), "the stranger has not committed yet"
        wait_until(lambda: shown(gallery.database) == {})
        process.terminate()
