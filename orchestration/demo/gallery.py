"""The pictures of a day: taken once, filed by content under each supplier's own folder.

Which pictures a product line has, their paths, and the two that cannot be had. Keep out: drawing
(`pictures.py`) and documents (`documents.py`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from orchestration.demo.days import PICTURE_NOT_FOUND, PICTURE_TRUNCATED
from orchestration.demo.drawing.placeholder import Placeholder
from orchestration.demo.faults import cut_short
from orchestration.demo.pictures import Scene, Shot, View, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.demo.assortment import Colour, ProductLine, Supplier
    from orchestration.demo.days import Offer


class Gallery:
    """All pictures that the documents of a day refer to, by path below the feed's root.

    `files` are to be served. The paths in `lost` are referred to all the same: one has no file, one a truncated file.
    """

    def __init__(self, offers: Sequence[Offer], picture_size: int) -> None:
        self._size = picture_size
        needed = [
            (offer.supplier, shot)
            for offer in offers
            for line in (offer.line, offer.listed)
            for colour in line.colours
            for shot in self._shots(line, colour)
        ]
        content = take(shot for _, shot in needed)
        self._names = {shot: _file_name(shot, picture) for shot, picture in content.items()}
        self.files = {self._path(supplier, shot): content[shot] for supplier, shot in needed}
        self.lost = frozenset(self._lose(offer) for offer in offers if offer.sku in _LOSSES)

    def by_colour(self, line: ProductLine, supplier: Supplier) -> dict[str, list[str]]:
        """The pictures of a line by colour code, the primary one first."""
        return {
            colour.code: [self._path(supplier, shot) for shot in self._shots(line, colour)] for colour in line.colours
        }

    def in_order(self, offer: Offer) -> tuple[str, ...]:
        """The pictures of a family as its variants name them, each once."""
        by_colour = self.by_colour(offer.line, offer.supplier)
        return tuple(dict.fromkeys(path for paths in by_colour.values() for path in paths))

    def _shots(self, line: ProductLine, colour: Colour) -> list[Shot]:
        return [self._shot(line, colour, view) for view in line.views]

    def _shot(self, line: ProductLine, colour: Colour, view: View) -> Shot:
        if view is View.FOLLOWS:
            return Shot(Scene(Placeholder(), view, self._size), *_CARD)
        return Shot(Scene(line.design, view, self._size), colour.hex_code, line.trim, line.encoding)

    def _lose(self, offer: Offer) -> str:
        path = self.in_order(offer)[_LOSSES[offer.sku] - 1]
        content = self.files.pop(path)
        if offer.sku == PICTURE_TRUNCATED[0]:
            self.files[path] = cut_short(content)
        return path

    def _path(self, supplier: Supplier, shot: Shot) -> str:
        return f"images/{supplier.image_folder}/{self._names[shot]}"


_CARD = ("E4E5E7", "A9AEB5")
_LOSSES = dict((PICTURE_NOT_FOUND, PICTURE_TRUNCATED))


def _file_name(shot: Shot, picture: bytes) -> str:
    return f"{hashlib.sha256(picture).hexdigest()}.{shot.encoding.value}"
