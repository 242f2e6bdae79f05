"""Rendered renditions: upright, in true colours, free of metadata, and never from a broken picture."""

from __future__ import annotations

import base64
import io
import os
import struct
import threading
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from orchestration.media.encodings import (
    BLUR,
    DEFAULT_RENDITIONS,
    EncodedRendition,
    RenditionFormat,
    RenditionSpec,
    data_url,
    encode_renditions,
    preview_data_url,
)
from orchestration.media.identify import identify
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration_tests.media.pictures import FORMATS, RED, WHITE, decode, encode, marked, plain, scene

if TYPE_CHECKING:
    from collections.abc import Callable

EACH_FORMAT = [RenditionSpec(form.value, form, box=400, quality=90) for form in RenditionFormat]


def colour(rendition: EncodedRendition, x: int = 10, y: int = 10) -> tuple[int, ...]:
    pixel = decode(rendition.body).convert("RGBA").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def like(expected: tuple[int, ...], tolerance: int = 6) -> object:
    return pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_every_variant(form: str) -> None:
    renditions = encode_renditions(encode(scene(1000, 500), form))
    assert [(rendition.name, rendition.width, rendition.height) for rendition in renditions] == [
        ("thumbnail", 400, 200),
        ("webp", 1000, 500),
        ("avif", 1000, 500),
    ]
    for rendition in renditions:
        facts = identify(rendition.body, max_pixels=10**7)
        assert (facts.mime, facts.extension) == (rendition.mime, rendition.extension)
        assert (facts.width, facts.height) == (rendition.width, rendition.height) == decode(rendition.body).size


def test_a_large_picture_is_brought_within_the_box() -> None:
    renditions = encode_renditions(encode(scene(5000, 2500), "JPEG"))
    assert [(rendition.width, rendition.height) for rendition in renditions] == [(400, 200), (2048, 1024), (2048, 1024)]


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [(1, 1), (3, 3000), (3000, 1), (60000, 4)])
def test_tiny_and_narrow_pictures_keep_at_least_a_pixel(size: tuple[int, int], form: str) -> None:
    for rendition in encode_renditions(encode(plain("RGB", RED, size), form)):
        assert min(rendition.width, rendition.height) >= 1
        assert colour(rendition, 0, 0) == like((*RED, 255))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "top left"), (2, "top right"), (3, "bottom right"), (6, "top right"), (8, "bottom left")],
)
def test_a_rotated_picture_stands_upright(form: str, orientation: int, corner: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    (rendition,) = encode_renditions(encode(marked(), form, exif=exif, quality=95), EACH_FORMAT[:1])
    assert (rendition.width, rendition.height) == ((40, 60) if orientation > 4 else (60, 40))
    y, x = (5 if side in {"top", "left"} else -6 for side in corner.split())
    assert colour(rendition, x % rendition.width, y % rendition.height) == like((*RED, 255), 12)
    assert colour(rendition, -x % rendition.width, -y % rendition.height) == like((*WHITE, 255), 12)


@pytest.mark.parametrize(
    ("picture", "form"),
    [
        (plain("RGB", RED), "JPEG"),
        (plain("RGB", RED), "AVIF"),
        (plain("RGB", RED), "WEBP"),
        (plain("RGBA", (*RED, 255)), "PNG"),
        (plain("RGB", RED).quantize(4), "PNG"),
        (plain("RGB", RED).quantize(4), "GIF"),
    ],
)
def test_colours_survive(picture: Image.Image, form: str) -> None:
    for rendition in encode_renditions(encode(picture, form), EACH_FORMAT):
        assert colour(rendition) == like((*RED, 255))


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_grey_of_8_and_16_bits_stays_grey(mode: str) -> None:
    grey = plain("L", 100) if mode == "L" else Image.fromarray(np.full((48, 64), 100 * 257, dtype=np.uint16))
    for rendition in encode_renditions(encode(grey, "PNG"), EACH_FORMAT):
        assert colour(rendition) == like((100, 100, 100, 255))


def sixteen_bit_rgba() -> bytes:
    import pyvips

    pixels = np.full((48, 64, 4), [part * 257 for part in (*RED, 128)], dtype=np.uint16)
    return bytes(pyvips.Image.new_from_array(pixels, interpretation="rgb16").pngsave_buffer())


@pytest.mark.parametrize(
    "data", [encode(plain("RGBA", (*RED, 128)), "PNG"), sixteen_bit_rgba()], ids=["8 bit", "16 bit"]
)
def test_transparency_is_kept_where_it_can_be_and_white_where_it_cannot(data: bytes) -> None:
    jpeg, webp, avif = encode_renditions(data, EACH_FORMAT)
    assert colour(jpeg) == like((228, 147, 147, 255))
    assert colour(webp) == like((*RED, 128))
    assert colour(avif) == like((*RED, 128))


def test_a_print_picture_comes_out_in_screen_colours() -> None:
    data = encode(plain("CMYK", (0, 200, 200, 20)), "JPEG", quality=95)
    for rendition in encode_renditions(data, EACH_FORMAT):
        red, green, blue, alpha = colour(rendition)
        assert red > 180
        assert max(green, blue) < 100
        assert alpha == 255


def profile(name: str) -> bytes:
    """One of libvips' own profiles."""
    import pyvips

    image = pyvips.Image.black(8, 8, bands=3).colourspace("lab").icc_export(output_profile=name)
    return bytes(image.get("icc-profile-data"))


def test_an_embedded_profile_is_applied_and_dropped() -> None:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile("p3")))
    expected = ImageCms.profileToProfile(plain("RGB", RED), wide, ImageCms.createProfile("sRGB"))
    assert expected is not None
    pixel = expected.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    for rendition in encode_renditions(encode(plain("RGB", RED), "PNG", icc_profile=profile("p3")), EACH_FORMAT):
        assert colour(rendition) == like((*pixel, 255))
        assert "icc_profile" not in decode(rendition.body).info


