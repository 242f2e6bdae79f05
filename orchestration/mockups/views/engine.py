"""What an engine that makes pictures of garments can do, whichever it is.

Keep out: the engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.mockups.artwork import Artwork
    from orchestration.mockups.views.compose import Background, Picture


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
