"""Fonts: finding them, opening them, and the order in which they are asked for a character.

Font files, faces and fallback order. Keep out: shaping, outlines, or which font a design wants.

Fonts come from packages of the Python index (entry points `fontpkg.family` and `fonts_ttf`), from the folders where
Debian installs them, and from further folders that the caller names, which win over both. A font that is missing is
never replaced in silence: the face that drew each line is part of the product's facts and of its content address.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.errors import ConfigurationError
from orchestration.lettering.text import EMOJI_STYLE, JOINERS, TEXT_STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import uharfbuzz

SYSTEM_FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_ENTRY_POINT_GROUPS: Final = ("fontpkg.family", "fonts_ttf")
_SUFFIXES: Final = (".ttf", ".otf", ".ttc")
_NEEDS_NO_GLYPH: Final = f"{JOINERS}{TEXT_STYLE}{EMOJI_STYLE}"
_EMOJI: Final = ("NotoColorEmoji.ttf", "NotoColorEmoji-Regular.ttf", "NotoEmoji[wght].ttf", "NotoEmoji-Regular.ttf")
_DOTTED_CIRCLE: Final = "\u25cc"

BOLD: Final = (("wght", 700.0),)
REGULAR: Final = (("wght", 400.0),)


@dataclass(frozen=True, slots=True)
class FontSpec:
    """One face: a font file by the name it is published under, its place in a collection, its variation axes."""

    file: str
    axes: tuple[tuple[str, float], ...] = ()
    index: int = 0

    @property
    def label(self) -> str:
        """The name shown to people and put into facts, such as `Comfortaa[wght].ttf wght=400`."""
        extras = [f"#{self.index}"] if self.index else []
        return " ".join([self.file, *extras, *(f"{axis}={value:g}" for axis, value in self.axes)])


class Typeface:
    """An opened face. Not for use by two threads at once."""

    def __init__(self, spec: FontSpec, path: Path) -> None:
        import uharfbuzz as hb

        data = path.read_bytes()
        self.spec = spec
        self.label = spec.label
        self.path = path
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.face: uharfbuzz.Face = hb.Face(hb.Blob(data), spec.index)
        self.font: uharfbuzz.Font = hb.Font(self.face)
        if spec.axes:
            self.font.set_variations(dict(spec.axes))
        self.units_per_em: int = self.face.upem
        self._characters = frozenset(self.face.unicodes)

    def covers(self, cluster: str) -> bool:
        """Tell whether the face has a glyph for each visible character of a cluster."""
        return all(ord(character) in self._characters or character in _NEEDS_NO_GLYPH for character in cluster)

    def paints(self, glyph: int) -> bool:
        """Tell whether a glyph is a picture in colours of its own: layers, a paint graph or a PNG."""
        face = self.face
        return bool(
            face.glyph_has_color_paint(glyph)
            or (face.has_color_layers and face.get_glyph_color_layers(glyph))
            or (face.has_color_png and self.png(glyph))
        )

    def png(self, glyph: int) -> bytes:
        """Return the PNG that a bitmap font has for a glyph, in its largest size; empty if there is none."""
        blob = self.font.get_glyph_color_png(glyph)
        return bytes(blob.data) if blob else b""

    @cached_property
    def is_coloured(self) -> bool:
        """Whether the face has any glyph with colours of its own."""
        return bool(self.face.has_color_layers or self.face.has_color_paint or self.face.has_color_png)

    @cached_property
    def ascent(self) -> float:
        """How far its letters reach above the baseline, in ems, as the font says."""
        return float(self.font.get_font_extents("ltr").ascender / self.units_per_em)

    @cached_property
    def descent(self) -> float:
        """How far its letters reach below the baseline, in ems, as the font says."""
        return float(-self.font.get_font_extents("ltr").descender / self.units_per_em)

    @cached_property
    def capital(self) -> float:
        """The height of a capital H in ems; 0 for a face without one."""
        glyph = self.font.get_nominal_glyph(ord("H"))
        extents = self.font.get_glyph_extents(glyph) if glyph else None
        return float(extents.y_bearing / self.units_per_em) if extents else 0.0

    @cached_property
    def dotted_circle(self) -> int | None:
        """The glyph that shaping inserts where a mark has no base; None if the face has none."""
        glyph: int | None = self.font.get_nominal_glyph(ord(_DOTTED_CIRCLE))
        return glyph or None


class FontLibrary:
    """The fonts of this machine, found once by file name and opened when first used."""

    def __init__(self, folders: Sequence[Path] = (), *, system_folders: Sequence[Path] = SYSTEM_FOLDERS) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ConfigurationError(f"the fonts folder {folder} is not a folder")
        self._own = _font_files(folders)
        self._found = {**_font_files(system_folders), **_font_files(_package_folders()), **self._own}
        self._faces: dict[FontSpec, Typeface] = {}

    @property
    def files(self) -> Mapping[str, Path]:
        """The font files that were found, by name."""
        return self._found

    def find(self, spec: FontSpec) -> Typeface | None:
        """Return the face, or None when no folder holds its file."""
        if spec not in self._faces:
            path = self._found.get(spec.file)
            if path is None:
                return None
            self._faces[spec] = Typeface(spec, path)
        return self._faces[spec]

    def first(self, specs: Sequence[FontSpec]) -> Typeface:
        """Return the first face of a list that is installed.

        Raises:
            ConfigurationError: none is.

        """
        for spec in specs:
            if (face := self.find(spec)) is not None:
                return face
        names = ", ".join(spec.file for spec in specs)
        raise ConfigurationError(f"none of these fonts is installed: {names}; install one, or name its folder")

    def fallbacks(self, script: str, *, bold: bool = True) -> Iterator[Typeface]:
        """Yield the faces to ask for a character of `script` (ISO 15924) that the design's own face lacks.

        Those of the wanted weight come first.
        """
        own = [FontSpec(name) for name in sorted(self._own)]
        for spec in dict.fromkeys([*_script_specs(script, bold=bold), *_general_specs(bold=bold), *own]):
            if (face := self.find(spec)) is not None:
                yield face

    def emoji(self) -> Iterator[Typeface]:
        """Yield the faces to ask for an emoji: coloured ones of the caller's folders, then those that are known."""
        own = [face for name in sorted(self._own) if (face := self.find(FontSpec(name))) is not None]
        yield from (face for face in own if face.is_coloured)
        for name in _EMOJI:
            if (face := self.find(FontSpec(name))) is not None:
                yield face


