"""A slice of the chaos in every run of the tests: points that are passed, deaths at some, and the work done after."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from orchestration_tests.chaos.matrix import Domain, run_kills
from orchestration_tests.chaos.points import POINTS
from orchestration_tests.chaos.serving import serving
from orchestration_tests.chaos.worlds import Stage, arranged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

    from orchestration_tests.chaos.matrix import Matrix

# Between them, their work passes every point.
DOMAINS = ("prints", "canvas")
KILLS = 4


@pytest.fixture
def stage(server_url: URL, template: str, dagster_template: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the session's server."""
    with serving(tmp_path) as outside:
        yield Stage(server_url, (template, dagster_template), tmp_path, outside)


def test_work_that_was_killed_is_finished_as_if_it_had_not_been(stage: Stage) -> None:
    passed: set[str] = set()
    matrix: Matrix = {}
    for name in DOMAINS:
        with arranged(name, stage) as original:
            domain = Domain(original, Random(name), rehearsals=1)
            passed |= domain.passages.keys()
            if name == DOMAINS[0]:
                run_kills(domain, KILLS, Random(name), matrix)

    assert passed == POINTS.keys()
    assert sum(tally.kills for tally in matrix.values()) == KILLS
    assert [one for tally in matrix.values() for one in tally.violations] == []
