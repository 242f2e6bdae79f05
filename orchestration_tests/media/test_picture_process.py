"""A picture that takes too long or too much memory fails alone, and the next one goes on."""

from __future__ import annotations

import io
import os
import signal

import pytest
from PIL import Image

from orchestration.media.encodings import BLUR, data_url, encode_renditions
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.picture_process import PictureLimits, PictureProcess, picture_limits
from orchestration.rendering.errors import KilledError
from orchestration.runtime.metadata import Pictures
from orchestration.settings import Settings
from orchestration.storage.objects import ObjectStore


def png(width: int = 60, height: int = 40, **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(out, "PNG", **options)
    return out.getvalue()


async def test_renditions_and_blur_are_those_of_a_picture_in_this_process() -> None:
    body = png()
    with PictureProcess(PictureLimits()) as process:
        rendered = await process.render(body, "a.png")
    assert rendered.renditions == encode_renditions(body)
    assert rendered.blur.startswith("data:image/webp;base64,")
    assert rendered.blur == data_url(*encode_renditions(body, (BLUR,)))


async def test_a_picture_that_takes_too_long_is_killed_and_the_next_one_goes_on() -> None:
    with PictureProcess(PictureLimits(seconds=0.05)) as process:
        with pytest.raises(InvalidImageError, match=r"slow\.png: the image took longer than 0\.05 s") as refused:
            await process.render(png(1_000, 1_000), "slow.png")
        assert refused.value.code is ImageProblem.TOO_SLOW
        process._limits = PictureLimits()
        assert len((await process.render(png(), "next.png")).renditions) == 3


async def test_a_picture_that_takes_too_much_memory_fails_alone() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4_000, 4_000)).save(out, "AVIF", quality=10, speed=10)
    with PictureProcess(PictureLimits(memory_bytes=40 * 2**20)) as process:
        with pytest.raises((InvalidImageError, KilledError)):
            await process.render(out.getvalue(), "vast.avif")
        assert len((await process.render(png(), "next.png")).renditions) == 3


async def test_the_largest_picture_that_is_rendered_is_the_largest_that_is_taken_in() -> None:
    limits = picture_limits(Settings(max_image_pixels=60 * 40))
    with PictureProcess(limits) as process:
        assert (await process.render(png(60, 40), "fits.png")).renditions
        with pytest.raises(InvalidImageError, match="above the limit of 2400") as refused:
            await process.render(png(61, 40), "large.png")
    assert refused.value.code is ImageProblem.TOO_MANY_PIXELS


async def test_a_process_that_dies_takes_only_its_picture_along() -> None:
    with PictureProcess(PictureLimits()) as process:
        with pytest.raises(KilledError, match=r"a\.png"):
            await process._pool.run(_die, item="a.png", seconds=10)
        assert len((await process.render(png(), "next.png")).renditions) == 3


async def test_small_pictures_for_the_ui_are_drawn_in_the_process_also_while_a_loop_runs() -> None:
    """Markdown for the first, nothing for a slow one, and the next is drawn again."""
    objects = ObjectStore("memory:///")
    for key, body in (("a.png", png()), ("slow.png", png(5_000, 4_000, compress_level=1))):
        await objects.put_once(key, body, mime="image/png")
    with PictureProcess(PictureLimits()) as process:
        pictures = Pictures(objects, process)
        assert pictures.of("a.png", "a") == Pictures(objects).of("a.png", "a")
        process._limits = PictureLimits(seconds=0.01)
        assert pictures.of("slow.png", "slow") is None
        process._limits = PictureLimits()
        assert pictures.of("a.png", "again") is not None


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
