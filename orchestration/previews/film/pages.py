"""Pages: the title card and the steps, laid out as layers that know when they are seen.

Where texts and pictures stand. Keep out: setting texts (`typesetting`), moving layers (`scenes`), and encoding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from orchestration.lettering.bidi import base_level
from orchestration.lettering.layout import Box as InkBox
from orchestration.lettering.layout import box_around
from orchestration.lettering.paragraph import Align
from orchestration.lettering.raster import paint
from orchestration.previews.film import design as scale
from orchestration.previews.film.canvas import Sprite, filled, glow, shadow
from orchestration.previews.film.design import BODY, HEADING, Box, Colour, Design
from orchestration.previews.film.images import centred, fitted_size, grid, scaled
from orchestration.previews.film.typesetting import Face, SetText, Typesetter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.lettering.paragraph import Paragraph
    from orchestration.previews.film.canvas import Pixels
    from orchestration.previews.film.captions import Cue
    from orchestration.previews.film.images import Picture
    from orchestration.previews.payload.model import PreviewRequest, Step

UNTITLED = "Untitled Preview"
_TITLE = Face(HEADING, bold=True, leading=1.12)
_HEADING = Face(HEADING, bold=True, leading=1.15)
_TEXT = Face(BODY, leading=1.42)
_LABEL = Face(HEADING, bold=True, leading=1.2)
_CAPTION = Face(BODY, leading=1.3, align=Align.CENTRE)
_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
# Of the column's height, what a heading over a text takes at most.
_HEADING_SHARE = 0.5


class Layer(NamedTuple):
    """A sprite that is seen from frame `first` until before `end`; it rises `rise` pixels while it appears."""

    sprite: Sprite
    first: int
    end: int
    rise: int = 0
    fades: bool = True


class Window(NamedTuple):
    """Where a picture is seen: its box, its round corners, and what it shows: pixels of that size, or a video."""

    box: Box
    radius: int
    still: Pixels | None = None
    video: str | None = None


@dataclass(frozen=True)
class Page:
    """One stretch, laid out. `texts` are its texts in their boxes, `notes` what was done to them."""

    layers: tuple[Layer, ...]
    windows: tuple[Window, ...]
    texts: tuple[SetText, ...]
    notes: tuple[str, ...]


class Composer:
    """Lays out the pages of one film."""

    def __init__(self, request: PreviewRequest, design: Design, typesetter: Typesetter) -> None:
        self._request = request
        self._design = design
        self._typesetter = typesetter

    def title(self, frames: int, cues: Sequence[Cue] = ()) -> Page:
        """The title card, for so many frames."""
        request, design, palette = self._request, self._design, self._design.palette
        content, gap = design.content, design.px(30)
        width = round(content.width * (0.84 if design.is_wide else 1))
        bar_height = design.px(8) + gap
        small = self._line(request.author, width) if request.author else None
        below = small.room + gap if small else 0
        title_room = (content.height - bar_height - below) * (0.62 if request.description else 1)
        title = self._fit(request.title.strip() or UNTITLED, _TITLE, scale.TITLE_SCALE, (width, title_room))
        text_room = content.height - bar_height - title.room - gap - below
        text = self._fit(request.description, _TEXT, scale.BODY_SCALE, (width, max(text_room, 1)))
        blocks = [(title, palette.text), (text, palette.muted), *([(small, palette.accent)] if small else [])]
        blocks = [(block, colour) for block, colour in blocks if block.cards]
        height = bar_height + sum(block.room for block, _ in blocks) + gap * (len(blocks) - 1)
        x, y = content.x, content.y + round((content.height - height) / 2)
        is_mirrored = bool(base_level(request.title or UNTITLED))
        left = content.x + content.width - width if is_mirrored else x
        bar = Box(left + width - design.px(96) if is_mirrored else x, y, design.px(96), design.px(8))
        layers = [
            Layer(glow(design.width, design.height, palette.accent), 0, frames),
            Layer(filled(bar, palette.accent, radius=design.px(4)), 0, frames, design.px(14)),
        ]
        layers += self._stacked(blocks, left, y + bar_height, gap, frames)
        paths = ("$.previewRequest.title", "$.previewRequest.description", "$.previewRequest.metadata.author")
        texts = (title, text, *([small] if small else []))
        notes = [f"{path}: {note}" for path, one in zip(paths, texts, strict=False) for note in one.notes]
        return self._page(layers, (), texts, notes, cues=cues, frames=frames)

    def step(
        self,
        number: int,
        frames: int,
        pictures: Mapping[str, Picture],
        videos: Mapping[str, tuple[int, int]],
        cues: Sequence[Cue] = (),
    ) -> Page:
        """A step for so many frames, with its pictures, and videos of those sizes."""
        step, design = self._request.steps[number], self._design
        shown = [one for one in step.asset_ids if one in pictures or one in videos]
        has_text = bool(step.title.strip() or step.text.strip())
        column, frame = design.columns(has_text=has_text, has_picture=bool(shown))
        layers: list[Layer] = []
        texts: list[SetText] = []
        notes: list[str] = []
        if has_text or not shown:
            layers, texts, notes = self._column(step, number, column, frames, is_alone=not shown)
        sizes = [videos[one] if one in videos else _size(pictures[one]) for one in shown]
        windows = [
            self._window(one, box, pictures, videos)
            for one, box in zip(shown, grid(sizes, frame, design.px(24)) if sizes else [], strict=True)
        ]
        shades = [Layer(shadow(window.box, window.radius, design), 0, frames) for window in windows]
        notes += [f"$.previewRequest.steps[{number}]: {note}" for one in shown for note in _notes_of(pictures, one)]
        return self._page([*shades, *layers], tuple(windows), texts, notes, cues=cues, frames=frames)

    def _column(
        self, step: Step, number: int, column: Box, frames: int, *, is_alone: bool
    ) -> tuple[list[Layer], list[SetText], list[str]]:
        design, palette = self._design, self._design.palette
        gap = design.px(20)
        path = f"$.previewRequest.steps[{number}]"
        is_mirrored = bool(base_level(step.title or step.text))
        label = self._line(f"{number + 1} / {len(self._request.steps)}", column.width, is_mirrored=is_mirrored)
        room = column.height - label.room - gap
        share = _HEADING_SHARE if step.text.strip() else 1.0
        heading = self._fit(step.title, _HEADING, scale.HEADING_SCALE, (column.width, room * share))
        room -= heading.room + gap if heading.cards else 0
        sizes = scale.BODY_ALONE_SCALE if is_alone else scale.BODY_SCALE
        text = self._fit(step.text, _TEXT, sizes, (column.width, max(room, 1)))
        blocks = [(label, palette.accent), (heading, palette.text), (text, palette.muted)]
        blocks = [(block, colour) for block, colour in blocks if block.cards]
        height = sum(block.room for block, _ in blocks) + gap * (len(blocks) - 1)
        y = column.y + round((column.height - height) / 2)
        notes = [f"{path}.title: {note}" for note in heading.notes] + [f"{path}.text: {note}" for note in text.notes]
        if len(text.cards) > frames:
            notes.append(f"{path}.text: has more cards than its step has frames; make the step longer")
        return self._stacked(blocks, column.x, y, gap, frames), [label, heading, text], notes

    def _stacked(self, blocks: Sequence[tuple[SetText, Colour]], x: int, y: int, gap: int, frames: int) -> list[Layer]:
        """Blocks of text below each other; the cards of one follow each other in its place."""
        layers: list[Layer] = []
        top = float(y)
        for order, (block, colour) in enumerate(blocks):
            rise = self._design.px(14 + 6 * order)
            for card, first, end in _turns(block.cards, frames):
                layers.append(Layer(painted(card, colour, x, round(top)), first, end, rise))
            top += block.room + gap
        return layers

    def _window(
        self, asset: str, box: Box, pictures: Mapping[str, Picture], videos: Mapping[str, tuple[int, int]]
    ) -> Window:
        radius = self._design.px(18)
        if asset in videos:
            return Window(centred(fitted_size(*videos[asset], box), box), radius, video=asset)
        place = centred(fitted_size(*_size(pictures[asset]), box), box)
        size = place.width, place.height
        return Window(place, radius, scaled(pictures[asset].pixels, size, self._design.palette.card))

    def _page(
        self,
        layers: Sequence[Layer],
        windows: tuple[Window, ...],
        texts: Sequence[SetText],
        notes: Sequence[str],
        *,
        cues: Sequence[Cue],
        frames: int,
    ) -> Page:
        captions = [self._caption(cue, frames) for cue in cues] if self._design.has_captions else []
        return Page(
            (*layers, *(layer for one, _ in captions for layer in one)),
            windows,
            (*texts, *(text for _, text in captions)),
            (
                *notes,
                *(
                    f"the caption at {cue.start:.2f} s: {note}"
                    for cue, (_, text) in zip(cues, captions, strict=False)
                    for note in text.notes
                ),
            ),
        )

    def _caption(self, cue: Cue, frames: int) -> tuple[list[Layer], SetText]:
        """A caption on a dark plate, from the frame on that its time says; `cue` counts from the page's beginning."""
        design, box, pad = self._design, self._design.caption, self._design.px(14)
        text = self._fit(cue.text, _CAPTION, scale.CAPTION_SCALE, (box.width - 4 * pad, box.height - 2 * pad))
        fps = self._request.options.fps
        first, last = max(0, round(cue.start * fps)), min(frames, round(cue.end * fps))
        layers: list[Layer] = []
        for card, start, end in _turns(text.cards, max(1, last - first)):
            width = math.ceil(max(line.advance for line in card.lines))
            plate_width = min(box.width, width + 4 * pad)
            height = math.ceil(card.height) + 2 * pad
            x = box.x + (box.width - plate_width) // 2
            y = box.y + box.height - height
            plate = filled(Box(x, y, plate_width, height), _BLACK, radius=design.px(12), opacity=0.72)
            at = first + start, first + end
            layers += [
                Layer(plate, *at, fades=False),
                Layer(painted(card, _WHITE, box.x + 2 * pad, y + pad), *at, fades=False),
            ]
        return layers, text

    def _line(self, text: str, width: float, *, is_mirrored: bool = False) -> SetText:
        sizes = (scale.SMALL, scale.SMALL * 0.8)
        face = _LABEL._replace(align=Align.RIGHT if is_mirrored else Align.START)
        return self._fit(text, face, sizes, (width, self._design.px(scale.SMALL) * _LABEL.leading * 1.2))

    def _fit(self, text: str, face: Face, sizes: Sequence[float], box: tuple[float, float]) -> SetText:
        return self._typesetter.fit(text, face, [size * self._design.unit for size in sizes], box)


