"""A text set in lines: broken to a width by Unicode's rules, aligned, measured.

Paragraphs of any length and direction, in the unit of the em: millimetres or pixels. Keep out: pixels (`raster`), or
how a product places its lines.

Lines break where Unicode Standard Annex #14 lets them, found by the library `uniseg`; a word that is longer than a line
breaks between letters. Directions are those of the whole paragraph, so a line that begins with a number or a name in
another script is still set in the paragraph's direction.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.lettering.bidi import base_level, levels, reordered
from orchestration.lettering.fonts import BOLD, REGULAR, FontSpec
from orchestration.lettering.layout import Box, Placed, box_around, faces_of, place_line
from orchestration.lettering.offsets import TOLERANCE
from orchestration.lettering.outlines import Scale
from orchestration.lettering.shaping import Glyph, ShapedLine, shape_line
from orchestration.lettering.text import TextRules, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import manifold3d

    from orchestration.lettering.fonts import FontLibrary, Typeface
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outlines

SANS: Final = (FontSpec("NotoSans[wdth,wght].ttf", REGULAR), FontSpec("NotoSans-Regular.ttf"))
SANS_BOLD: Final = (FontSpec("NotoSans[wdth,wght].ttf", BOLD), FontSpec("NotoSans-Bold.ttf"))
_ROUNDING: Final = 1e-6
_FEW_LETTERS: Final = 128


class Align(StrEnum):
    """Where a line stands in the width; start and end go by the direction of its paragraph."""

    START = "start"
    CENTRE = "centre"
    END = "end"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a text is set. `size` is the em, `leading` the distance of two baselines in ems.

    Of `fonts`, the first that is installed is used. `spacing` multiplies the advance of letters, `growth` makes them
    bolder by that length on all sides. With `colour`, emoji are set as pictures. `tolerance` is how far a flattened
    curve may lie from the true one; a tenth is enough for pixels.
    """

    size: float
    fonts: tuple[FontSpec, ...] = SANS
    bold: bool = False
    spacing: float = 1.0
    leading: float = 1.3
    growth: float = 0.0
    align: Align = Align.START
    colour: bool = True
    tolerance: float = TOLERANCE

    @property
    def scale(self) -> Scale:
        """How its letters are drawn."""
        return Scale(self.size, growth=self.growth, tolerance=self.tolerance)


class Picture(NamedTuple):
    """A glyph in colours of its own, and the place of its origin."""

    glyph: Glyph
    x: float
    y: float


class Line(NamedTuple):
    """One line: its text without the spaces at its end, what is drawn, its baseline and where it starts."""

    text: str
    glyphs: tuple[Placed, ...]
    pictures: tuple[Picture, ...]
    left: float
    baseline: float
    advance: float


class Size(NamedTuple):
    """The room that a text takes: the widest advance, the height of all lines, and how many there are."""

    width: float
    height: float
    lines: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text in its place: its upper left corner is x = 0, y = 0, and y grows upwards."""

    lines: tuple[Line, ...]
    style: TextStyle
    width: float
    height: float

    @property
    def frame(self) -> Box:
        """The room it was given; letters may reach out of it."""
        return Box(0.0, -self.height, self.width, 0.0)

    @property
    def glyphs(self) -> tuple[Placed, ...]:
        """Every drawn outline."""
        return tuple(placed for line in self.lines for placed in line.glyphs)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every glyph in colours of its own."""
        return tuple(picture for line in self.lines for picture in line.pictures)

    @property
    def ink(self) -> Box | None:
        """The box around all outlines; None when there is none."""
        boxes = [placed.box for placed in self.glyphs]
        return box_around(boxes) if boxes else None

    @property
    def faces(self) -> dict[str, str]:
        """The fonts of its outlines: label to SHA-256 of the file."""
        return faces_of(self.glyphs)

    def section(self) -> manifold3d.CrossSection:
        """Return the text as one filled shape."""
        import manifold3d as m3

        return m3.CrossSection.batch_boolean([placed.section for placed in self.glyphs], m3.OpType.Add)

    def rings(self) -> list[Ring]:
        """Return the edges of the filled shape: counter-clockwise around ink, clockwise around holes."""
        return list(self.section().to_polygons())


def lay_out(
    text: str, style: TextStyle, library: FontLibrary, outlines: Outlines, *, width: float | None = None
) -> Paragraph:
    r"""Set a text in lines of at most `width`, or as wide as it needs without; `\n` begins a new line.

    An empty text has no lines.

    Raises:
        TextError: a character cannot be drawn; the message names it.
        ConfigurationError: none of the style's fonts is installed.

    """
    face = library.first(style.fonts)
    broken = list(_broken_lines(text, style, face, library, width))
    size = _size(broken, style, face)
    room = size.width if width is None else width
    top = -face.ascent * style.size
    lines = tuple(
        _placed(line, style, outlines, room=room, baseline=top - number * style.leading * style.size)
        for number, line in enumerate(broken)
    )
    return Paragraph(lines, style, room, size.height)


def measure(text: str, style: TextStyle, library: FontLibrary, *, width: float | None = None) -> Size:
    """Return the room that a text takes when it is set as `lay_out` does, without drawing it; raises as that does."""
    face = library.first(style.fonts)
    return _size(list(_broken_lines(text, style, face, library, width)), style, face)


