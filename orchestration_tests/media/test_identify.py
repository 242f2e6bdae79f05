"""What bytes are, told without decoding them."""

from __future__ import annotations

import functools
import hashlib
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orchestration.media.identify import content_hash, identify, read_header
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import ImageFacts, ImageHeader, IntakeRules, check_header
from orchestration_tests.media.pictures import FORMATS, decode, encode, plain, scene

LIMIT = 80_000_000
MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp", "AVIF": "image/avif"}


@functools.cache
def sample(form: str) -> bytes:
    """One scene in a format, with what makes its container interesting."""
    options: dict[str, dict[str, object]] = {
        "JPEG": {"exif": with_embedded_preview(), "progressive": True},
        "WEBP": {"exif": Image.Exif().tobytes()},
    }
    return encode(scene(), form, **options.get(form, {}))


def with_embedded_preview() -> bytes:
    return b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + encode(scene(32, 20), "JPEG")


def problem(data: bytes, max_pixels: int = LIMIT) -> ImageProblem:
    with pytest.raises(InvalidImageError) as caught:
        identify(data, max_pixels=max_pixels)
    return caught.value.code


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_told_by_its_bytes_with_its_size(form: str) -> None:
    facts = identify(sample(form), max_pixels=LIMIT)
    assert (facts.mime, facts.width, facts.height) == (MIMES[form], 120, 80)
    assert facts.extension == {"JPEG": "jpg"}.get(form, form.lower())


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (16, 1), (255, 257), (1000, 3)])
@pytest.mark.parametrize(
    ("form", "options"),
    [(form, {}) for form in FORMATS] + [("WEBP", {"lossless": True}), ("JPEG", {"progressive": True})],
)
def test_the_size_is_the_one_that_a_decoder_finds(form: str, options: dict[str, object], size: tuple[int, int]) -> None:
    data = encode(scene(*size), form, **options)
    facts = identify(data, max_pixels=LIMIT)
    assert (facts.width, facts.height) == decode(data).size == size


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "I;16"])
def test_a_png_of_any_depth_is_identified(mode: str) -> None:
    assert identify(encode(plain(mode, 0), "PNG"), max_pixels=LIMIT).mime == "image/png"


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_an_image_that_breaks_off_anywhere_is_refused(form: str, data: st.DataObject) -> None:
    whole = sample(form)
    # A GIF's last byte says nothing but that it is the last: browsers show a picture without it.
    last = len(whole) - (2 if form == "GIF" else 1)
    cut = data.draw(st.integers(min_value=12, max_value=last))
    assert problem(whole[:cut]) in {ImageProblem.TRUNCATED, ImageProblem.UNKNOWN, ImageProblem.NO_SIZE}


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "GIF"])
def test_an_image_without_its_last_byte_is_truncated(form: str) -> None:
    assert problem(sample(form)[:-1]) is ImageProblem.TRUNCATED


@pytest.mark.parametrize("ending", [b"", b"\0;", b"\0", b"\0\0\0;", b"\0\x21\xfe\0;"])
def test_a_gif_is_whole_without_its_trailer_and_with_zeros_before_it(ending: bytes) -> None:
    assert identify(sample("GIF")[:-1] + ending, max_pixels=LIMIT)[2:] == (120, 80)


def test_a_gif_that_ends_before_its_first_frame_is_truncated() -> None:
    assert problem(b"GIF89a" + struct.pack("<HH", 5, 5) + bytes(3)) is ImageProblem.TRUNCATED


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("padding", [b"\0" * 100, b"\xff", b"\r\n", b"trailing words"])
def test_what_follows_the_end_is_no_harm(form: str, padding: bytes) -> None:
    assert identify(sample(form) + padding, max_pixels=LIMIT).width == 120


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for head in (
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"GIF89a",
        b"RIFF\x20\0\0\0WEBPVP8 ",
        b"\0\0\0\x10ftypavif",
    ):
        try:
            facts = identify(head + data, max_pixels=LIMIT)
        except InvalidImageError:
            continue
        assert 0 < facts.width * facts.height <= LIMIT


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_no_damage_breaks_it(form: str, data: st.DataObject) -> None:
    damaged = bytearray(sample(form))
    reach = min(len(damaged), 400) - 1
    for _ in range(data.draw(st.integers(min_value=1, max_value=5))):
        damaged[data.draw(st.integers(min_value=0, max_value=reach))] = data.draw(st.integers(0, 255))
    assert is_judged(bytes(damaged))


