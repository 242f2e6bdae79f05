"""Texts set into boxes: shrunk along the type scale, broken by Unicode's rules, divided into cards; never clipped.

What was done to a text is said in notes. Keep out: where boxes stand (`design`), pixels of pages (`pages`), and layout
itself (`orchestration.lettering`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from orchestration.lettering.errors import TextError, describe
from orchestration.lettering.fonts import FontLibrary
from orchestration.lettering.outlines import Outlines
from orchestration.lettering.paragraph import Align, Paragraph, TextStyle, lay_out, measure
from orchestration.lettering.text import TextRules, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.lettering.fonts import FontSpec

# Pixels: how far a flattened curve may lie from the true one.
_TOLERANCE = 0.1
# Ems: how far ink may reach out of its line's room, as slanted letters and marks do.
_OVERHANG = 0.35
# Of a box, how much text it may hold at most; more than all of it, as spaces at the ends of lines take no room.
_FULLEST = 1.5
_RULES = TextRules(colour=True, no_break=True)


class Face(NamedTuple):
    """How a text is set, but for its size."""

    fonts: tuple[FontSpec, ...]
    bold: bool = False
    leading: float = 1.3
    align: Align = Align.START

    def style(self, size: float) -> TextStyle:
        """The style at a size in pixels."""
        return TextStyle(size, self.fonts, bold=self.bold, leading=self.leading, align=self.align, tolerance=_TOLERANCE)


@dataclass(frozen=True)
class SetText:
    """A text in its box: one paragraph a card, each no higher than `height` pixels; `notes` say what was done to it."""

    cards: tuple[Paragraph, ...]
    width: float
    height: float
    notes: tuple[str, ...] = ()

    @cached_property
    def room(self) -> float:
        """The height of its highest card."""
        return max((card.height for card in self.cards), default=0.0)

    @property
    def fits(self) -> bool:
        """Whether the ink of every card lies within the box, but for overhangs."""
        return all(_is_inside(card, self.width, self.height) for card in self.cards)


def _is_inside(card: Paragraph, width: float, height: float) -> bool:
    ink, slack = card.ink, _OVERHANG * card.style.size
    if ink is None:
        return True
    sides = ink.left >= -slack and ink.right <= width + slack
    return sides and ink.top <= slack and ink.bottom >= -height - slack


@dataclass
class Typesetter:
    """Sets texts with the fonts of this machine and of `folders`; fonts and outlines stay warm."""

    folders: tuple[Path, ...] = ()
    _outlines: Outlines = field(default_factory=Outlines)

    @cached_property
    def library(self) -> FontLibrary:
        """The fonts, found on first use."""
        return FontLibrary(self.folders)

    def fit(self, text: str, face: Face, sizes: Sequence[float], box: tuple[float, float]) -> SetText:
        """Set a text into `box` (width and height) in the largest of `sizes`, in pixels, that it fits in.

        A text that does not even fit in the smallest is divided into several cards of that size.
        """
        width, height = box
        drawn, notes = self._drawable(text, face.style(sizes[0]))
        if not drawn.strip():
            return SetText((), width, height, tuple(notes))
        advance = measure(drawn.replace("\n", " "), face.style(1.0), self.library).width
        for size in sizes:
            # Without a look at its lines: so much text cannot fit, however it breaks.
            if advance * size * face.leading * size > _FULLEST * width * height:
                continue
            taken = measure(drawn, face.style(size), self.library, width=width)
            if taken.height <= height:
                if size < sizes[0]:
                    notes.append(f"set at {size:.0f} px instead of {sizes[0]:.0f} px, so that it fits")
                return SetText((self._laid_out(drawn, face.style(size), width),), width, height, tuple(notes))
        cards = self._cards(drawn, face.style(sizes[-1]), width, height)
        notes.append(f"set at {sizes[-1]:.0f} px and divided into {len(cards)} cards, so that it fits")
        return SetText(tuple(cards), width, height, tuple(notes))

    def line(self, text: str, face: Face, size: float) -> Paragraph:
        """A short text of our own in one line."""
        return lay_out(text, face.style(size), self.library, self._outlines)

    def _laid_out(self, text: str, style: TextStyle, width: float) -> Paragraph:
        return lay_out(text, style, self.library, self._outlines, width=width)

    def _cards(self, text: str, style: TextStyle, width: float, height: float) -> list[Paragraph]:
        """Divide a text at its lines into cards that are as high as the box at most."""
        whole = self._laid_out(text, style, width)
        leading = style.leading * style.size
        most = max(1, int((height - (whole.height - leading * (len(whole.lines) - 1))) / leading) + 1)
        # As even as can be: no last card of a single word.
        count = -(-len(whole.lines) // most)
        per_card = -(-len(whole.lines) // count)
        starts = _line_starts(text, [line.text for line in whole.lines])
        cuts = [*starts[::per_card], len(text)]
        parts = [text[start:end].strip() for start, end in itertools.pairwise(cuts)]
        return [self._laid_out(part, style, width) for part in parts if part]

    def _drawable(self, text: str, style: TextStyle) -> tuple[str, list[str]]:
        """The text without what no font draws, prepared for layout, and notes on what was left out."""
        try:
            prepared = prepare(text, _RULES)
            measure(prepared, style, self.library)
        except TextError:
            return self._without_undrawable(text, style)
        return prepared, []

    def _without_undrawable(self, text: str, style: TextStyle) -> tuple[str, list[str]]:
        from uniseg.graphemecluster import grapheme_clusters

        kept: list[str] = []
        dropped: dict[str, str] = {}
        for cluster in grapheme_clusters(text):
            try:
                if not cluster.isspace():
                    measure(cluster, style, self.library)
                kept.append(cluster)
            except TextError as error:
                dropped.setdefault(cluster, error.problem)
        prepared = prepare("".join(kept), _RULES)
        return prepared, [f"left out {describe(cluster)}: {problem}" for cluster, problem in dropped.items()]


def _line_starts(text: str, lines: Sequence[str]) -> list[int]:
    """Where each line begins in the text that it was broken from."""
    starts: list[int] = []
    at = 0
    for line in lines:
        at = text.index(line, at) if line else at
        starts.append(at)
        at += len(line)
    return starts