@pytest.mark.parametrize("unfit", [b"no profile" * 20, profile("cmyk")], ids=["garbage", "of another space"])
def test_an_unfit_profile_is_ignored(unfit: bytes) -> None:
    (rendition,) = encode_renditions(encode(plain("RGB", RED), "JPEG", icc_profile=unfit, quality=95), EACH_FORMAT[:1])
    assert colour(rendition) == like((*RED, 255))


def test_metadata_is_stripped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    for rendition in encode_renditions(encode(scene(), "JPEG", exif=exif, comment=b"SECRET"), EACH_FORMAT):
        assert b"SECRET" not in rendition.body
        assert not decode(rendition.body).getexif()


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [plain("RGB", RED), plain("RGB", (0, 0, 255))]
    for form in ("GIF", "WEBP", "PNG"):
        data = encode(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        (rendition,) = encode_renditions(data, EACH_FORMAT[:1])
        assert colour(rendition) == like((*RED, 255))


@pytest.mark.parametrize("render", [encode_renditions, preview_data_url])
def test_what_is_no_image_is_refused_before_any_decoder_sees_it(render: Callable[[bytes], object]) -> None:
    with pytest.raises(InvalidImageError) as caught:
        render(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    assert caught.value.code is ImageProblem.SVG


def test_a_picture_above_the_pixel_limit_is_refused() -> None:
    with pytest.raises(InvalidImageError) as caught:
        encode_renditions(encode(scene(), "PNG"), max_pixels=120 * 80 - 1)
    assert caught.value.code is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(min_value=0.0, max_value=0.99))
def test_a_picture_that_breaks_off_is_refused(form: str, share: float) -> None:
    whole = encode(scene(), form)
    with pytest.raises(InvalidImageError):
        encode_renditions(whole[: int(len(whole) * share)], EACH_FORMAT[:1])


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_with_sound_headers_and_no_content_is_refused(form: str) -> None:
    whole = encode(scene(), form)
    hollow = whole[: len(whole) // 4] + b"\xff" * (len(whole) // 2) + whole[-(len(whole) // 4) :]
    with pytest.raises(InvalidImageError) as caught:
        encode_renditions(hollow, EACH_FORMAT[:1])
    assert caught.value.code in {ImageProblem.DAMAGED, ImageProblem.TRUNCATED}


def test_a_picture_whose_rows_end_early_within_sound_chunks_is_refused() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"\0" + bytes(3 * 50)
    header = chunk(b"IHDR", struct.pack(">II", 50, 100) + b"\x08\x02\0\0\0")
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows * 40)) + chunk(b"IEND", b"")
    assert identify(data, max_pixels=10**6).height == 100
    with pytest.raises(InvalidImageError) as caught:
        encode_renditions(data)
    assert caught.value.code is ImageProblem.DAMAGED


def test_a_placeholder_is_a_small_data_url() -> None:
    url = data_url(*encode_renditions(encode(scene(900, 600), "JPEG"), (BLUR,)))
    picture = from_data_url(url)
    assert picture.size == (20, 13)
    assert len(url) < 1000


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_preview_stays_below_6_kb_even_of_noise(mode: str) -> None:
    noise = Image.frombytes(mode, (300, 300), os.urandom(300 * 300 * len(mode)))
    url = preview_data_url(encode(noise, "PNG"))
    assert len(url) < 6000
    assert max(from_data_url(url).size) <= 160


def test_a_preview_of_a_picture_has_the_size_asked_for() -> None:
    assert from_data_url(preview_data_url(encode(scene(900, 600), "JPEG"))).size == (160, 107)
    assert from_data_url(preview_data_url(encode(scene(900, 600), "JPEG"), size=90)).size == (90, 60)


def from_data_url(url: str) -> Image.Image:
    head, body = url.split(",", 1)
    assert head == "data:image/webp;base64"
    return decode(base64.b64decode(body))


def test_pictures_may_be_rendered_in_several_threads() -> None:
    data = encode(scene(300, 200), "JPEG")
    expected = encode_renditions(data)
    found: list[list[EncodedRendition]] = []
    threads = [threading.Thread(target=lambda: found.append(encode_renditions(data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_the_defaults_are_a_thumbnail_and_two_modern_formats() -> None:
    assert [(spec.name, spec.format, spec.box, spec.quality) for spec in DEFAULT_RENDITIONS] == [
        ("thumbnail", "jpg", 400, 75),
        ("webp", "webp", 2048, 85),
        ("avif", "avif", 2048, 60),
    ]
