"""A slice of the chaos in every run of the tests: deaths at a few points of the prints, and the work done after."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from orchestration_tests.chaos.faults import Moment, Passages
from orchestration_tests.chaos.matrix import Cell, Domain
from orchestration_tests.chaos.points import POINTS, find_seam, wrap_points
from orchestration_tests.chaos.serving import serving
from orchestration_tests.chaos.worlds import Stage, arranged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

    from orchestration_tests.chaos.matrix import Matrix

# Points that only the work of the canvas passes.
OTHERS = {"snapshot", "collection delete"}


@pytest.fixture
def stage(server_url: URL, template: str, dagster_template: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the server of the tests."""
    with serving(tmp_path) as outside:
        yield Stage(server_url, (template, dagster_template), tmp_path, outside)


def test_work_that_was_killed_is_finished_as_if_it_had_not_been(stage: Stage) -> None:
    matrix: Matrix = {}
    deaths = [Cell("prints", point, Moment.AFTER) for point in ("object put", "outbox delivery")]
    with arranged("prints", stage) as original:
        domain = Domain(original, Random(1), rehearsals=1)
        killed = domain.kill(deaths, matrix)

    assert domain.passages.keys() == POINTS.keys() - OTHERS
    assert killed == len(deaths)
    assert [one for tally in matrix.values() for one in tally.violations] == []


def test_every_point_is_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    seams = [seam for seams in POINTS.values() for seam in seams]
    for seam in seams:  # so that all is as before after the test
        owner, name = find_seam(seam)
        monkeypatch.setattr(owner, name, getattr(owner, name))
    before = Counter(id(getattr(*find_seam(seam))) for seam in seams)

    wrap_points(Passages())

    assert not before.keys() & {id(getattr(*find_seam(seam))) for seam in seams}
