"""From a line of text to placed glyphs: itemisation by script, direction and font, then HarfBuzz.

Which face draws which characters and where each glyph stands, in ems. Keep out: outlines, millimetres
below the em, or how lines stack.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.lettering.bidi import Run, visual_runs
from orchestration.lettering.errors import TextError, describe
from orchestration.lettering.text import EMOJI_STYLE, JOINERS, TEXT_STYLE, is_emoji

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import uharfbuzz

    from orchestration.lettering.fonts import FontLibrary, Typeface

_CONNECTED: Final = frozenset({"Arab", "Syrc", "Nkoo", "Mong", "Adlm", "Deva", "Beng", "Guru", "Phag", "Rohg"})
"""Scripts whose letters join by touching: letter spacing would tear or bunch them."""
_INHERITED: Final = ("Zinh", "Zyyy")
_MISSING_GLYPH: Final = 0


class Glyph(NamedTuple):
    """One glyph of a line: `number` is its place in the font, `x` and `y` that of its origin in ems.

    `text` holds the characters it helps to draw, `size` is its em in those of the line. `is_spaced` tells that it may
    be moved apart from the glyph before it: it begins a letter, and neither touches the one before nor follows a space.
    """

    face: Typeface
    number: int
    x: float
    y: float
    text: str
    size: float = 1.0
    is_spaced: bool = True


class ShapedLine(NamedTuple):
    """The glyphs of one line from left to right, and its advance in ems."""

    glyphs: tuple[Glyph, ...]
    advance: float


class _Item(NamedTuple):
    """A stretch of one face, script and direction."""

    text: str
    face: Typeface
    script: str
    right_to_left: bool


class _Fonts:
    """The design's face, and those asked for what it lacks."""

    def __init__(self, face: Typeface, library: FontLibrary, *, bold: bool, colour: bool) -> None:
        self.face = face
        self._library = library
        self._bold = bold
        self._colour = colour

    def covering(self, part: str, script: str) -> Typeface:
        """Return the first face that has every character of a cluster."""
        if self._colour and _wants_colour(part):
            for emoji in self._library.emoji():
                if emoji.covers(part):
                    return emoji
        if self.face.covers(part):
            return self.face
        for fallback in self._library.fallbacks(script, bold=self._bold):
            if fallback.covers(part):
                return fallback
        raise TextError(
            f"no installed font has {describe(part)}",
            "ask for another spelling, or add a font that has it to the fonts folder",
        )


def shape_line(
    line: str,
    face: Typeface,
    library: FontLibrary,
    *,
    spacing: float = 1.0,
    bold: bool = True,
    colour: bool = False,
    level_capitals: bool = False,
    runs: Sequence[Run] | None = None,
) -> ShapedLine:
    """Shape one line, with `face` wherever it has the characters and elsewhere with fallbacks, if need be `bold`.

    `spacing` multiplies the advance of every letter, except in scripts whose letters join. With `colour`, emoji are
    drawn by a coloured face where one is installed. With `level_capitals`, another face is drawn so large that its
    capitals are as high as those of `face`. `runs` are those of a line of a longer paragraph, from left to
    right; without them the line is a paragraph of its own.

    Raises:
        TextError: no installed font draws a character; the message names it.

    """
    fonts = _Fonts(face, library, bold=bold, colour=colour)
    glyphs: list[Glyph] = []
    pen = 0.0
    for run in visual_runs(line) if runs is None else runs:
        for item in _items(line, run, fonts):
            shaped = _shape(item, 1.0 if item.script in _CONNECTED else spacing)
            size = _size(item.face, face) if level_capitals else 1.0
            follows_space = not glyphs or glyphs[-1].text.isspace()
            glyphs += [
                glyph._replace(
                    x=glyph.x * size + pen,
                    y=glyph.y * size,
                    size=size,
                    is_spaced=glyph.is_spaced and not (number == 0 and follows_space),
                )
                for number, glyph in enumerate(shaped.glyphs)
            ]
            pen += shaped.advance * size
    return ShapedLine(tuple(glyphs), pen)


def _size(face: Typeface, design: Typeface) -> float:
    """Return the em at which a face has capitals as high as the design's; 1 for a face without any."""
    if face is design or not (face.capital and design.capital):
        return 1.0
    return design.capital / face.capital


