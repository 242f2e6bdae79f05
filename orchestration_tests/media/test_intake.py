"""A picture from outside becomes upright sRGB pixels, or is refused by what it holds."""

from __future__ import annotations

import io
import multiprocessing
import struct
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from orchestration.media.encodings import RenditionFormat, RenditionSpec, encode_renditions
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import IntakeRules
from orchestration.media.intake import OriginalImage, take_in
from orchestration_tests.media.pictures import FORMATS, RED, WHITE, decode, encode, marked, plain, scene

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

DESIGNS = IntakeRules(
    formats=frozenset({"image/png", "image/jpeg", "image/webp"}),
    max_bytes=10 * 2**20,
    max_side=8192,
    max_frames=1,
    require_profile=True,
)


def refusal(data: bytes, rules: IntakeRules | None = None) -> InvalidImageError:
    with pytest.raises(InvalidImageError) as caught:
        take_in(data, rules)
    return caught.value


def profile(name: str) -> bytes:
    """One of libvips' own profiles."""
    import pyvips

    image = pyvips.Image.black(8, 8, bands=3).colourspace("lab").icc_export(output_profile=name)
    return bytes(image.get("icc-profile-data"))


def like(expected: tuple[int, ...], tolerance: int = 4) -> Any:  # noqa: ANN401 - pytest's own type has no name
    return pytest.approx(expected, abs=tolerance)


def vips_png(pixels: npt.NDArray[Any], interpretation: str, **options: object) -> bytes:
    """A PNG that Pillow does not write."""
    import pyvips

    image = pyvips.Image.new_from_array(pixels, interpretation=interpretation)
    return bytes(image.pngsave_buffer(**options))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_becomes_the_pixels_that_another_decoder_finds(form: str) -> None:
    data = encode(scene(), form)
    taken = take_in(data)
    assert taken.pixels.shape == (80, 120, 3)
    assert taken.pixels.dtype == np.uint8
    assert (taken.width, taken.height, taken.has_alpha) == (120, 80, False)
    assert abs(taken.pixels.astype(int) - np.asarray(decode(data).convert("RGB"))).mean() < 3


def test_the_facts_of_the_original_are_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    taken = take_in(encode(marked(), "JPEG", exif=exif, icc_profile=profile("p3")))
    assert taken.original == OriginalImage("image/jpeg", "jpg", 60, 40, 1, 6, is_cmyk=False, had_profile=True)
    assert (taken.width, taken.height) == (40, 60)


@pytest.mark.parametrize("orientation", range(10))
def test_the_orientation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken = take_in(encode(marked(), "JPEG", exif=exif, quality=95))
    corner = {0: (0, 0), 1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    y, x = corner.get(orientation, (0, 0))
    assert tuple(taken.pixels[y, x]) == like(RED, 12)
    assert tuple(taken.pixels[-1 - y, -1 - x]) == like(WHITE, 12)
    assert taken.original.orientation == (orientation if 1 <= orientation <= 8 else 1)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (plain("RGB", RED), RED),
        (plain("L", 100), (100, 100, 100)),
        (plain("1", 1), (255, 255, 255)),
        (plain("RGB", RED).quantize(4), RED),
        (plain("RGBA", (*RED, 128)), (*RED, 128)),
        (plain("LA", (100, 7)), (100, 100, 100, 7)),
        (plain("RGBA", (*RED, 0)), (*RED, 0)),
    ],
    ids=["RGB", "grey", "one bit", "palette", "RGBA", "grey with alpha", "invisible"],
)
@pytest.mark.parametrize("size", [(1, 1), (64, 48)])
def test_every_kind_of_pixel_becomes_rgb_with_its_alpha(
    picture: Image.Image, expected: tuple[int, ...], size: tuple[int, int]
) -> None:
    pixels = take_in(encode(picture.crop((0, 0, *size)), "PNG")).pixels
    assert pixels.shape == (size[1], size[0], len(expected))
    assert {tuple(pixel) for pixel in pixels.reshape(-1, len(expected)).tolist()} == {expected}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (vips_png(np.full((4, 3, 1), 100 * 257, np.uint16), "grey16"), (100, 100, 100)),
        (vips_png(np.full((4, 3, 3), [part * 257 for part in RED], np.uint16), "rgb16"), RED),
        (vips_png(np.full((4, 3, 4), [part * 257 for part in (*RED, 128)], np.uint16), "rgb16"), (*RED, 128)),
        (vips_png(np.full((4, 3, 3), RED, np.uint8), "srgb", interlace=True), RED),
    ],
    ids=["grey", "colour", "colour with alpha", "interlaced"],
)
def test_a_png_of_16_bits_or_in_passes_keeps_its_colours(data: bytes, expected: tuple[int, ...]) -> None:
    pixels = take_in(data).pixels
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == pixels[-1, -1].tolist() == list(expected)


