"""Filament colours: the names that orders use, and their sRGB values.

Keep out: geometry, which no colour ever enters.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from orchestration.prints.solid.sku import DesignName


class Rgb(NamedTuple):
    """A colour in sRGB, each channel 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def hexadecimal(self) -> str:
        """The colour as `#RRGGBB`."""
        return f"#{self.red:02X}{self.green:02X}{self.blue:02X}"


class Filament(NamedTuple):
    """A filament as an order names it. `known` is false for a name that the shop's list does not have."""

    name: str
    rgb: Rgb
    known: bool = True


class Filaments(NamedTuple):
    """The two filaments of a product: its body and its text."""

    body: Filament
    text: Filament


FILAMENTS: Final = {
    "black": Rgb(32, 32, 34),
    "grey": Rgb(128, 131, 134),
    "gray": Rgb(128, 131, 134),
    "light blue": Rgb(122, 190, 230),
    "blue": Rgb(24, 92, 196),
    "dark blue": Rgb(22, 42, 102),
    "brown": Rgb(104, 66, 42),
    "orange": Rgb(242, 120, 28),
    "matt orange": Rgb(226, 112, 42),
    "silk orange": Rgb(240, 134, 52),
    "red": Rgb(204, 30, 38),
    "fire engine red": Rgb(206, 16, 32),
    "rose gold": Rgb(202, 142, 124),
    "magenta": Rgb(200, 28, 122),
    "white": Rgb(244, 244, 240),
    "cold white": Rgb(240, 245, 250),
    "yellow": Rgb(250, 208, 36),
    "silver": Rgb(178, 182, 186),
    "silk silver": Rgb(192, 196, 202),
    "purple": Rgb(104, 52, 148),
    "pink": Rgb(244, 154, 186),
    "matt pink": Rgb(228, 146, 172),
    "silk pink": Rgb(240, 142, 182),
    "gold": Rgb(206, 164, 62),
    "skin": Rgb(234, 192, 160),
    "peak green": Rgb(126, 196, 70),
    "green": Rgb(34, 142, 66),
    "olive green": Rgb(104, 112, 52),
    "pine green": Rgb(24, 82, 62),
    "glow in the dark": Rgb(214, 236, 190),
    "bronze": Rgb(142, 98, 58),
    "beige": Rgb(222, 206, 172),
    "turquoise": Rgb(38, 184, 178),
}
_UNKNOWN: Final = Rgb(150, 150, 150)


def filament(name: str) -> Filament:
    """Return the filament of a name, however it is cased or spaced; grey and not `known` for a name not on the list."""
    key = " ".join(name.lower().split())
    rgb = FILAMENTS.get(key)
    return Filament(key, rgb) if rgb else Filament(key, _UNKNOWN, known=False)


def filaments(design: DesignName, color_1: str | None, color_2: str | None) -> Filaments:
    """Return the filaments of an order: `color_1` is the body, `color_2` the text.

    Without a second colour a tag is printed in one; a number plate's text stays black.
    """
    plate = design is DesignName.NUMBER_PLATE
    body = filament(color_1 or ("white" if plate or not color_2 else "black"))
    if color_2:
        return Filaments(body, filament(color_2))
    return Filaments(body, filament("black") if plate or not color_1 else body)
