"""The sample previews: valid payloads, over pictures and a track that are there."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

from orchestration.demo.previews import sample_jobs, write_track
from orchestration.previews.payload.reading import read_payload

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sample_jobs_are_valid_and_differ_in_what_they_show() -> None:
    pictures = [f"http://127.0.0.1:3080/{number}.jpg" for number in range(9)]
    jobs = [read_payload(document) for document in sample_jobs(pictures, "http://127.0.0.1:3080/track.wav")]
    assert [job.job_id for job in jobs] == ["sample-shop", "sample-scripts", "sample-poster", "sample-dry-run"]
    assert {job.preview_request.options.format.value for job in jobs} == {"mp4", "webm", "png"}
    assert all(step.asset_ids for step in jobs[0].preview_request.steps)


def test_the_sample_jobs_do_with_fewer_pictures() -> None:
    [shop, *_] = sample_jobs(["http://127.0.0.1:3080/1.jpg"], "http://127.0.0.1:3080/track.wav")
    assert len(read_payload(shop).preview_request.steps) == 1


def test_the_track_is_twelve_seconds_of_sound(tmp_path: Path) -> None:
    with wave.open(str(write_track(tmp_path)), "rb") as track:
        assert track.getnframes() / track.getframerate() == 12
