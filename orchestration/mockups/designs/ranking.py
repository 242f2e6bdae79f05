"""Which fabric colours suit a design: the list of `mockups colours`, the best first.

Keep out: judging one fabric (`composites.verdict`), and which colours a garment is sold in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.mockups.composites.inks import ink_mode
from orchestration.mockups.composites.verdict import Verdict, fit
from orchestration.mockups.designs.background import solid_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.mockups.composites.verdict import FabricFit
    from orchestration.mockups.designs.design import Design
    from orchestration.mockups.fabrics import Fabric
    from orchestration.mockups.mockup_request import InkMode


class RankedFabric(NamedTuple):
    """A fabric and how a design looks on it."""

    fabric: Fabric
    fit: FabricFit

    @property
    def is_good(self) -> bool:
        """Whether it can be recommended: most of the design is seen, without a box around it."""
        return self.fit.verdict is Verdict.PRINTABLE and self.fit.box is None


def rank_fabrics(design: Design, fabrics: Iterable[Fabric], ink: InkMode) -> list[RankedFabric]:
    """Rank fabrics by the share that is seen on each, in tenths, then by contrast; those to be struck out come last."""
    box = solid_box(design.pixels)
    ranked = [
        RankedFabric(fabric, fit(design.pixels, fabric.colour, ink_mode(ink, fabric.colour), box)) for fabric in fabrics
    ]
    return sorted(ranked, key=lambda one: (one.is_good, round(one.fit.visible, 1), one.fit.contrast), reverse=True)
