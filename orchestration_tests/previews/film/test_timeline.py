"""The film's time: to the frame, whatever is rounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.previews.film.timeline import (
    LEAD_MS,
    PAD_MS,
    TITLE_MS,
    FilmTooLongError,
    Timeline,
    letters,
    plan_timeline,
)
from orchestration.previews.payload.reading import read_payload
from orchestration_tests.previews.payloads import small

ASSETS = [{"id": name, "type": kind, "url": "https://x.example/a"} for name, kind in (("n", "audio"), ("v", "video"))]


def plan(steps: list[dict[str, Any]], fps: int = 25, **lengths: float) -> Timeline:
    document = small(steps=steps, assets=ASSETS, options={"fps": fps})
    return plan_timeline(read_payload(document).preview_request, lengths, 600.0)


@given(st.lists(st.integers(100, 5_000), max_size=30), st.sampled_from([24, 25, 30, 50, 60]))
def test_no_error_adds_up_over_many_steps(durations: list[int], fps: int) -> None:
    timeline = plan([{"durationMs": duration} for duration in durations], fps)
    wanted = (TITLE_MS + sum(durations)) / 1000
    assert abs(timeline.seconds - wanted) <= 0.5 / fps + 1e-9
    ends = [stretch.end for stretch in timeline.stretches]
    assert [stretch.first for stretch in timeline.stretches] == [0, *ends[:-1]]
    assert all(stretch.frames >= 1 for stretch in timeline.stretches)


def test_an_automatic_step_lasts_as_long_as_its_narration_with_lead_and_pad() -> None:
    timeline = plan([{"durationMs": "auto", "assetIds": ["n"]}], n=4.2)
    assert timeline.stretches[1].frames == round((LEAD_MS + 4200 + PAD_MS) / 40)
    [clip] = timeline.clips
    assert (clip.start, clip.seconds) == (TITLE_MS / 1000 + LEAD_MS / 1000, 4.2)


def test_an_automatic_step_lasts_as_long_as_its_video_or_as_reading_takes() -> None:
    timeline = plan([{"assetIds": ["v"]}, {"text": "a" * 140}, {"text": "日" * 70}, {}], v=7.0)
    seconds = [stretch.frames / 25 for stretch in timeline.stretches[1:]]
    assert seconds == pytest.approx([7.0, 11.0, 11.0, 2.5], abs=0.04)


def test_a_narration_that_is_longer_than_its_step_is_cut_with_a_note() -> None:
    timeline = plan([{"durationMs": 2000, "assetIds": ["n"]}], n=5.0)
    assert timeline.clips[0].seconds == pytest.approx(1.75)
    assert "$.previewRequest.steps[0]: n lasts 5.00 s and is cut after 1.75 s" in timeline.notes[0]


def test_text_that_nobody_can_read_in_time_is_noted() -> None:
    [note] = plan([{"durationMs": 1000, "text": "word " * 20}]).notes
    assert note.startswith("$.previewRequest.steps[0].text: 99 letters a second")


def test_a_film_that_is_too_long_is_refused() -> None:
    with pytest.raises(FilmTooLongError, match="663 s"):
        plan([{"durationMs": 60_000}] * 11)


def test_wide_letters_count_twice() -> None:
    assert (letters(" ab "), letters("日本")) == (2, 4)
