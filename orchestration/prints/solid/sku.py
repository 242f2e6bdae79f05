"""The SKU rules: which products are printed, and which design, folder and line rule each one has.

Claims, refreshes and partition keys all ask this module. Keep out: measures of a design (`designs`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestration.errors import RefusedError


class UnsupportedSkuError(RefusedError):
    """No design belongs to this SKU."""


class DesignName(StrEnum):
    """The designs that the shop prints."""

    DUAL_COLOUR = "dual_colour"
    STYLE3 = "style3"
    NEW3 = "new3"
    NUMBER_PLATE = "number_plate"
    CABLE_CLIP = "cable_clip"


class LineRule(StrEnum):
    """How an order's text becomes the lines of the product."""

    WORDS = "words"
    """At most three lines; a single line of several words is split in two."""
    LINES = "lines"
    """At most five lines, as written."""
    FIRST = "first"
    """The first line alone."""
    WHOLE = "whole"
    """All of the text on one line, never split."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a SKU stands for."""

    design: DesignName
    folder: str
    line_rule: LineRule


STATIC_SKUS: Final = {
    "PER-KEY3D-STY3-Y3D": Product(DesignName.DUAL_COLOUR, "dual-colours", LineRule.WORDS),
    "Y3D-NKC-002": Product(DesignName.STYLE3, "style3-tag", LineRule.LINES),
    "N9-93VU-76VK": Product(DesignName.NEW3, "new3-tag", LineRule.LINES),
    "Y3D-REGKEY-STL1": Product(DesignName.NUMBER_PLATE, "reg-keys", LineRule.WHOLE),
}
"""SKUs known by their full name. `PER-KEY3D-STY1-Y3D` occurs in orders but is not printed."""

CABLE_CLIP_PREFIX: Final = "PER-2PER-"
"""Every SKU that starts like this is a cable clip."""

_CABLE_CLIP: Final = Product(DesignName.CABLE_CLIP, "cable-clip", LineRule.FIRST)


def is_supported(sku: str) -> bool:
    """Tell whether the SKU has a design."""
    return sku in STATIC_SKUS or sku.startswith(CABLE_CLIP_PREFIX)


def meant_sku(sku: str) -> str | None:
    """Return the SKU of a design that this one is probably a misspelling of, or None.

    They differ in letter case, in hyphens, spaces and full-width letters that look alike, in O and 0 or I, l and 1, or
    by a suffix.

    >>> meant_sku("per\u2011key3d\u2011sty3\u2011y3d-BLUE")
    'PER-KEY3D-STY3-Y3D'
    """
    folded = _folded(sku)
    if folded.startswith(_folded(CABLE_CLIP_PREFIX)):
        return f"{CABLE_CLIP_PREFIX}*"
    for known in STATIC_SKUS:
        start = _folded(known)
        if folded == start or (folded.startswith(start) and not folded[len(start)].isalnum()):
            return known
    return None


def _folded(sku: str) -> str:
    """Return a SKU without what the eye passes over."""
    characters = [
        "-" if unicodedata.category(character) == "Pd" or character in "_\u2212" else character
        for character in unicodedata.normalize("NFKC", sku).casefold()
        if not character.isspace() and unicodedata.category(character) != "Cf"
    ]
    return "".join(characters).translate(str.maketrans("oil", "011"))


def product_for(sku: str) -> Product:
    """Return what the SKU stands for.

    Raises:
        UnsupportedSkuError: no design belongs to the SKU.

    """
    if sku.startswith(CABLE_CLIP_PREFIX):
        return _CABLE_CLIP
    try:
        return STATIC_SKUS[sku]
    except KeyError:
        known = ", ".join([*STATIC_SKUS, f"{CABLE_CLIP_PREFIX}*"])
        raise UnsupportedSkuError(f"Unsupported SKU for STL rendering: {sku!r}; known are {known}") from None
