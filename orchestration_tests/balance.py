"""Which tests begin first, so that all workers end at about the same time.

Each worker is dealt an equal share of the tests in their order, and takes from another's when it has none left. One
that begins with the longest at the end keeps everybody waiting. Keep out: how the tests are dealt, which xdist knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

# Files with tests of ten seconds and more, most of which they wait.
LONG = (
    "gallery/test_mirror_state_machine.py",
    "cli/test_gallery.py",
    "cli/test_first_start.py",
    "cli/test_up.py",
    "api/test_contract.py",
    "cli/test_gallery_stop.py",
    "mockups/tasks/test_kill.py",
    "prints/tasks/test_kill.py",
    "catalogue/test_kill.py",
    "chaos/test_chaos.py",
    "mockups/garments/test_draping.py",
    "cli/test_processes.py",
    "test_definitions.py",
    "cli/test_export.py",
    "prints/solid/test_threemf.py",
)


def long_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Give the same tests in an order whose equal shares, one a worker, each begin with some of the long files."""
    files: dict[str, list[pytest.Item]] = {name: [] for name in LONG}
    others: list[pytest.Item] = []
    for item in items:
        files.get(item.nodeid.partition("::")[0].removeprefix("orchestration_tests/"), others).append(item)
    long = list(files.values())
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        share = [item for file in long[worker::workers] for item in file]
        size = (len(items) - len(dealt)) // (workers - worker)
        taken = max(0, size - len(share))
        dealt += share + others[:taken]
        others = others[taken:]
    return dealt + others