def _wants_colour(part: str) -> bool:
    return EMOJI_STYLE in part or (is_emoji(part[0]) and TEXT_STYLE not in part)


def clusters(text: str) -> list[str]:
    """Split a text into letters with their marks and joiners, which must never be drawn by different fonts."""
    parts: list[str] = []
    for character in text:
        joined = unicodedata.category(character).startswith("M") or character in JOINERS
        if parts and (joined or parts[-1].endswith("\u200d")):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _items(line: str, run: Run, fonts: _Fonts) -> Iterator[_Item]:
    """Yield the items of a run in the order in which they are drawn, left to right."""
    parts = clusters(line[run.start : run.end])
    scripts = _scripts(parts)
    choice: list[tuple[Typeface, str]] = []
    for part, script in zip(parts, scripts, strict=True):
        held = choice[-1][0] if choice else fonts.face
        # A space stays in the font of the word before it; a font of emoji has wide ones.
        kept = part.isspace() and held.covers(part) and not held.is_coloured
        choice.append((held if kept else fonts.covering(part, script), script))
    items = []
    for (chosen, script), group in groupby(zip(choice, parts, strict=True), key=lambda pair: pair[0]):
        items.append(_Item("".join(part for _, part in group), chosen, script, run.right_to_left))
    yield from reversed(items) if run.right_to_left else items


def _scripts(parts: list[str]) -> list[str]:
    """Return the script of each cluster; what has none of its own goes with its neighbour."""
    from fontTools import unicodedata as scripts

    if all(part.isascii() for part in parts):
        return ["Latn"] * len(parts)
    own = [scripts.script(part[0]) for part in parts]
    first = next((script for script in own if script not in _INHERITED), "Zyyy")
    resolved: list[str] = []
    for script in own:
        resolved.append(script if script not in _INHERITED else (resolved[-1] if resolved else first))
    return resolved


def _shape(item: _Item, spacing: float) -> ShapedLine:
    import uharfbuzz as hb

    buffer = hb.Buffer()
    buffer.add_str(item.text)
    buffer.guess_segment_properties()
    if item.script not in _INHERITED:
        buffer.script = item.script
    buffer.direction = "rtl" if item.right_to_left else "ltr"
    hb.shape(item.face.font, buffer)
    return _placed(item, buffer, spacing)


def _placed(item: _Item, buffer: uharfbuzz.Buffer, spacing: float) -> ShapedLine:
    scale = 1.0 / item.face.units_per_em
    texts = _cluster_texts(item.text, [info.cluster for info in buffer.glyph_infos])
    glyphs: list[Glyph] = []
    pen = start = 0.0
    previous = -1
    is_connected = item.script in _CONNECTED
    before = ""
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        text = texts[info.cluster]
        _check_drawn(item.face, info.codepoint, text)
        is_new = info.cluster != previous
        if is_new:
            # Spacing moves whole clusters, so that a mark stays where its font put it over its letter.
            pen = start + (pen - start) * spacing
            start, previous = pen, info.cluster
        x = pen + position.x_offset * scale
        is_spaced = is_new and not is_connected and not before.isspace()
        glyphs.append(Glyph(item.face, info.codepoint, x, position.y_offset * scale, text, is_spaced=is_spaced))
        before = text
        pen += position.x_advance * scale
    return ShapedLine(tuple(glyphs), start + (pen - start) * spacing)


def _cluster_texts(text: str, starts: list[int]) -> dict[int, str]:
    """Map the start of each cluster that HarfBuzz reports to the characters it holds."""
    ordered = sorted(set(starts))
    return {start: text[start:end] for start, end in zip(ordered, [*ordered[1:], len(text)], strict=True)}


def _check_drawn(face: Typeface, glyph: int, text: str) -> None:
    if glyph == _MISSING_GLYPH:
        problem = f"the font {face.spec.file} has no glyph for {describe(text)}"
    elif glyph == face.dotted_circle and "\u25cc" not in text:
        problem = f"{describe(text)} is no complete letter"
    else:
        return
    raise TextError(problem, "ask for another spelling")