def is_judged(data: bytes) -> bool:
    """Tell whether the bytes are either refused properly or given a size within the limit."""
    try:
        facts = identify(data, max_pixels=LIMIT)
    except InvalidImageError:
        return True
    return 0 < facts.width * facts.height <= LIMIT


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ImageProblem.EMPTY),
        (b"<!DOCTYPE html><html><svg></svg></html>", ImageProblem.HTML),
        (b"\xef\xbb\xbf\r\n <HTML lang=de>", ImageProblem.HTML),
        (b"<h1>404</h1>", ImageProblem.HTML),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ImageProblem.SVG),
        (b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg width='1'>", ImageProblem.SVG),
        (b'{"error": "not found"}', ImageProblem.JSON),
        (b" [1, 2]", ImageProblem.JSON),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", ImageProblem.UNKNOWN),
        (b"%PDF-1.7 " + b"x" * 100, ImageProblem.UNSUPPORTED),
        (b"BM" + b"\0" * 100, ImageProblem.UNSUPPORTED),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\0" * 100, ImageProblem.UNSUPPORTED),
        (b"\0" * 100, ImageProblem.UNKNOWN),
        (b"\xff\xd8", ImageProblem.UNKNOWN),
    ],
)
def test_what_is_no_image_is_told_apart(data: bytes, expected: ImageProblem) -> None:
    assert problem(data) is expected


def png_header(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    body = struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    parts = [(b"IHDR", body), *chunks, (b"IDAT", b"\0"), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + bytes(4) for kind, data in parts
    )


def jpeg_header(width: int, height: int) -> bytes:
    return (
        b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + bytes(9) + b"\xff\xda\0\2\xff\xd9"
    )


BOMBS = {
    "png": png_header(2**31 - 1, 2**31 - 1),
    "jpeg": jpeg_header(65535, 65535),
    "gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0;",
    "gif frame": b"GIF89a\1\0\1\0\0\0\0\x2c" + struct.pack("<HHHH", 0, 0, 65535, 65535) + b"\0\2\0;",
    "webp": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2,
    "avif": sample("AVIF").replace(struct.pack(">II", 120, 80), struct.pack(">II", 60000, 60000)),
    "many frames": png_header(9000, 9000, (b"acTL", struct.pack(">II", 1000, 0))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_header_that_announces_too_many_pixels_is_refused(name: str) -> None:
    assert problem(BOMBS[name]) is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_only_the_frame_that_is_decoded_counts(form: str) -> None:
    frames = [scene().rotate(angle) for angle in range(0, 100, 10)]
    data = encode(frames[0], form, save_all=True, append_images=frames[1:])
    assert read_header(data).frames == 10
    assert identify(data, max_pixels=120 * 80).width == 120
    assert problem(data, max_pixels=120 * 80 - 1) is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(100), "HEIC"),
        (encode(scene(), "TIFF"), "TIFF"),
        (encode(scene(), "BMP"), "BMP"),
    ],
)
def test_a_format_that_is_not_taken_is_named_with_the_remedy(data: bytes, name: str) -> None:
    with pytest.raises(InvalidImageError, match=f"the file is {name}, which is not taken; send JPEG or PNG"):
        identify(data, max_pixels=LIMIT)


def test_the_pixels_of_an_avif_count_twice_for_the_memory_they_take() -> None:
    assert identify(sample("AVIF"), max_pixels=2 * 120 * 80).width == 120
    assert problem(sample("AVIF"), max_pixels=2 * 120 * 80 - 1) is ImageProblem.TOO_MANY_PIXELS


def test_the_scans_of_a_jpeg_are_counted_and_limited() -> None:
    assert read_header(encode(scene(), "JPEG")).scans == 1
    progressive = sample("JPEG")
    scans = read_header(progressive).scans
    assert scans == decode_scans(progressive) > 5
    last = progressive[progressive.rindex(b"\xff\xda") : -2]
    assert read_header(progressive[:-2] + last * 20 + progressive[-2:]).scans == scans + 20
    assert problem(progressive[:-2] + last * 200 + progressive[-2:]) is ImageProblem.TOO_MANY_SCANS


