"""Rectangles on a bed: none overlaps or leaves it, the most urgent come first, and a product stays together."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.prints.plates.packing import Bed, Footprint, plan_plates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.plates.packing import PlatePlan

BED = Bed(210.0, 210.0, 3.0)
TAG = Footprint(85.3, 26.4)
lengths = st.floats(5.0, 120.0)
footprints = st.builds(Footprint, lengths, lengths)


def boxes(plan: PlatePlan, products: Sequence[Sequence[Footprint]]) -> list[tuple[float, float, float, float]]:
    """Left, bottom, right and top of every piece of a plate."""
    found = []
    for product, places in plan.places.items():
        for piece, place in zip(products[product], places, strict=True):
            width, depth = (piece.depth, piece.width) if place.is_turned else piece
            found.append((place.x, place.y, place.x + width, place.y + depth))
    return found


@settings(max_examples=40)
@given(st.lists(st.lists(footprints, min_size=1, max_size=3), max_size=25))
def test_nothing_overlaps_or_leaves_the_bed_and_each_product_is_on_one_plate(
    products: list[list[Footprint]],
) -> None:
    plans = plan_plates(products, BED)

    placed = [product for plan in plans.plates for product in plan.places]
    assert sorted([*placed, *plans.too_large]) == list(range(len(products)))
    for plan in plans.plates:
        pieces = boxes(plan, products)
        assert len(pieces) == sum(len(products[product]) for product in plan.places)
        for left, bottom, right, top in pieces:
            assert min(left, bottom) >= 0
            assert right <= BED.width + 0.01
            assert top <= BED.depth + 0.01
        for one, other in combinations(pieces, 2):
            across = max(one[0], other[0]) - min(one[2], other[2])
            along = max(one[1], other[1]) - min(one[3], other[3])
            assert max(across, along) >= BED.spacing - 0.01


def test_the_most_urgent_products_are_on_the_first_plate() -> None:
    products = [[TAG]] * 30
    first, *others = plan_plates(products, BED).plates
    assert list(first.places) == list(range(len(first.places)))
    assert len(first.places) >= 14
    assert others


def test_a_small_product_fills_the_room_that_the_urgent_ones_leave() -> None:
    products = [[Footprint(200.0, 150.0)], [Footprint(150.0, 150.0)], [Footprint(60.0, 50.0)]]
    first, second = plan_plates(products, BED).plates
    assert (set(first.places), set(second.places)) == ({0, 2}, {1})


def test_what_fits_on_no_plate_is_said_and_holds_up_nothing() -> None:
    products = [[Footprint(300.0, 20.0)], [TAG] * 100, [TAG]]
    plans = plan_plates(products, BED)
    assert plans.too_large == (0, 1)
    assert [set(plan.places) for plan in plans.plates] == [{2}]


def test_a_piece_as_long_as_the_bed_is_turned_if_need_be() -> None:
    [plan] = plan_plates([[Footprint(20.0, 210.0)], [Footprint(210.0, 20.0)]], Bed(210.0, 60.0, 3.0)).plates
    assert sorted(place.is_turned for (place,) in plan.places.values()) == [False, True]
