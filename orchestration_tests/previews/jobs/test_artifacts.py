"""What is stored of a preview: a job that is rendered again, after a kill, stores the same objects."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration.previews.film.film import described
from orchestration.previews.film.order import FilmReport
from orchestration.previews.jobs.artifacts import store_film
from orchestration.previews.payload.reading import read_payload
from orchestration.storage.objects import ObjectStore
from orchestration_tests.previews.payloads import small

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def store(objects: ObjectStore, folder: Path, cost: dict[str, Any]) -> dict[str, Any]:
    """An attempt at a job, which cost so much."""
    video = folder / "preview.mp4"
    video.write_bytes(b"a film")
    report = FilmReport((described("video", video, "video/mp4", {}),), 1.0, 24, {}, (), (), cost)
    return asyncio.run(store_film(objects, read_payload(small("one")), report, folder, BEGUN))


def test_another_attempt_at_a_job_stores_the_same_objects(tmp_path: Path) -> None:
    objects = ObjectStore((tmp_path / "objects").as_uri())
    first = store(objects, tmp_path, {"cpu_seconds": 1.0, "segments_rendered": 2})
    stored = objects.sizes()

    again = store(objects, tmp_path, {"cpu_seconds": 0.2, "segments_reused": 2})

    assert (again["files"], objects.sizes()) == (first["files"], stored)
    assert again["cost"] == {"cpu_seconds": 0.2, "segments_reused": 2}