def _size(picture: Picture) -> tuple[int, int]:
    return int(picture.pixels.shape[1]), int(picture.pixels.shape[0])


def _notes_of(pictures: Mapping[str, Picture], asset: str) -> tuple[str, ...]:
    return pictures[asset].notes if asset in pictures else ()


def _turns(cards: Sequence[Paragraph], frames: int) -> list[tuple[Paragraph, int, int]]:
    """Each card with the frames in which it is seen, in proportion to its text."""
    weights = [sum(len(line.text) for line in card.lines) + 1 for card in cards]
    turns, passed = [], 0
    for card, weight in zip(cards, weights, strict=True):
        first = round(frames * passed / sum(weights))
        passed += weight
        turns.append((card, first, round(frames * passed / sum(weights))))
    return turns


def painted(paragraph: Paragraph, colour: Colour, x: int, y: int) -> Sprite:
    """A paragraph as a sprite whose upper left corner stands at (x, y); ink that reaches out of it is kept."""
    boxes = [paragraph.frame, *([paragraph.ink] if paragraph.ink else [])]
    around = box_around(boxes)
    left, top = math.floor(around.left) - 1, math.ceil(around.top) + 1
    box = InkBox(left, math.floor(around.bottom) - 1, math.ceil(around.right) + 1, top)
    rgba = paint(paragraph, colour, box=box)
    return Sprite(rgba[:, :, :3].copy(), rgba[:, :, 3].copy(), x + left, y - top)
