"""The timeline: how long each stretch is, to the frame, and which sound is where.

Durations from a payload and the lengths of its media. Keep out: media (`recordings`), and what is seen (`pages`).

Rules. A step lasts as long as it says. With "auto" it lasts as long as its narration and a pad; as its video; or as
reading its text takes. Boundaries are rounded to frames from the sum of the milliseconds before them, so that no error
adds up. Transitions lie within the stretches and never change the total.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import InvalidInputError
from orchestration.previews.payload.model import AUTO, AssetType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.previews.payload.model import PreviewRequest, Step

TITLE_MS = 3_000
LEAD_MS = 250
"""How long after the beginning of its step a narration begins."""
PAD_MS = 600
SHORTEST_AUTO_MS, LONGEST_AUTO_MS = 2_500, 60_000
LETTERS_PER_SECOND = 14.0
TOO_FAST = 25.0
"""Letters a second that nobody reads."""


class FilmTooLongError(InvalidInputError):
    """The steps last longer together than a film may."""


class Stretch(NamedTuple):
    """A stretch of the film: the title card (`step` is None) or a step, from frame `first` on for `frames` frames."""

    step: int | None
    first: int
    frames: int

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + self.frames


class Clip(NamedTuple):
    """A recording in the film: its asset, when it begins in seconds, and how long it may last."""

    asset: str
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The film in time; `notes` say what was decided."""

    fps: int
    stretches: tuple[Stretch, ...]
    clips: tuple[Clip, ...]
    notes: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many frames the film has."""
        return self.stretches[-1].end

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.fps


def plan_timeline(request: PreviewRequest, lengths: Mapping[str, float], longest_seconds: float) -> Timeline:
    """Plan the film; `lengths` are the seconds of its audio and video assets, those of silent videos included.

    Raises `FilmTooLongError`.
    """
    fps = request.options.fps
    milliseconds = [TITLE_MS, *(_milliseconds(step, request, lengths) for step in request.steps)]
    total = sum(milliseconds) / 1000
    if total > longest_seconds:
        raise FilmTooLongError(
            f"$.previewRequest.steps: the film would last {total:.0f} s, more than {longest_seconds:.0f} s; "
            "shorten the steps, or make several films"
        )
    stretches = tuple(_stretches(milliseconds, fps))
    notes = [note for number, step in enumerate(request.steps) for note in _reading_notes(number, step, stretches, fps)]
    clips: list[Clip] = []
    for number, step in enumerate(request.steps):
        for clip, note in _clips(number, step, stretches[number + 1], request, lengths):
            clips.append(clip)
            notes += note
    return Timeline(fps, stretches, tuple(clips), tuple(notes))


def _stretches(milliseconds: Sequence[int], fps: int) -> list[Stretch]:
    stretches: list[Stretch] = []
    passed = first = 0
    for number, duration in enumerate(milliseconds):
        passed += duration
        end = max(first + 1, round(passed * fps / 1000))
        stretches.append(Stretch(number - 1 if number else None, first, end - first))
        first = end
    return stretches


def _milliseconds(step: Step, request: PreviewRequest, lengths: Mapping[str, float]) -> int:
    if step.duration_ms != AUTO:
        return int(step.duration_ms)
    types = {asset.id: asset.type for asset in request.assets}
    heard = [round(1000 * lengths[one]) for one in step.asset_ids if types[one] is AssetType.AUDIO and one in lengths]
    seen = [round(1000 * lengths[one]) for one in step.asset_ids if types[one] is AssetType.VIDEO and one in lengths]
    if heard:
        wanted = LEAD_MS + heard[0] + PAD_MS
    elif seen:
        wanted = seen[0]
    else:
        wanted = round(1000 * letters(f"{step.title} {step.text}") / LETTERS_PER_SECOND) + 1_000
    return min(LONGEST_AUTO_MS, max(SHORTEST_AUTO_MS, wanted))


def letters(text: str) -> int:
    """How many letters a text is to a reader: wide ones, as in Japanese, count twice."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text.strip())


def _reading_notes(number: int, step: Step, stretches: Sequence[Stretch], fps: int) -> list[str]:
    pace = letters(step.text) * fps / stretches[number + 1].frames
    if pace <= TOO_FAST:
        return []
    return [f"$.previewRequest.steps[{number}].text: {pace:.0f} letters a second are too fast to read"]


def _clips(
    number: int, step: Step, stretch: Stretch, request: PreviewRequest, lengths: Mapping[str, float]
) -> list[tuple[Clip, list[str]]]:
    """The recordings of a step, each with notes; one that is longer than what is left of its step is cut there."""
    types = {asset.id: asset.type for asset in request.assets}
    fps = request.options.fps
    clips = []
    for one in step.asset_ids:
        if one not in lengths:
            continue
        lead = LEAD_MS / 1000 if types[one] is AssetType.AUDIO else 0.0
        start = stretch.first / fps + lead
        room = stretch.end / fps - start
        cut = lengths[one] > room + 1 / fps
        problem = f"{one} lasts {lengths[one]:.2f} s and is cut after {max(room, 0.0):.2f} s, at the end of its step"
        notes = [f"$.previewRequest.steps[{number}]: {problem}"] if cut else []
        if room > 0:
            clips.append((Clip(one, start, min(lengths[one], room)), notes))
    return clips
