"""The colours of fabrics and backgrounds: one list of names everywhere, and hex.

Reading a colour that somebody wrote, and sRGB as light and as CIELAB. Keep out: which colours a garment is sold in
(the catalogue), and what ink does on a fabric (`composites.inks`).

The names are the union of the two lists of the service that this one replaces, of which one was checked at the door and
the other when the picture was made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEX: Final = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{8})")
_TRANSPARENT: Final = "transparent"
_OPAQUE: Final = 255
# IEC 61966-2-1: the sRGB transfer function.
_LINEAR_BELOW, _SLOPE, _OFFSET, _GAMMA = 0.04045, 12.92, 0.055, 2.4
_STEPS: Final = 65_535


class Colour(NamedTuple):
    """A colour in sRGB, 0 to 255 each; alpha is straight."""

    red: int
    green: int
    blue: int
    alpha: int = _OPAQUE

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour without its alpha."""
        return self.red, self.green, self.blue

    @property
    def is_opaque(self) -> bool:
        """Whether no light comes through."""
        return self.alpha == _OPAQUE

    @property
    def hex(self) -> str:
        """The colour as `#RRGGBB`, or as `#RRGGBBAA` if light comes through."""
        written = f"#{self.red:02X}{self.green:02X}{self.blue:02X}"
        return written if self.is_opaque else f"{written}{self.alpha:02X}"


class Fabric(NamedTuple):
    """A fabric's colour, which is opaque, and what it is called: a name of the list, or its hex."""

    name: str
    colour: Colour


FABRICS: Final = {
    "white": Colour(255, 255, 255),
    "black": Colour(0, 0, 0),
    "red": Colour(255, 0, 0),
    "dark-red": Colour(139, 0, 0),
    "green": Colour(0, 128, 0),
    "dark-green": Colour(0, 100, 0),
    "blue": Colour(0, 0, 255),
    "dark-blue": Colour(0, 0, 139),
    "navy": Colour(0, 0, 128),
    "yellow": Colour(255, 255, 0),
    "orange": Colour(255, 165, 0),
    "purple": Colour(128, 0, 128),
    "pink": Colour(255, 192, 203),
    "gray": Colour(128, 128, 128),
    "grey": Colour(128, 128, 128),
    "light-gray": Colour(211, 211, 211),
    "light-grey": Colour(211, 211, 211),
    "dark-gray": Colour(169, 169, 169),
    "dark-grey": Colour(169, 169, 169),
    "brown": Colour(165, 42, 42),
    "beige": Colour(245, 245, 220),
    "cream": Colour(255, 253, 208),
    "cyan": Colour(0, 255, 255),
    "magenta": Colour(255, 0, 255),
}
"""Every name, in the order in which they are listed; British and American spellings both."""


def parse_fabric(text: str) -> Fabric:
    """Read a fabric's colour: a name of `FABRICS`, `#RRGGBB` or `#RRGGBBAA`, whose alpha is dropped: cloth is opaque.

    Raises:
        MockupRefusedError: INVALID_COLOR; the message lists the names.

    """
    colour = _read(text)
    if colour is None:
        raise _invalid("fabric", text)
    opaque = colour._replace(alpha=_OPAQUE)
    return Fabric(_normal(text) if _normal(text) in FABRICS else opaque.hex, opaque)


def parse_background(text: str | None) -> Colour | None:
    """Read a background: a colour as a fabric's, whose alpha counts, or None for `transparent` and for no text.

    Raises:
        MockupRefusedError: INVALID_COLOR; the message lists the names.

    """
    if text is None or _normal(text) == _TRANSPARENT:
        return None
    colour = _read(text)
    if colour is None:
        raise _invalid("background", text, _TRANSPARENT)
    return colour if colour.alpha else None


def _normal(text: str) -> str:
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def _read(text: str) -> Colour | None:
    written = _normal(text)
    if _HEX.fullmatch(written):
        return Colour(*bytes.fromhex(written[1:]))
    return FABRICS.get(written)


def _invalid(what: str, text: str, *further: str) -> MockupRefusedError:
    names = ", ".join([*further, *FABRICS])
    problem = f"the {what} colour {text[:40]!r} is not known"
    return MockupRefusedError(RefusalCode.INVALID_COLOR, problem, f"write #RRGGBB, #RRGGBBAA or one of {names}")


def to_linear(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn sRGB values of 8 bits into amounts of light from 0 to 1 (IEC 61966-2-1)."""
    linear: NDArray[np.float32] = _LINEAR[values]
    return linear


def to_srgb(light: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Turn amounts of light from 0 to 1 into sRGB values of 8 bits (IEC 61966-2-1)."""
    index = np.clip(light * _STEPS + 0.5, 0, _STEPS).astype(np.uint16)
    encoded: NDArray[np.uint8] = _ENCODED[index]
    return encoded


def lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIELAB of sRGB pixels of shape (h, w, 3): L* from 0 to 100; white is D65's."""
    import cv2

    values: NDArray[np.float32] = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / _OPAQUE, cv2.COLOR_RGB2Lab))
    return values


def _decoded() -> NDArray[np.float32]:
    encoded = np.arange(_OPAQUE + 1) / _OPAQUE
    curved = ((encoded + _OFFSET) / (1 + _OFFSET)) ** _GAMMA
    return np.where(encoded <= _LINEAR_BELOW, encoded / _SLOPE, curved).astype(np.float32)


def _encoded() -> NDArray[np.uint8]:
    light = np.arange(_STEPS + 1) / _STEPS
    curved = (1 + _OFFSET) * light ** (1 / _GAMMA) - _OFFSET
    encoded = np.where(light <= _LINEAR_BELOW / _SLOPE, light * _SLOPE, curved)
    table: NDArray[np.uint8] = np.rint(encoded * _OPAQUE).astype(np.uint8)
    return table


_LINEAR: Final = _decoded()
_ENCODED: Final = _encoded()
