"""Rendered variants: upright, in true colours, free of metadata, and never from a broken picture."""

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

from orchestration.media.identify import identify
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.variants import (
    DEFAULT_VARIANTS,
    RenderedVariant,
    VariantFormat,
    VariantSpec,
    blur_placeholder,
    preview_data_url,
    render_variants,
)
from orchestration_tests.media.pictures import FORMATS, RED, WHITE, decode, encode, marked, plain, scene

if TYPE_CHECKING:
    from collections.abc import Callable

EACH_FORMAT = [VariantSpec(form.value, form, box=400, quality=90) for form in VariantFormat]


def colour(variant: RenderedVariant, x: int = 10, y: int = 10) -> tuple[int, ...]:
    pixel = decode(variant.body).convert("RGBA").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def like(expected: tuple[int, ...], tolerance: int = 6) -> object:
    return pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_every_variant(form: str) -> None:
    variants = render_variants(encode(scene(1000, 500), form))
    assert [(variant.name, variant.width, variant.height) for variant in variants] == [
        ("thumbnail", 400, 200),
        ("webp", 1000, 500),
        ("avif", 1000, 500),
    ]
    for variant in variants:
        facts = identify(variant.body, max_pixels=10**7)
        assert (facts.mime, facts.extension) == (variant.mime, variant.extension)
        assert (facts.width, facts.height) == (variant.width, variant.height) == decode(variant.body).size


def test_a_large_picture_is_brought_within_the_box() -> None:
    variants = render_variants(encode(scene(5000, 2500), "JPEG"))
    assert [(variant.width, variant.height) for variant in variants] == [(400, 200), (2048, 1024), (2048, 1024)]