class _Broken(NamedTuple):
    """A line before it has a place."""

    text: str
    shaped: ShapedLine
    is_right_to_left: bool


def _size(lines: Sequence[_Broken], style: TextStyle, face: Typeface) -> Size:
    if not lines:
        return Size(0.0, 0.0, 0)
    widest = max(line.shaped.advance for line in lines)
    height = face.ascent + face.descent + style.leading * (len(lines) - 1)
    return Size(widest * style.size, height * style.size, len(lines))


def _broken_lines(
    text: str, style: TextStyle, face: Typeface, library: FontLibrary, width: float | None
) -> Iterator[_Broken]:
    prepared = prepare(text, TextRules(colour=style.colour, no_break=True))
    if not prepared:
        return
    for paragraph in prepared.removesuffix("\n").split("\n"):
        setter = _Setter(paragraph, style, face, library)
        yield from setter.lines(width)


class _Setter:
    """Breaks one paragraph."""

    def __init__(self, text: str, style: TextStyle, face: Typeface, library: FontLibrary) -> None:
        self._text = text
        self._style = style
        self._face = face
        self._library = library
        self._levels = levels(text)
        self._is_right_to_left = bool(base_level(text))

    def lines(self, width: float | None) -> Iterator[_Broken]:
        """Yield its lines; an empty paragraph is one empty line."""
        if width is None or not self._text:
            yield self._line(0, len(self._text))
            return
        start = 0
        breaks = _ends(_break_units(self._text))
        while start < len(self._text):
            end = self._end(start, breaks, width)
            yield self._line(start, end)
            start = end

    def _line(self, start: int, end: int) -> _Broken:
        line = self._text[start:end].rstrip(" ")
        return _Broken(line, self._shaped(start, line), self._is_right_to_left)

    def _shaped(self, start: int, line: str) -> ShapedLine:
        style = self._style
        runs = reordered(self._levels[start : start + len(line)])
        return shape_line(
            line, self._face, self._library, spacing=style.spacing, bold=style.bold, colour=style.colour, runs=runs
        )

    def _end(self, start: int, breaks: Sequence[int], width: float) -> int:
        """Return where the line from `start` ends: at the last break that fits, else inside of its first word."""

        def fits(end: int) -> bool:
            shaped = self._shaped(start, self._text[start:end].rstrip(" "))
            return shaped.advance * self._style.size <= width + _ROUNDING

        after = breaks[bisect_left(breaks, start + 1) :]
        if count := _count_that_fit(after, fits):
            return after[count - 1]
        return self._end_within(start, after[0], fits)

    def _end_within(self, start: int, word_end: int, fits: Callable[[int], bool]) -> int:
        """Return behind which letter of a word that is too long its line ends; few letters of it are looked at."""
        reach = _FEW_LETTERS
        while True:
            stop = min(word_end, start + reach)
            letters = [start + end for end in _ends(_letters(self._text[start:stop]))]
            count = _count_that_fit(letters, fits)
            if count < len(letters) or stop == word_end:
                return letters[max(count, 1) - 1]
            reach *= 2


def _count_that_fit(ends: Sequence[int], fits: Callable[[int], bool]) -> int:
    """Return how many of `ends` fit, each of which is wider than the one before; few of them are tried."""
    reach = 1
    while reach <= len(ends) and fits(ends[reach - 1]):
        reach *= 2
    return bisect_left(range(min(reach, len(ends) + 1) - 1), 1, key=lambda index: int(not fits(ends[index])))


def _ends(units: Sequence[str]) -> list[int]:
    return list(accumulate(len(unit) for unit in units))


@lru_cache(maxsize=64)
def _break_units(text: str) -> tuple[str, ...]:
    """Split a text behind each place where a line may break (UAX #14); a text is often set in several sizes."""
    from uniseg.linebreak import line_break_units

    return tuple(line_break_units(text))


def _letters(text: str) -> list[str]:
    """Split a text into what people take for one letter (UAX #29)."""
    from uniseg.graphemecluster import grapheme_clusters

    return list(grapheme_clusters(text))


def _placed(line: _Broken, style: TextStyle, outlines: Outlines, *, room: float, baseline: float) -> Line:
    advance = line.shaped.advance * style.size
    left = _share_left(style.align, is_right_to_left=line.is_right_to_left) * (room - advance)
    pictures = [glyph for glyph in line.shaped.glyphs if style.colour and glyph.face.paints(glyph.number)]
    drawn = line.shaped._replace(glyphs=tuple(glyph for glyph in line.shaped.glyphs if glyph not in pictures))
    return Line(
        line.text,
        tuple(
            placed._replace(x=placed.x + left, y=placed.y + baseline)
            for placed in place_line(drawn, outlines, style.scale)
        ),
        tuple(Picture(glyph, left + glyph.x * style.size, baseline + glyph.y * style.size) for glyph in pictures),
        left,
        baseline,
        advance,
    )


def _share_left(align: Align, *, is_right_to_left: bool) -> float:
    """Return which share of the free room lies on the left."""
    if align in (Align.START, Align.END):
        return float((align is Align.END) != is_right_to_left)
    return {Align.LEFT: 0.0, Align.CENTRE: 0.5, Align.RIGHT: 1.0}[align]
