"""Whether a finished picture shows what was asked for: five questions, answered from its pixels.

The design is really there, on the right side only, inside of its zone, whole, and in its colours. Pure functions of
pictures. Keep out: what to do about the answers, and Dagster.

The composite is compared with the empty flat garment. A still is compared with two small pictures of the same view: of
the bare garment, and of the garment with the print's whole rectangle in another colour, which shows where ink may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.composites.flat_art import coverage, flat_art
from orchestration.mockups.composites.verdict import Verdict
from orchestration.mockups.fabrics import lab, to_linear, to_srgb
from orchestration.mockups.presets import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.composites.compositing import Composite, Print
    from orchestration.mockups.views.engine import Engine

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_INKED, _OPAQUE = 8, 255
_SMALL: Final = 256
_BACKDROP: Final = (238, 240, 242)
_CHANGED: Final = 6.0
"""CIE76 distance from which a pixel of a small still counts as changed."""
_COLOUR_WITHIN: Final = 4.0
"""CIE76 distance by which the mean colour of a print on the composite may lie from the design's."""
_OFF_THE_CLOTH: Final = 0.001
_OUTSIDE: Final = 0.02
_FULLY_CLOTH: Final = 200
_FRONT_VIEWS: Final = {"front_0deg": Side.FRONT, "back_180deg": Side.BACK}


class Answer(NamedTuple):
    """One question's answer; the message says what was measured."""

    question: str
    passed: bool
    message: str


def as_facts(answers: list[Answer]) -> dict[str, dict[str, object]]:
    """Return the answers as plain data, by question."""
    return {answer.question: {"passed": answer.passed, "message": answer.message} for answer in answers}


def check_composite(composite: Composite, picture: Pixels) -> list[Answer]:
    """Ask the five questions of a composite's picture."""
    bare = flat_art(composite.garment, composite.fabric.colour)
    answers = [_right_panels(composite, picture, bare)]
    for one in composite.prints:
        area = _area(picture, one)
        answers += [
            _is_there(one, picture[area], bare[area]),
            _is_inside(composite, one),
            _is_whole(composite, one, area),
            _has_its_colours(composite, picture[area], _ink(one, area)),
        ]
    return _one_of_each(answers)


def check_still(composite: Composite, picture: Pixels, angle: str, engine: Engine) -> list[Answer]:
    """Ask of a still from the front or the back whether the print is there, on its side, and nowhere else.

    `picture` is of `angle`, without a background or with any. Other views show prints in part or not at all: of them
    only whether the garment is whole is asked.
    """
    answers = [_is_framed(picture)]
    if (side := _FRONT_VIEWS.get(angle)) is None:
        return answers
    shown = _small(engine, composite.artwork, angle)
    bare = _small(engine, Artwork(composite.garment, composite.fabric.colour.rgb), angle)
    changed = _distance(shown, bare) > _CHANGED
    print_ = next((one for one in composite.prints if one.placement.side is side), None)
    if print_ is None:
        return [*answers, Answer("right_side", not changed.any(), f"{changed.sum()} pixels are printed on the {side}")]
    return [*answers, *_compare(changed, _distance(_probe(composite, print_, angle, engine), bare) > _CHANGED, print_)]


