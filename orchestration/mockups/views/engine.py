"""What an engine that makes pictures of garments can do, whichever it is.

Keep out: the engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.mockups.artwork import Artwork
    from orchestration.mockups.views.compose import Background, Picture


MIN_SIZE: Final = 16
MAX_SIZE: Final = 4096


class EngineOptions(NamedTuple):
    """What engines need of their machine: the folder of the passes, and Blender or a Python that has `bpy`."""

    passes: Path
    blender: str = "blender"


class Engine(Protocol):
    """Stills and turntables of an artwork."""

    @property
    def version(self) -> str:
        """Changes whenever the pictures do."""
        ...

    def still(self, artwork: Artwork, angle: str, *, size: int, background: Background, samples: int) -> Picture:
        """The picture (size, size, 4) from one of the six angles."""
        ...

    def frames(
        self, artwork: Artwork, count: int, *, size: int, background: Background, samples: int
    ) -> Iterator[Picture]:
        """Pictures all around the garment, from its front over its left; the last one comes before the first."""
        ...


def check_picture(size: int, samples: int) -> None:
    """Raise `InvalidInputError` for a picture that no engine makes."""
    if not (MIN_SIZE <= size <= MAX_SIZE and samples >= 1):
        raise InvalidInputError(
            f"a picture has {MIN_SIZE} to {MAX_SIZE} px and at least 1 sample, not {size} and {samples}"
        )