@pytest.mark.parametrize("size", [(1, 1), (3, 3000), (3000, 1)])
def test_tiny_and_narrow_pictures_keep_at_least_a_pixel(size: tuple[int, int]) -> None:
    for variant in render_variants(encode(plain("RGB", RED, size), "PNG")):
        assert min(variant.width, variant.height) >= 1
        assert colour(variant, 0, 0) == like((*RED, 255))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "top left"), (2, "top right"), (3, "bottom right"), (6, "top right"), (8, "bottom left")],
)
def test_a_rotated_picture_stands_upright(form: str, orientation: int, corner: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    (variant,) = render_variants(encode(marked(), form, exif=exif, quality=95), EACH_FORMAT[:1])
    assert (variant.width, variant.height) == ((40, 60) if orientation > 4 else (60, 40))
    y, x = (5 if side in {"top", "left"} else -6 for side in corner.split())
    assert colour(variant, x % variant.width, y % variant.height) == like((*RED, 255), 12)
    assert colour(variant, -x % variant.width, -y % variant.height) == like((*WHITE, 255), 12)


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
    for variant in render_variants(encode(picture, form), EACH_FORMAT):
        assert colour(variant) == like((*RED, 255))


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_grey_of_8_and_16_bits_stays_grey(mode: str) -> None:
    grey = plain("L", 100) if mode == "L" else Image.fromarray(np.full((48, 64), 100 * 257, dtype=np.uint16))
    for variant in render_variants(encode(grey, "PNG"), EACH_FORMAT):
        assert colour(variant) == like((100, 100, 100, 255))


def sixteen_bit_rgba() -> bytes:
    import pyvips

    pixels = np.full((48, 64, 4), [part * 257 for part in (*RED, 128)], dtype=np.uint16)
    return bytes(pyvips.Image.new_from_array(pixels, interpretation="rgb16").pngsave_buffer())


@pytest.mark.parametrize(
    "data", [encode(plain("RGBA", (*RED, 128)), "PNG"), sixteen_bit_rgba()], ids=["8 bit", "16 bit"]
)
def test_transparency_is_kept_where_it_can_be_and_white_where_it_cannot(data: bytes) -> None:
    jpeg, webp, avif = render_variants(data, EACH_FORMAT)
    assert colour(jpeg) == like((228, 147, 147, 255))
    assert colour(webp) == like((*RED, 128))
    assert colour(avif) == like((*RED, 128))


def test_a_print_picture_comes_out_in_screen_colours() -> None:
    data = encode(plain("CMYK", (0, 200, 200, 20)), "JPEG", quality=95)
    for variant in render_variants(data, EACH_FORMAT):
        red, green, blue, alpha = colour(variant)
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
    for variant in render_variants(encode(plain("RGB", RED), "PNG", icc_profile=profile("p3")), EACH_FORMAT):
        assert colour(variant) == like((*pixel, 255))
        assert "icc_profile" not in decode(variant.body).info


@pytest.mark.parametrize("unfit", [b"no profile" * 20, profile("cmyk")], ids=["garbage", "of another space"])
def test_an_unfit_profile_is_ignored(unfit: bytes) -> None:
    (variant,) = render_variants(encode(plain("RGB", RED), "JPEG", icc_profile=unfit, quality=95), EACH_FORMAT[:1])
    assert colour(variant) == like((*RED, 255))


def test_metadata_is_stripped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    for variant in render_variants(encode(scene(), "JPEG", exif=exif, comment=b"SECRET"), EACH_FORMAT):
        assert b"SECRET" not in variant.body
        assert not decode(variant.body).getexif()


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [plain("RGB", RED), plain("RGB", (0, 0, 255))]
    for form in ("GIF", "WEBP", "PNG"):
        data = encode(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        (variant,) = render_variants(data, EACH_FORMAT[:1])
        assert colour(variant) == like((*RED, 255))


@pytest.mark.parametrize("render", [render_variants, blur_placeholder, preview_data_url])
def test_what_is_no_image_is_refused_before_any_decoder_sees_it(render: Callable[[bytes], object]) -> None:
    with pytest.raises(InvalidImageError) as caught:
        render(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    assert caught.value.code is ImageProblem.SVG


def test_a_picture_above_the_pixel_limit_is_refused() -> None:
    with pytest.raises(InvalidImageError) as caught:
        render_variants(encode(scene(), "PNG"), max_pixels=120 * 80 - 1)
    assert caught.value.code is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(min_value=0.0, max_value=0.99))
def test_a_picture_that_breaks_off_is_refused(form: str, share: float) -> None:
    whole = encode(scene(), form)
    with pytest.raises(InvalidImageError):
        render_variants(whole[: int(len(whole) * share)], EACH_FORMAT[:1])


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_with_sound_headers_and_no_content_is_refused(form: str) -> None:
    whole = encode(scene(), form)
    hollow = whole[: len(whole) // 4] + b"\xff" * (len(whole) // 2) + whole[-(len(whole) // 4) :]
    with pytest.raises(InvalidImageError) as caught:
        render_variants(hollow, EACH_FORMAT[:1])
    assert caught.value.code in {ImageProblem.DAMAGED, ImageProblem.TRUNCATED}


def test_a_picture_whose_rows_end_early_within_sound_chunks_is_refused() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"\0" + bytes(3 * 50)
    header = chunk(b"IHDR", struct.pack(">II", 50, 100) + b"\x08\x02\0\0\0")
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows * 40)) + chunk(b"IEND", b"")
    assert identify(data, max_pixels=10**6).height == 100
    with pytest.raises(InvalidImageError) as caught:
        render_variants(data)
    assert caught.value.code is ImageProblem.DAMAGED


def test_a_placeholder_is_a_small_data_url() -> None:
    url = blur_placeholder(encode(scene(900, 600), "JPEG"))
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
    expected = render_variants(data)
    found: list[list[RenderedVariant]] = []
    threads = [threading.Thread(target=lambda: found.append(render_variants(data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_the_defaults_are_a_thumbnail_and_two_modern_formats() -> None:
    assert [(spec.name, spec.format, spec.box, spec.quality) for spec in DEFAULT_VARIANTS] == [
        ("thumbnail", "jpg", 400, 75),
        ("webp", "webp", 2048, 85),
        ("avif", "avif", 2048, 60),
    ]