def _compare(changed: Mask, may: Mask, one: Print) -> list[Answer]:
    import cv2

    around = cv2.dilate(may.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outside = int((changed & ~around).sum()) / max(int(changed.sum()), 1)
    expected = one.fit.verdict is not Verdict.BLANK
    side = one.placement.side
    return [
        Answer("design_there", bool(changed.any()) or not expected, f"{changed.sum()} of {may.sum()} pixels are inked"),
        Answer("inside_zone", outside <= _OUTSIDE, f"{outside:.1%} of the print lies outside of its place"),
        Answer("right_side", bool(may.any()), f"the place of the print is seen on the {side}"),
    ]


def _probe(composite: Composite, one: Print, angle: str, engine: Engine) -> Pixels:
    """The garment with the print's rectangle filled: black on light fabrics, white on dark ones."""
    light = to_linear(np.array(composite.fabric.colour.rgb, np.uint8)).mean() > 0.2  # noqa: PLR2004 - of middle grey
    pixels = np.full_like(one.ink, 0 if light else _OPAQUE)
    pixels[:, :, 3] = _OPAQUE
    layer = InkLayer(one.placement.left, one.placement.top, pixels)
    return _small(engine, Artwork(composite.garment, composite.fabric.colour.rgb, (layer,)), angle)


def _small(engine: Engine, artwork: Artwork, angle: str) -> Pixels:
    return engine.still(artwork, angle, size=_SMALL, background=_BACKDROP, samples=1)


def _distance(one: Pixels, other: Pixels) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = np.linalg.norm(lab(one[:, :, :3]) - lab(other[:, :, :3]), axis=2)
    return distance


def _is_framed(picture: Pixels) -> Answer:
    """The garment does not touch the border, whose pixels are then all background: smooth along each edge."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).astype(np.int16)
    step = int(np.abs(np.diff(border, axis=0)).max())
    return Answer("not_clipped", step <= _FULLY_CLOTH // 8, f"along the border colours change by at most {step}")


def _area(picture: Pixels, one: Print) -> tuple[slice, slice]:
    """The part of a print that lies on the canvas."""
    box, (height, width) = one.placement.box, picture.shape[:2]
    return slice(max(box.y0, 0), min(box.y1, height)), slice(max(box.x0, 0), min(box.x1, width))


def _ink(one: Print, area: tuple[slice, slice]) -> Pixels:
    rows, columns = area
    top, left = one.placement.top, one.placement.left
    return one.ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _is_there(one: Print, shown: Pixels, bare: Pixels) -> Answer:
    changed = float((shown != bare).any(axis=2).mean())
    expected = one.fit.verdict is not Verdict.BLANK
    return Answer("design_there", changed > 0 or not expected, f"{changed:.1%} of the print's area is inked")


def _right_panels(composite: Composite, picture: Pixels, bare: Pixels) -> Answer:
    sides = {one.placement.side for one in composite.prints}
    wrong = [side for side in Side if side not in sides and _differs(composite, picture, bare, side)]
    named = ", ".join(sorted(sides))
    message = f"printed on the {wrong[0]} as well" if wrong else f"printed on the {named} only"
    return Answer("right_side", not wrong, message)


def _differs(composite: Composite, picture: Pixels, bare: Pixels, side: Side) -> bool:
    x0, y0, x1, y1 = composite.garment.panels[side]
    return bool((picture[y0:y1, x0:x1] != bare[y0:y1, x0:x1]).any())


def _is_inside(composite: Composite, one: Print) -> Answer:
    zone = composite.garment.zone_px(composite.garment.piece(one.placement.side))
    box = one.placement.box
    beyond = max(zone.x0 - box.x0, zone.y0 - box.y0, box.x1 - zone.x1, box.y1 - zone.y1, 0) * composite.real_mm
    return Answer("inside_zone", beyond < 1, f"{beyond:.0f} mm beyond the zone of the {one.placement.side}")


def _is_whole(composite: Composite, one: Print, area: tuple[slice, slice]) -> Answer:
    ink = one.ink[:, :, 3] >= _INKED
    on_cloth = (_ink(one, area)[:, :, 3] >= _INKED) & (coverage(composite.garment)[area] >= _FULLY_CLOTH)
    lost = 1 - int(on_cloth.sum()) / int(ink.sum()) if ink.any() else 0.0
    return Answer("not_clipped", lost <= _OFF_THE_CLOTH, f"{lost:.1%} of the ink lies beside the cloth")


def _has_its_colours(composite: Composite, shown: Pixels, ink: Pixels) -> Answer:
    """Compare the mean light of what is shown with that of the ink over the fabric."""
    share = ink[:, :, 3:].astype(np.float32) / _OPAQUE
    cloth = to_linear(np.array(composite.fabric.colour.rgb, np.uint8))
    wanted = (to_linear(ink[:, :, :3]) * share + cloth * (1 - share)).mean(axis=(0, 1))
    seen = to_linear(shown[:, :, :3]).mean(axis=(0, 1))
    pair = to_srgb(np.stack([wanted, seen])[None])
    away = float(np.linalg.norm(np.diff(lab(pair), axis=1)))
    return Answer("colours_kept", away <= _COLOUR_WITHIN, f"the mean colour is {away:.1f} away from the design's")


def _one_of_each(answers: list[Answer]) -> list[Answer]:
    """Of the answers to one question, about two prints, the one that failed, else the first."""
    by_question: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda answer: answer.passed, reverse=True):
        if answer.question not in by_question or not answer.passed:
            by_question[answer.question] = answer
    return list(by_question.values())
