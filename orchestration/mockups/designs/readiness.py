"""Whether a design can be printed well at the size that it gets: resolution, unused margins, thin strokes.

Findings for people, none of which refuses a design. Keep out: what the fabric does to it (`composites.verdict`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.designs.background import of_box
from orchestration.mockups.designs.strokes import THINNEST_MM, thin_strokes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.mockups.designs.background import SolidBox
    from orchestration.mockups.designs.design import Design
    from orchestration.mockups.designs.strokes import ThinStrokes

LEAST_DPI: Final = 150
MM_PER_INCH: Final = 25.4
_SEEN: Final = 8
"""Alpha from which a pixel counts as part of the design."""
_LARGE_MARGIN: Final = 0.10


class Margins(NamedTuple):
    """Transparent borders of a design, as shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


class Readiness(NamedTuple):
    """How well a design prints at its size: `dpi` are its own pixels an inch of print."""

    dpi: float
    margins: Margins
    thin_strokes: ThinStrokes | None

    def warnings(self) -> Iterator[str]:
        """What should be looked at before anything is printed."""
        if self.dpi < LEAST_DPI:
            yield (
                f"the design has {self.dpi:.0f} DPI at this size, below {LEAST_DPI}: it will look soft; "
                f"send {np.ceil(LEAST_DPI / self.dpi * 10) / 10:g} times the pixels, or print it smaller"
            )
        if max(self.margins.left + self.margins.right, self.margins.top + self.margins.bottom) > 2 * _LARGE_MARGIN:
            across, down = self._ink_shares()
            yield (
                f"what is drawn fills only {across:.0%} of the design's width and {down:.0%} of its height, the rest "
                "is transparent: it prints smaller than the preset; crop the design"
            )
        if self.thin_strokes:
            yield (
                f"{self.thin_strokes.share:.1%} of the ink lies in strokes thinner than {THINNEST_MM:g} mm at this "
                "size: they may break up; make them bolder, or print larger"
            )

    def _ink_shares(self) -> tuple[float, float]:
        left, top, right, bottom = self.margins
        return 1 - left - right, 1 - top - bottom


def readiness(design: Design, width_mm: float, box: SolidBox | None) -> Readiness:
    """Examine a design that is printed `width_mm` wide; strokes are looked for on its `box`, if it stands on one."""
    alpha = np.ascontiguousarray(design.pixels[:, :, 3])
    content = np.where(of_box(design.pixels, box.colour), 0, alpha).astype(np.uint8) if box else alpha
    dpi = round(design.width / (width_mm / MM_PER_INCH), 1)
    return Readiness(dpi, _margins(alpha), thin_strokes(content, width_mm))


def _margins(alpha: NDArray[np.uint8]) -> Margins:
    """The transparent borders; of a design without any ink none."""
    height, width = alpha.shape
    seen = alpha >= _SEEN
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return Margins(0.0, 0.0, 0.0, 0.0)
    shares = columns[0] / width, rows[0] / height, 1 - (columns[-1] + 1) / width, 1 - (rows[-1] + 1) / height
    return Margins(*(round(float(share), 4) for share in shares))
