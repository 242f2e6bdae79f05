"""Mockups for the sample system: designs on the sample supplier's shirts, one of them hardly seen and one broken.

Which mockups there are, and their designs. Keep out: submitting and rendering (`cli.samples`).
"""

from __future__ import annotations

import io
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.tables import product_variant
from orchestration.mockups.jobs.model import JobOptions
from orchestration.mockups.jobs.submission import FurtherPrint, Submission
from orchestration.mockups.mockup_request import DesignFile, RenderMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

MENS, WOMENS = "A461-2130001", "A461-2130002"
RENDERED, FAILED = 6, 1
"""How many of the sample mockups are rendered, and how many cannot be."""

_PIXELS: Final = 1200
# A turn of a second and a half, small enough for a sample.
_TURN: Final = JobOptions(turntable_size=480, frames=36)
_IMAGES: Final = JobOptions(mode=RenderMode.IMAGES_ONLY)
_SUBMITTED: Final = sa.text("SELECT count(*) FROM render_job WHERE metadata ->> 'sample' IS NOT NULL")


class _Shirt(NamedTuple):
    """A variant that a mockup shows."""

    product: str
    sku: str


def sample_mockups(connection: sa.Connection) -> Iterator[Submission]:
    """The mockups to submit, for the variants that the catalogue has, without those that were submitted before."""
    submitted = connection.execute(_SUBMITTED).scalar_one()
    yield from islice(_mockups(connection), submitted, None)


def _mockups(connection: sa.Connection) -> Iterator[Submission]:
    sunrise, waves = DesignFile("sunrise.png", _sunrise()), DesignFile("waves.png", _waves())
    men, women = list(_shirts(connection, MENS)), list(_shirts(connection, WOMENS))
    yield _on(men[1], "chest-large", sunrise, _TURN)
    yield _on(men[0], "chest-medium", waves, _IMAGES, further=(FurtherPrint("back-large", sunrise),))
    yield _on(men[2], "back-large", waves, _IMAGES)
    yield _on(women[0], "chest-small", sunrise, _IMAGES, template_id="womens-tshirt")
    yield _on(women[1], "chest-medium", None, JobOptions(mode=RenderMode.IMAGES_ONLY, text="Anna"))
    # White ink on a white shirt: the checks say that nobody will see it.
    yield _on(men[0], "chest-medium", None, JobOptions(mode=RenderMode.IMAGES_ONLY, text="Ben", text_colour="white"))
    # The header is that of a picture, and its half is missing.
    yield _on(men[3], "chest-small", DesignFile("half.png", _half_broken(waves.body)), _IMAGES)


def _on(
    shirt: _Shirt,
    preset: str,
    design: DesignFile | None,
    options: JobOptions,
    *,
    template_id: str | None = None,
    further: tuple[FurtherPrint, ...] = (),
) -> Submission:
    return Submission(
        shirt.product, preset, variant_id=shirt.sku, design=design, template_id=template_id, options=options,
        further=further, metadata={"sample": True},
    )  # fmt: skip


def _shirts(connection: sa.Connection, product: str) -> Iterator[_Shirt]:
    """A variant of each colour."""
    query = (
        sa.select(product_variant.c.hex_color, sa.func.min(product_variant.c.sku))
        .where(product_variant.c.a_number == product, product_variant.c.hex_color.is_not(None))
        .group_by(product_variant.c.hex_color)
        .order_by(sa.func.min(product_variant.c.position))
    )
    for _, sku in connection.execute(query):
        yield _Shirt(product, sku)


def _sunrise() -> bytes:
    """A sun behind stripes, with nothing around it."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGBA", (_PIXELS, _PIXELS))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((100, 100, 1100, 1100), fill=(244, 162, 60, 255))
    for number in range(6):
        top = 560 + 95 * number
        draw.rectangle((0, top, _PIXELS, top + 18 + 9 * number), fill=(0, 0, 0, 0))
    draw.polygon([(600, 260), (880, 760), (320, 760)], fill=(38, 70, 83, 255))
    draw.polygon([(600, 260), (690, 420), (510, 420)], fill=(250, 250, 245, 255))
    return _png(picture)


def _waves() -> bytes:
    """Three waves in three colours."""
    import math

    from PIL import Image, ImageDraw

    picture = Image.new("RGBA", (1600, 800))
    draw = ImageDraw.Draw(picture)
    for number, colour in enumerate([(42, 157, 143, 255), (233, 196, 106, 255), (231, 111, 81, 255)]):
        middle = 200 + 200 * number
        line = [(x, middle + 90 * math.sin(x / 130 + number)) for x in range(40, 1561, 8)]
        draw.line(line, fill=colour, width=70, joint="curve")
    return _png(picture)


def _half_broken(body: bytes) -> bytes:
    """The picture with its compressed pixels overwritten, and everything around them in its place."""
    start, end = body.index(b"IDAT") + 4, body.rindex(b"IEND") - 8
    middle = (start + end) // 2
    return body[:middle] + bytes(end - middle) + body[end:]


def _png(picture: Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
