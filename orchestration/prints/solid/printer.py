"""The printer: what it can print, and what a print costs in plastic and time.

It holds the machine's limits, and an estimate that is good enough to plan a day. Keep out: slicing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from orchestration.prints.solid.mesh import Mesh, Size


class Estimate(NamedTuple):
    """What one print takes."""

    grams: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Printer:
    """A printer with a nozzle and a bed in mm, printing PLA with two walls and a light infill."""

    nozzle: float = 0.4
    bed: tuple[float, float, float] = (220.0, 220.0, 250.0)
    layer: float = 0.2
    shell: float = 0.8
    infill: float = 0.2
    density: float = 1.24e-3
    """Grams a mm³: PLA."""
    flow: float = 6.0
    """mm³ a second, the mean over walls, infill and travel."""
    layer_seconds: float = 2.0
    """What each layer costs beyond its plastic: moves, retractions, cooling."""
    start_minutes: float = 3.0
    """Heating and homing, shared by the prints on one bed but counted for each."""

    def fits(self, size: Size) -> bool:
        """Tell whether a product fits the bed, turned by a right angle if need be."""
        long, short = max(size.x, size.y), min(size.x, size.y)
        return long <= max(self.bed[:2]) and short <= min(self.bed[:2]) and size.z <= self.bed[2]

    def estimate(self, mesh: Mesh) -> Estimate:
        """Estimate plastic and time: a solid shell around an infill, at a steady flow."""
        shell = min(mesh.volume, mesh.area * self.shell)
        plastic = shell + (mesh.volume - shell) * self.infill
        layers = math.ceil(mesh.size.z / self.layer)
        minutes = self.start_minutes + (plastic / self.flow + layers * self.layer_seconds) / 60
        return Estimate(plastic * self.density, minutes)
