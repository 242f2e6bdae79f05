"""Designs from strangers: right, or refused in one line with the code that programs know."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from orchestration.errors import RefusedError
from orchestration.media.download import Downloader
from orchestration.media.rules import HostRules
from orchestration.mockups.designs.design import check_design, design_from_bytes, fetch_design, read_design
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration_tests.media.pictures import encode
from orchestration_tests.mockups.designs.made import RED, filled, png_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEN_MIB = 10 * 2**20


def png_that_announces(width: int, height: int) -> bytes:
    """A small PNG whose header is as large as it likes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def corrupted() -> bytes:
    body = bytearray(png_file(np.random.default_rng(3).integers(0, 255, (60, 60, 4), dtype=np.uint8)))
    body[len(body) // 2 : len(body) // 2 + 40] = bytes(40)
    return bytes(body)


def animated(form: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), (10 * number, 0, 0)) for number in range(3)]
    return encode(frames[0], form, save_all=True, append_images=frames[1:])


def too_heavy() -> bytes:
    return png_file(filled(RED)) + bytes(TEN_MIB)


REFUSED: dict[str, tuple[Callable[[], bytes], RefusalCode]] = {
    "nothing": (lambda: b"", RefusalCode.FILE_UPLOAD_ERROR),
    "corrupted": (corrupted, RefusalCode.FILE_UPLOAD_ERROR),
    "truncated": (lambda: png_file(filled(RED, (300, 300)))[:-40], RefusalCode.FILE_UPLOAD_ERROR),
    "seven bytes": (lambda: b"\x89PNG\r\n\x1a", RefusalCode.INVALID_FILE_TYPE),
    "more than 10 MiB": (too_heavy, RefusalCode.FILE_TOO_LARGE),
    "30,000 x 30,000": (lambda: png_that_announces(30_000, 30_000), RefusalCode.FILE_TOO_LARGE),
    "8,193 wide": (lambda: png_that_announces(8_193, 10), RefusalCode.FILE_TOO_LARGE),
    "CMYK without a profile": (lambda: encode(Image.new("CMYK", (40, 40)), "JPEG"), RefusalCode.INVALID_FILE_TYPE),
    "animated PNG": (lambda: animated("PNG"), RefusalCode.INVALID_FILE_TYPE),
    "animated WebP": (lambda: animated("WEBP"), RefusalCode.INVALID_FILE_TYPE),
    "GIF": (lambda: encode(Image.new("P", (40, 40)), "GIF"), RefusalCode.INVALID_FILE_TYPE),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', RefusalCode.INVALID_FILE_TYPE),
    "HTML": (lambda: b"<!doctype html><title>Not found</title>", RefusalCode.INVALID_FILE_TYPE),
    "TIFF": (lambda: encode(Image.new("RGB", (8, 8)), "TIFF"), RefusalCode.INVALID_FILE_TYPE),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_design_is_refused_in_one_line_with_its_code(name: str) -> None:
    make, code = REFUSED[name]
    with pytest.raises(MockupRefusedError) as caught:
        design_from_bytes("shirt.png", make())
    assert caught.value.code is code
    message = str(caught.value)
    assert message.startswith("shirt.png: ")
    assert "\n" not in message
    assert message.endswith(caught.value.remedy)


def test_a_picture_of_900_megapixels_takes_no_memory() -> None:
    body = png_that_announces(30_000, 30_000)
    tracemalloc.start()
    with pytest.raises(MockupRefusedError):
        design_from_bytes("huge.png", body)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["more than 10 MiB", "30,000 x 30,000", "animated PNG", "SVG", "HTML", "truncated"])
def test_the_header_is_enough_to_refuse_most(name: str) -> None:
    make, code = REFUSED[name]
    with pytest.raises(MockupRefusedError) as caught:
        check_design("shirt.png", make())
    assert caught.value.code is code


def test_the_header_tells_format_and_size() -> None:
    facts = check_design("logo", png_file(filled(RED, (60, 40))))
    assert facts[:4] == ("image/png", "png", 60, 40)


def sixteen_bit() -> bytes:
    import pyvips

    pixels = np.full((40, 60, 3), (200 * 257, 30 * 257, 40 * 257), np.uint16)
    return bytes(pyvips.Image.new_from_array(pixels, interpretation="rgb16").pngsave_buffer())


def upside_down() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(Image.new("RGB", (40, 60), RED[:3]), "JPEG", exif=exif, quality=98)


def palette() -> bytes:
    return encode(Image.new("RGB", (60, 40), RED[:3]).quantize(4), "PNG")


def with_a_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encode(Image.new("RGB", (60, 40), RED[:3]), "PNG", icc_profile=profile)


@pytest.mark.parametrize("make", [sixteen_bit, upside_down, palette, with_a_profile])
def test_unusual_pictures_come_out_upright_in_srgb(make: Callable[[], bytes]) -> None:
    taken = design_from_bytes("odd", make())
    assert taken.size == (60, 40)
    assert np.abs(taken.pixels[20, 30].astype(int) - RED).max() <= 3
    assert not taken.has_alpha


def test_grey_becomes_colour_and_one_pixel_is_a_design() -> None:
    grey = design_from_bytes("grey", encode(Image.new("L", (5, 5), 90), "PNG"))
    assert tuple(grey.pixels[2, 2]) == (90, 90, 90, 255)
    assert design_from_bytes("dot", png_file(filled(RED, (1, 1)))).size == (1, 1)


def test_alpha_is_kept_straight() -> None:
    taken = design_from_bytes("ghost", encode(Image.new("RGBA", (4, 4), (200, 30, 40, 7)), "WEBP", lossless=True))
    assert taken.has_alpha
    assert tuple(taken.pixels[0, 0]) == (200, 30, 40, 7)


def test_files_that_are_not_there_or_too_heavy_are_refused_unread(tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.png"
    with heavy.open("wb") as file:
        file.truncate(TEN_MIB + 1)
    for path, code in (
        (tmp_path / "none.png", RefusalCode.MISSING_FILE),
        (tmp_path, RefusalCode.FILE_READ_ERROR),
        (heavy, RefusalCode.FILE_TOO_LARGE),
    ):
        with pytest.raises(MockupRefusedError) as caught:
            read_design(path)
        assert caught.value.code is code


async def test_a_url_of_a_host_that_nobody_allowed_is_refused() -> None:
    async with Downloader(HostRules.for_hosts(("cdn.example.com",), "ORCHESTRATION_MOCKUP_HOSTS")) as downloader:
        for url in ("http://127.0.0.1/logo.png", "https://example.org/logo.png", "file:///etc/passwd"):
            with pytest.raises(RefusedError):
                await fetch_design(downloader, url)
