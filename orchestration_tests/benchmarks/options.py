"""What the parts of the benchmarks are given. Keep out: how they are run (`__main__`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Options(NamedTuple):
    """The seconds that a part may take, more or less, and the folder of a rival of the sync (`rival`), if there is."""

    seconds: float
    rival: Path | None = None
