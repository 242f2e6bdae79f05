"""Storing media: once, however often, and never under an id that stands for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.media_gc.uploads import StoredMedium, Upload, store_media
from orchestration.errors import InvalidInputError
from orchestration_tests.canvas.media_gc.scripted import START

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld


def stored(real: RealWorld, media_id: str, body: bytes = b"bytes", extension: str = "png") -> StoredMedium:
    """Store a medium in a transaction of its own."""
    with real.services.database.begin() as connection:
        upload = Upload(media_id, body, extension, url="https://canvas/1", origin="canvas", metadata={"width": 3})
        return store_media(connection, real.services.objects, upload, real.clock())


def test_a_medium_is_stored_once_however_often(real: RealWorld) -> None:
    first, second = stored(real, "m"), stored(real, "m")
    assert (first.is_new, first.is_new_object) == (True, True)
    assert (second.is_new, second.is_new_object, second.storage_path) == (False, False, first.storage_path)
    assert real.services.objects.get(first.storage_path) == b"bytes"
    rows = real.execute("SELECT media_id, url, storage_path, origin, metadata, bytes, created_at FROM canvas_media")
    assert rows == [("m", "https://canvas/1", first.storage_path, "canvas", {"width": 3}, 5, START)]


def test_equal_content_is_one_object_of_two_rows(real: RealWorld) -> None:
    first, second = stored(real, "one"), stored(real, "two")
    assert (second.is_new, second.is_new_object, second.storage_path) == (True, False, first.storage_path)


def test_an_id_stands_for_one_content(real: RealWorld) -> None:
    stored(real, "m")
    with pytest.raises(InvalidInputError, match="m stands for other content already; store this under a new id"):
        stored(real, "m", b"other")
    assert real.media() == {"m"}


@pytest.mark.parametrize("extension", ["", ".png", "../x", "PNG", "muchtoolong"])
def test_an_extension_that_is_none_is_refused(real: RealWorld, extension: str) -> None:
    with pytest.raises(InvalidInputError, match="is no file name extension"):
        stored(real, "m", extension=extension)
    assert real.objects() == {}


def test_a_second_upload_makes_a_medium_young_again_and_lifts_its_mark(real: RealWorld) -> None:
    for number in range(4):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    real.add("old")
    real.collect()
    assert real.marked() == {"old"}
    real.add("old", days_old=0)
    assert real.marked() == set()
    real.clock.turn(days=30)
    assert real.collect().survey.census.candidate_total == 0
    real.clock.turn(days=1)
    assert real.collect().survey.census.candidate_total == 1
