"""Canvas media for tests, benchmarks and the sample system: small pictures, most in use, some long forgotten.

Which media there are, how old they are and which share an object. Keep out: the projects that show them
(`projects`), whose ids of media are these.

A seed gives the same media on every machine, apart from the day that their ages are counted from.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.demo.projects import MEDIA_PER_PROJECT, media_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.services import Services

SAMPLE_MEDIA = 200
PIXELS = 64
# One medium in so many is older than any TTL, and one in so many was uploaded a second time under another id.
OLD_EVERY = 8
SHARED_EVERY = 10

_ORIGINS = ("upload", "upload", "canvas", "wildmind")


class LoadedMedia(NamedTuple):
    """How much was loaded; objects and bytes are of the store."""

    media: int
    objects: int
    bytes: int
    old: int


class _Sample(NamedTuple):
    upload: Upload
    age: timedelta


def load_media(services: Services, count: int, seed: int) -> LoadedMedia:
    """Store `count` media with their objects. A second time stores nothing more."""
    now = datetime.now(UTC)
    objects = size = old = 0
    for sample in _samples(count, seed):
        with services.database.begin() as connection:
            stored = store_media(connection, services.objects, sample.upload, now - sample.age)
        if stored.is_new_object:
            objects += 1
            size += len(sample.upload.body)
        old += sample.age > timedelta(days=30)
    return LoadedMedia(count, objects, size, old)


def _samples(count: int, seed: int) -> Iterator[_Sample]:
    for number in range(count):
        random = Random(f"media-{seed}-{number}")  # noqa: S311 - a sample, not a secret
        # The last of each ten is the one before it over again.
        shown = number - 1 if number % SHARED_EVERY == SHARED_EVERY - 1 else number
        is_old = number % OLD_EVERY == 0
        age = timedelta(hours=random.uniform(40 * 24, 200 * 24) if is_old else random.uniform(1, 20 * 24))
        upload = Upload(
            media_id(seed, number),
            _picture(Random(f"picture-{seed}-{shown}")),  # noqa: S311 - as above
            "png",
            mime="image/png",
            url=f"{_HOST}/{media_id(seed, number)}",
            origin=random.choice(_ORIGINS),
            project_id=f"p-{seed}-{number // MEDIA_PER_PROJECT}",
            metadata={"width": PIXELS, "height": PIXELS, "format": "png"},
        )
        yield _Sample(upload, age)


_HOST = "https://media.canvas.example"


def _picture(random: Random) -> bytes:
    """A few overlapping discs on a plain ground."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (PIXELS, PIXELS), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.randint(3, 6)):
        radius = random.randint(6, 26)
        draw.circle((random.randrange(PIXELS), random.randrange(PIXELS)), radius, fill=_colour(random))
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _colour(random: Random) -> tuple[int, int, int]:
    return random.randrange(256), random.randrange(256), random.randrange(256)
