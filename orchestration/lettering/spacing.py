"""Letters spaced by their outlines, so that the gaps between neighbours look even and no two letters grow together.

A factor on the advance takes more from wide letters than from narrow ones: between two stems a gap stays, M and I fuse.
Here each pair is moved until the mean of its gap over the height of the letters is the wanted one, and at least until
its narrowest place is as wide as it must be, so no two letters touch. Keep out: shaping, and lines (`paragraph`, and
the layout of a product).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestration.lettering.layout import Placed
    from orchestration.lettering.outlines import Ink

    Profile = NDArray[np.float64]

_ROWS = 80


class SpacingRule(NamedTuple):
    """How far apart letters stand, in the unit of the em.

    `least` is the narrowest gap, so that neighbours stay apart. `mean` is the gap over the height of a pair, of
    which nothing beyond `deep` counts; None leaves a pair where its font has it, unless it is nearer than `least`.
    """

    least: float
    mean: float | None = None
    deep: float = 3.0


def spaced(row: Sequence[Placed], rule: SpacingRule) -> list[Placed]:
    """Return a line with its letters moved apart or together; what joins by touching, as in Arabic, stays."""
    moved: list[Placed] = list(row[:1])
    shift = 0.0
    for before, placed in pairwise(row):
        if placed.glyph.is_spaced:
            shift += _correction(before, placed, rule)
        moved.append(placed._replace(x=placed.x + shift))
    return moved


def _correction(before: Placed, after: Placed, rule: SpacingRule) -> float:
    """Return how far the second letter is to be moved to the right."""
    wanted = _distance(before.outline.ink, after.outline.ink, after.y - before.y, rule)
    if wanted is None:
        return 0.0
    correction = wanted - (after.x - before.x)
    return max(correction, 0.0) if rule.mean is None else correction


# The same pairs of letters come again in name after name.
@lru_cache(maxsize=8192)
def _distance(before: Ink, after: Ink, rise: float, rule: SpacingRule) -> float | None:
    """Return how far the origin of the second letter must be to the right of the first's, or at least must be.

    None when one stands above the other.
    """
    gaps = _gaps(before, after, rise)
    if gaps is None:
        return None
    apart = rule.least - float(gaps.min())
    return apart if rule.mean is None else max(apart, _shift_to_mean(gaps, rule.mean, rule.deep))


def _shift_to_mean(gaps: Profile, mean: float, deep: float) -> float:
    """Return the shift at which the mean of the gaps, none of them counted above `deep`, is `mean`."""
    low, high = -deep - float(np.min(gaps)), mean - float(np.min(gaps))
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.add.reduce(np.minimum(gaps + middle, deep)) / len(gaps) < mean else (low, middle)
        )
    return high


def _gaps(before: Ink, after: Ink, rise: float) -> Profile | None:
    """Measure the gap of two letters, the second `rise` above the first, in each row that both have.

    It is that of letters with one origin, and infinite where one has no ink. None when one stands above the other.
    """
    _, first_bottom, _, first_top = before.box
    _, second_bottom, _, second_top = after.box
    bottom, top = max(first_bottom, second_bottom + rise), min(first_top, second_top + rise)
    if top <= bottom:
        return None
    heights = bottom + (np.arange(_ROWS) + 0.5) * (top - bottom) / _ROWS
    right, left = _edge(before, heights, 1.0), _edge(after, heights - rise, -1.0)
    values = -(left + right)
    return None if np.isinf(values).all() else _near(values)


def _edge(ink: Ink, heights: Profile, side: float) -> Profile:
    """Return how far a letter reaches to a side in each row; minus infinity where it has no ink."""
    x, y = np.concatenate(ink.rings).T
    ends = np.cumsum([len(ring) for ring in ink.rings])
    following = np.arange(1, len(x) + 1)
    following[ends - 1] = [0, *ends[:-1]]
    above = y > heights[:, None]
    rows, edges = np.nonzero(above != above[:, following])
    x_after, y_after = x[following], y[following]
    across = (heights[rows] - y[edges]) * (x_after - x)[edges] / (y_after - y)[edges]
    # In each row that an edge crosses, the farthest crossing counts.
    reach = np.full(len(heights), -np.inf)
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    if len(first):
        reach[rows[first]] = np.maximum.reduceat(side * (x[edges] + across), first)
    return reach


def _near(values: Profile) -> Profile:
    """Return the gaps with each row's neighbours counted too, since corners are near without facing each other."""
    padded = np.pad(values, 1, mode="edge")
    nearest: Profile = np.minimum(np.minimum(padded[:-2], padded[2:]), values)
    return nearest