def test_a_colour_that_a_palette_calls_transparent_becomes_alpha() -> None:
    pixels = take_in(encode(plain("RGB", RED).quantize(4), "PNG", transparency=0)).pixels
    assert pixels.shape[2] == 4
    assert set(pixels[:, :, 3].ravel().tolist()) == {0}


def test_an_embedded_profile_is_applied() -> None:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile("p3")))
    expected = ImageCms.profileToProfile(plain("RGB", RED), wide, ImageCms.createProfile("sRGB"))
    assert expected is not None
    taken = take_in(encode(plain("RGB", RED), "PNG", icc_profile=profile("p3")))
    assert taken.pixels[0, 0].tolist() == like(np.asarray(expected)[0, 0].tolist())
    assert taken.pixels[0, 0].tolist() != like(RED)


@pytest.mark.parametrize("unfit", [b"no profile" * 20, profile("cmyk")], ids=["garbage", "of another space"])
def test_a_profile_that_does_not_fit_is_ignored(unfit: bytes) -> None:
    taken = take_in(encode(plain("RGB", RED), "JPEG", icc_profile=unfit, quality=95))
    assert taken.pixels[0, 0].tolist() == like(RED)


def print_picture(**options: object) -> bytes:
    return encode(plain("CMYK", (0, 200, 200, 20)), "JPEG", quality=95, **options)


def test_cmyk_becomes_screen_colours_by_its_profile() -> None:
    taken = take_in(print_picture(icc_profile=profile("cmyk")), DESIGNS)
    assert taken.original.is_cmyk
    red, green, blue = taken.pixels[0, 0].tolist()
    assert red > 180
    assert max(green, blue) < 100


@pytest.mark.parametrize("options", [{}, {"icc_profile": profile("p3")}, {"icc_profile": b"junk" * 50}])
def test_cmyk_without_a_profile_of_its_colours_is_refused_where_the_rules_say_so(options: dict[str, object]) -> None:
    assert take_in(print_picture(**options)).pixels[0, 0, 0] > 180
    refused = refusal(print_picture(**options), DESIGNS)
    assert refused.code is ImageProblem.NO_PROFILE
    assert "CMYK" in str(refused)


def test_designs_keep_within_their_rules() -> None:
    assert take_in(encode(scene(), "PNG"), DESIGNS).width == 120


