"""Captions: one list of cues, for what is drawn into the picture and for WebVTT.

Cues from a payload, and the file. Keep out: drawing them (`pages`).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from orchestration.previews.film.timeline import letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.previews.film.timeline import Stretch, Timeline
    from orchestration.previews.payload.model import PreviewRequest

# Two lines of 42 letters, as broadcasters set captions.
LONGEST_CUE = 84
_SENTENCE_ENDS = ".!?\u2026\u3002\uff01\uff1f\u061f"


class Cue(NamedTuple):
    """A text from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


def cues_of(request: PreviewRequest, timeline: Timeline) -> list[Cue]:
    """The captions of the film in order: those of the payload within its length, or else what the steps say."""
    if not request.options.include_captions:
        return []
    if request.audio.captions:
        stated = [Cue(one.start_ms / 1000, one.end_ms / 1000, one.text.strip()) for one in request.audio.captions]
        within = [cue for cue in stated if cue.start < timeline.seconds and cue.text]
        return [cue._replace(end=min(cue.end, timeline.seconds)) for cue in within]
    cues: list[Cue] = []
    for stretch in timeline.stretches:
        if stretch.step is not None:
            step = request.steps[stretch.step]
            cues += _spread((step.caption or step.text).strip(), stretch, timeline.fps)
    return cues


def within(cues: Sequence[Cue], stretch: Stretch, fps: int) -> list[Cue]:
    """The cues that are seen in a stretch, in seconds from its beginning."""
    start, end = stretch.first / fps, stretch.end / fps
    return [
        Cue(max(cue.start, start) - start, min(cue.end, end) - start, cue.text)
        for cue in cues
        if cue.start < end and cue.end > start
    ]


def _spread(text: str, stretch: Stretch, fps: int) -> Iterator[Cue]:
    """Divide a text into cues that last in proportion to their letters."""
    parts = list(_parts(text))
    total = sum(map(letters, parts))
    start, seconds = stretch.first / fps, stretch.frames / fps
    ends = list(accumulate(map(letters, parts)))
    for part, first, last in zip(parts, [0, *ends], ends, strict=False):
        yield Cue(round(start + seconds * first / total, 3), round(start + seconds * last / total, 3), part)


def _parts(text: str) -> Iterator[str]:
    """Parts of `LONGEST_CUE` letters at most, where lines may break; sentences begin parts of their own."""
    from uniseg.linebreak import line_break_units

    part = ""
    for unit in line_break_units(text.replace("\n", " ")):
        ends_sentence = part.rstrip().endswith(tuple(_SENTENCE_ENDS)) and letters(part) > LONGEST_CUE // 2
        if part.strip() and (letters(part + unit) > LONGEST_CUE or ends_sentence):
            yield part.strip()
            part = ""
        part += unit
    if part.strip():
        yield part.strip()


def webvtt(cues: Sequence[Cue]) -> str:
    """The cues as a WebVTT file (https://www.w3.org/TR/webvtt1/)."""
    blocks = [
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{_escaped(cue.text)}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]  # an empty line would end the cue
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
