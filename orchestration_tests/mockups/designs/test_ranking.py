"""Fabric colours, ranked for a design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mockups.designs.ranking import RankedFabric, rank_fabrics
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.mockup_request import InkMode
from orchestration_tests.mockups.designs.made import BLACK, RED, WHITE, design, disc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("red", "white", "black", "dark-red", "navy")


def ranked(pixels: NDArray[np.uint8]) -> list[RankedFabric]:
    return rank_fabrics(design(pixels), [parse_fabric(name) for name in NAMES], InkMode.AUTO)


def test_fabrics_near_the_designs_colour_are_struck_out_and_last() -> None:
    found = ranked(disc(parse_fabric("navy").colour))
    assert found[-1].fabric.name == "navy"
    assert not found[-1].is_good
    assert found[0].is_good


def test_a_white_design_is_best_on_dark_fabrics() -> None:
    names = [one.fabric.name for one in ranked(disc(WHITE))]
    assert names[-1] == "white"
    assert ranked(disc(BLACK))[0].fabric.name == "white"


def test_a_box_that_would_be_seen_strikes_a_fabric_out() -> None:
    good = {one.fabric.name for one in ranked(disc(RED, WHITE)) if one.is_good}
    assert good == {"white"}