@pytest.mark.parametrize(
    ("data", "rules", "code", "words"),
    [
        (encode(scene(), "GIF"), DESIGNS, ImageProblem.UNSUPPORTED, "gif, which is not taken here; send JPEG or PNG"),
        (encode(scene(), "TIFF"), DESIGNS, ImageProblem.UNSUPPORTED, "TIFF"),
        (b"", DESIGNS, ImageProblem.EMPTY, "empty"),
        (b"<html>", DESIGNS, ImageProblem.HTML, "HTML page"),
        (encode(scene(), "PNG"), IntakeRules(max_bytes=100), ImageProblem.TOO_MANY_BYTES, "limit of 100"),
        (encode(plain("1", 0, (8193, 1)), "PNG"), DESIGNS, ImageProblem.TOO_LONG_SIDE, "8193 x 1 .* limit of 8192"),
        (encode(plain("1", 0, (1, 8193)), "PNG"), DESIGNS, ImageProblem.TOO_LONG_SIDE, "1 x 8193"),
        (encode(scene(), "PNG"), IntakeRules(max_pixels=9599), ImageProblem.TOO_MANY_PIXELS, "9599"),
        (
            encode(scene(), "WEBP", save_all=True, append_images=[scene().rotate(9)]),
            DESIGNS,
            ImageProblem.ANIMATED,
            "2 frames.*; send a still picture",
        ),
        (
            encode(scene(), "JPEG", progressive=True),
            IntakeRules(max_scans=3),
            ImageProblem.TOO_MANY_SCANS,
            "limit of 3",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, ImageProblem) else "",
)
def test_each_refusal_names_the_item_the_reason_and_the_remedy(
    data: bytes, rules: IntakeRules, code: ImageProblem, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidImageError, match=f"^design.png: .*{words}") as caught:
        take_in(data, rules, name="design.png")
    assert caught.value.code is code
    assert str(caught.value).endswith(f"; {code.remedy}")
    (tmp_path / "design.png").write_bytes(data)
    with pytest.raises(InvalidImageError) as from_file:
        take_in(tmp_path / "design.png", rules)
    assert str(from_file.value) == str(caught.value)


def test_a_file_is_taken_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(encode(scene(), "WEBP"))
    assert take_in(path).original.mime == "image/webp"


def test_pixels_and_refusals_come_whole_out_of_another_process() -> None:
    taken = take_in(encode(scene(), "PNG"))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(take_in, encode(scene(), "PNG")).result()
        refused = pool.submit(take_in, b"", name="design.png").exception()
    assert there.original == taken.original
    assert (there.pixels == taken.pixels).all()
    assert isinstance(refused, InvalidImageError)
    assert (refused.code, refused.item) == (ImageProblem.EMPTY, "design.png")
    assert str(refused) == "design.png: the file is empty; send the picture itself"


def test_a_limit_holds_to_the_last_byte_and_pixel() -> None:
    data = encode(scene(), "PNG")
    exact = IntakeRules(max_bytes=len(data), max_side=120, max_pixels=120 * 80, max_frames=1)
    assert take_in(data, exact).width == 120


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(min_value=0.0, max_value=0.99))
def test_a_picture_that_breaks_off_is_refused(form: str, share: float) -> None:
    whole = encode(scene(), form)
    assert refusal(whole[: int(len(whole) * share)]).code in {
        ImageProblem.EMPTY,
        ImageProblem.UNKNOWN,
        ImageProblem.TRUNCATED,
    }


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_with_sound_headers_and_no_content_is_refused(form: str) -> None:
    whole = encode(scene(), form)
    hollow = whole[: len(whole) // 4] + b"\xff" * (len(whole) // 2) + whole[-(len(whole) // 4) :]
    assert refusal(hollow).code in {ImageProblem.DAMAGED, ImageProblem.TRUNCATED}


def test_a_picture_that_is_larger_than_its_header_announces_is_refused() -> None:
    data = encode(scene(), "AVIF").replace(struct.pack(">II", 120, 80), struct.pack(">II", 12, 8))
    assert refusal(data).code is ImageProblem.DAMAGED


def test_of_an_animation_the_first_frame_is_taken_where_the_rules_allow_it() -> None:
    frames = [plain("RGB", RED), plain("RGB", (0, 0, 255))]
    for form in ("GIF", "WEBP", "PNG"):
        taken = take_in(encode(frames[0], form, save_all=True, append_images=frames[1:], lossless=True))
        assert taken.original.frames == 2
        assert taken.pixels[0, 0, :3].tolist() == like(RED)


@pytest.mark.parametrize("ending", [b"", b"\0;"])
def test_a_gif_that_browsers_show_is_taken(ending: bytes) -> None:
    assert take_in(encode(scene(), "GIF")[:-1] + ending).width == 120


@pytest.mark.parametrize(
    "data",
    [
        encode(plain("RGB", RED), "PNG", icc_profile=profile("p3")),
        encode(plain("RGBA", (*RED, 128)), "WEBP", lossless=True),
        print_picture(),
    ],
    ids=["profile", "alpha", "CMYK"],
)
def test_pixels_and_renditions_of_a_picture_have_the_same_colours(data: bytes) -> None:
    (rendition,) = encode_renditions(data, [RenditionSpec("same", RenditionFormat.WEBP, box=64, quality=100)])
    pixels = take_in(data).pixels
    assert pixels[20, 20].tolist() == like(take_in(rendition.body).pixels[20, 20].tolist())