_CJK_INDEX: Final = {"Hira": 0, "Kana": 0, "Hang": 1, "Hani": 2, "Bopo": 3}
_SIMPLIFIED_CHINESE: Final = 2


def _weights(*, bold: bool) -> tuple[str, str]:
    return ("Bold", "Regular") if bold else ("Regular", "Bold")


def _axes(*, bold: bool) -> tuple[tuple[str, float], ...]:
    return BOLD if bold else REGULAR


def _general_specs(*, bold: bool) -> Iterator[FontSpec]:
    first, second = _weights(bold=bold)
    yield FontSpec("NotoSans[wdth,wght].ttf", _axes(bold=bold))
    for weight in (first, second):
        yield FontSpec(f"NotoSans-{weight}.ttf")
    for weight in ("-Bold", "") if bold else ("", "-Bold"):
        yield FontSpec(f"DejaVuSans{weight}.ttf")
    yield FontSpec("NotoSansSymbols2-Regular.ttf")
    yield FontSpec(f"NotoSansSymbols-{first}.ttf")
    yield FontSpec("NotoSansMath-Regular.ttf")
    yield FontSpec(f"NotoSansCJK-{first}.ttc", index=_SIMPLIFIED_CHINESE)


def _script_specs(script: str, *, bold: bool) -> Iterator[FontSpec]:
    from fontTools import unicodedata as scripts

    if script in _CJK_INDEX:
        for weight in _weights(bold=bold):
            yield FontSpec(f"NotoSansCJK-{weight}.ttc", index=_CJK_INDEX[script])
    name = scripts.script_name(script).replace(" ", "").replace("_", "")
    if script not in ("Zyyy", "Zinh", "Zzzz", "Latn"):
        yield FontSpec(f"NotoSans{name}[wdth,wght].ttf", _axes(bold=bold))
        for family in ("NotoSans", "NotoSerif"):
            for weight in _weights(bold=bold):
                yield FontSpec(f"{family}{name}-{weight}.ttf")
    if script == "Arab":
        for weight in _weights(bold=bold):
            yield FontSpec(f"Amiri-{weight}.ttf")


def _font_files(folders: Iterable[Path]) -> dict[str, Path]:
    """Map each font file's name (in NFC) to its path; the first folder that has a name keeps it."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                found.setdefault(unicodedata.normalize("NFC", path.name), path)
    return found


def _package_folders() -> Iterator[Path]:
    for group in _ENTRY_POINT_GROUPS:
        for entry in entry_points(group=group):
            spec = find_spec(entry.value.partition(":")[0])
            yield from (Path(place) for place in (spec.submodule_search_locations or ())) if spec else ()