def test_the_scans_of_a_large_jpeg_are_limited_by_what_they_draw_together() -> None:
    facts = ImageFacts("image/jpeg", "jpg", 8000, 7500)
    check_header(ImageHeader(facts, 1, 10), IntakeRules())
    with pytest.raises(InvalidImageError, match="draws 8000 x 7500 pixels in 11 scans, above the limit of 600000000"):
        check_header(ImageHeader(facts, 1, 11), IntakeRules())


def decode_scans(data: bytes) -> int:
    """The scans by their marker, which this picture's bytes hold nowhere else behind the frame header."""
    return data[data.index(b"\xff\xc2") :].count(b"\xff\xda")


def test_scans_of_what_follows_a_jpeg_do_not_count() -> None:
    data = sample("JPEG")
    assert read_header(data + data * 50).scans == read_header(data).scans


def test_a_segment_that_looks_like_scans_is_none() -> None:
    data = sample("JPEG")
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 400) + b"\xff\xda" * 200
    assert read_header(data[:2] + comment + data[2:]).scans == read_header(data).scans


@pytest.mark.parametrize("data", [png_header(0, 5), jpeg_header(5, 0), b"GIF89a" + bytes(7) + b";"])
def test_an_image_of_no_size_is_refused(data: bytes) -> None:
    assert problem(data) is ImageProblem.NO_SIZE


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff" + b"\xff" * 5_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 1_000_000,
        png_header(1, 1, *[(b"junk", b"")] * 500_000),
        b"GIF89a\1\0\1\0\0\0\0\x2c" + bytes(10) + b"\1a" * 2_000_000,
        b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * 1_500_000,
        b"RIFF\0\0\x30\0WEBP" + b"junk\0\0\0\0" * 500_000,
        b"\0\0\0\x10ftypavifavif" + b"\0\0\0\x08free" * 500_000,
    ],
    ids=["jpeg fill", "jpeg segments", "png", "gif data", "gif blocks", "webp", "avif"],
)
def test_a_file_built_to_be_slow_to_walk_is_given_up(data: bytes) -> None:
    started = time.process_time()
    problem(data)
    assert time.process_time() - started < 2


def test_an_animated_avif_has_the_size_of_its_frames() -> None:
    data = encode(scene(), "AVIF", save_all=True, append_images=[scene().rotate(90)])
    assert identify(data, max_pixels=LIMIT)[2:] == (120, 80)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def avif_of_sizes(*sizes: tuple[int, int], picture: bytes = box(b"mdat", b"picture")) -> bytes:
    properties = b"".join(box(b"ispe", bytes(4) + struct.pack(">II", *size)) for size in sizes)
    meta = box(b"meta", bytes(4) + box(b"pitm", bytes(6)) + box(b"iprp", box(b"ipco", properties)))
    return box(b"ftyp", b"mif1\0\0\0\0mif1avif") + meta + picture


def test_an_avif_of_tiles_has_the_size_of_the_whole() -> None:
    data = avif_of_sizes((512, 512), (4000, 3000), (512, 512))
    assert identify(data, max_pixels=LIMIT)[2:] == (4000, 3000)


def test_an_avif_that_ends_between_its_boxes_is_truncated() -> None:
    assert problem(avif_of_sizes((5, 5), picture=b"")) is ImageProblem.TRUNCATED
    assert problem(sample("AVIF")[: sample("AVIF").index(b"mdat") - 4]) is ImageProblem.TRUNCATED


def test_an_avif_without_a_size_is_refused() -> None:
    assert problem(avif_of_sizes()) is ImageProblem.NO_SIZE


def test_an_avif_may_use_long_and_open_ended_boxes() -> None:
    long = struct.pack(">I4sQ", 1, b"free", 16)
    data = avif_of_sizes((7, 5), picture=long + b"\0\0\0\0mdatto the end of the file")
    assert identify(data, max_pixels=LIMIT)[2:] == (7, 5)


def test_the_content_hash_is_sha256_in_hex() -> None:
    assert content_hash(b"abc") == hashlib.sha256(b"abc").hexdigest()
