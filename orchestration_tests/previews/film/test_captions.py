"""Captions: one list of cues for the picture and for WebVTT."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from orchestration.previews.film.captions import LONGEST_CUE, Cue, cues_of, webvtt, within
from orchestration.previews.film.timeline import Stretch, letters, plan_timeline
from orchestration.previews.payload.reading import read_payload
from orchestration_tests.previews.payloads import small


def cues(**request: Any) -> list[Cue]:  # noqa: ANN401 - fields of the request
    request["options"] = {"includeCaptions": True, **request.get("options", {})}
    wanted = read_payload(small(**request)).preview_request
    return cues_of(wanted, plan_timeline(wanted, {}, 600))


def test_the_captions_of_the_payload_are_kept_within_the_film() -> None:
    stated = [
        {"startMs": 500, "endMs": 1500, "text": "One"},
        {"startMs": 3000, "endMs": 9000, "text": "Two"},
        {"startMs": 9500, "endMs": 9900, "text": "Late"},
    ]
    assert cues(audio={"captions": stated}) == [Cue(0.5, 1.5, "One"), Cue(3.0, 3.5, "Two")]


def test_steps_are_captioned_by_their_caption_or_text_and_fill_their_time() -> None:
    text = "The first sentence is rather long, so that it stands alone. And this one follows it at once, as it must."
    found = cues(steps=[{"text": text, "durationMs": 4000}, {"text": "Shown", "caption": "Said", "durationMs": 1000}])
    assert (found[0].start, found[-2].end, found[-1]) == (3.0, 7.0, Cue(7.0, 8.0, "Said"))
    assert all(letters(cue.text) <= LONGEST_CUE for cue in found)
    assert " ".join(cue.text for cue in found[:-1]) == text
    assert all(before.end == after.start for before, after in pairwise(found))


def test_without_captions_there_are_none() -> None:
    assert cues(options={"includeCaptions": False}) == []


def test_cues_of_a_stretch_count_from_its_beginning() -> None:
    stretch = Stretch(0, 50, 25)
    assert within([Cue(1.0, 2.5, "a"), Cue(3.0, 4.0, "b")], stretch, 25) == [Cue(0.0, 0.5, "a")]


def test_webvtt_is_written_by_the_rules() -> None:
    text = webvtt([Cue(0.0, 1.25, "a < b\n\n& c"), Cue(3_661.5, 3_662.0, "d")])
    assert text.startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.250\na &lt; b\n&amp; c\n\n2\n")
    assert "01:01:01.500 --> 01:01:02.000\nd\n" in text
