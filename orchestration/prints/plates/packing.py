"""Which products go onto a plate, and where: rectangles on a bed, the most urgent ones first.

A plate takes as many of the most urgent products as fit, and then, of the next ones, those that still find room. The
rectangles are packed by the library `rectpack`, several of whose ways are tried in turn. Keep out: what the products
are (`plates`), and files (`plate_file`).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOOK_AHEAD: Final = 20
"""How many products that are less urgent are tried in the room that is left."""
_UNITS: Final = 100
"""Whole numbers keep the packing exact: hundredths of a mm, rounded up."""


class Bed(NamedTuple):
    """What a plate takes, in mm: the bed without its margin, and the room between two products."""

    width: float
    depth: float
    spacing: float = 0.0

    @property
    def area(self) -> float:
        """In mm²."""
        return self.width * self.depth


class Footprint(NamedTuple):
    """The room that one piece takes, in mm."""

    width: float
    depth: float

    @property
    def area(self) -> float:
        """In mm²."""
        return self.width * self.depth


class Place(NamedTuple):
    """Where a piece stands: its lower left corner in mm, and whether it is turned by a quarter."""

    x: float
    y: float
    is_turned: bool


class PlatePlan(NamedTuple):
    """The products of a plate by their place in the list, and the places of the pieces of each."""

    places: dict[int, tuple[Place, ...]]


class Plans(NamedTuple):
    """Plates, and the products whose pieces do not fit on one."""

    plates: tuple[PlatePlan, ...]
    too_large: tuple[int, ...]


def plan_plates(products: Sequence[Sequence[Footprint]], bed: Bed) -> Plans:
    """Spread products, the most urgent first, over plates; the pieces of one stay on one plate."""
    left = list(range(len(products)))
    plates: list[PlatePlan] = []
    too_large: list[int] = []
    while left:
        count = _most(left, products, bed)
        if not count:
            too_large.append(left.pop(0))
            continue
        chosen = left[:count]
        for candidate in left[count : count + LOOK_AHEAD]:
            if _packed([*chosen, candidate], products, bed, tries=2) is not None:
                chosen.append(candidate)
        places = _packed(chosen, products, bed)
        assert places is not None  # noqa: S101 - each step above has packed it
        plates.append(PlatePlan(places))
        left = [product for product in left if product not in places]
    return Plans(tuple(plates), tuple(too_large))


def _most(left: Sequence[int], products: Sequence[Sequence[Footprint]], bed: Bed) -> int:
    """Return how many of the first products fit together."""
    low, high = 0, 1
    while high <= len(left) and _packed(left[:high], products, bed) is not None:
        low, high = high, 2 * high
    high = min(high, len(left) + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if _packed(left[:middle], products, bed) is not None:
            low = middle
        else:
            high = middle
    return low


def _packed(
    chosen: Sequence[int], products: Sequence[Sequence[Footprint]], bed: Bed, tries: int | None = None
) -> dict[int, tuple[Place, ...]] | None:
    """Return the places of all pieces of the chosen products, or None when no way finds room for all of them."""
    pieces = [(product, piece) for product in chosen for piece in products[product]]
    if sum(piece.area for _, piece in pieces) > bed.area:
        return None
    sizes = [(_up(piece.width + bed.spacing), _up(piece.depth + bed.spacing)) for _, piece in pieces]
    room = math.floor((bed.width + bed.spacing) * _UNITS), math.floor((bed.depth + bed.spacing) * _UNITS)
    for algorithm, order in _ways()[:tries]:
        packer = _packer(algorithm, order, room)
        for number, size in enumerate(sizes):
            packer.add_rect(*size, rid=number)
        packer.pack()
        placed = {rid: (x, y, width) for _, x, y, width, _, rid in packer.rect_list()}
        if len(placed) == len(pieces):
            return _places(pieces, sizes, placed)
    return None


def _places(
    pieces: Sequence[tuple[int, Footprint]],
    sizes: Sequence[tuple[int, int]],
    placed: dict[int, tuple[int, int, int]],
) -> dict[int, tuple[Place, ...]]:
    places: dict[int, tuple[Place, ...]] = {}
    for number, (product, _) in enumerate(pieces):
        x, y, width = placed[number]
        place = Place(x / _UNITS, y / _UNITS, is_turned=width != sizes[number][0])
        places[product] = (*places.get(product, ()), place)
    return places


def _packer(algorithm: Any, order: Callable[..., Any], room: tuple[int, int]) -> Any:  # noqa: ANN401 - without types
    import rectpack  # type: ignore[import-untyped]  # the library has no annotations

    packer = rectpack.newPacker(
        mode=rectpack.PackingMode.Offline,
        bin_algo=rectpack.PackingBin.BFF,
        pack_algo=algorithm,
        sort_algo=order,
        rotation=True,
    )
    packer.add_bin(*room)
    return packer


@cache
def _ways() -> list[tuple[Any, Callable[..., Any]]]:
    """Return the ways of packing, those first that fit the most on the plates that were tried."""
    import rectpack

    algorithms = (rectpack.MaxRectsBssf, rectpack.MaxRectsBaf, rectpack.SkylineMwfWm, rectpack.MaxRectsBl)
    orders = (rectpack.SORT_LSIDE, rectpack.SORT_AREA, rectpack.SORT_SSIDE)
    return [(algorithm, order) for order in orders for algorithm in algorithms]


def _up(length: float) -> int:
    return math.ceil(round(length * _UNITS, 6))
