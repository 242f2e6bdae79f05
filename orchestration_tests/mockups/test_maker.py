"""Whole mockups, made by the real renderer in small: which files come out, and what is known about them."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
import pytest

from orchestration.errors import NotFoundError
from orchestration.mockups.maker import make_mockup, make_stage, prepare
from orchestration.mockups.mockup_request import (
    DesignFile,
    DesignText,
    MockupRequest,
    OutputKind,
    PictureSizes,
    PrintOrder,
    RenderMode,
    Stage,
    StageName,
    stages,
)
from orchestration.mockups.presets import Adjustment, Preset
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration.mockups.views.angles import ANGLES
from orchestration.mockups.views.renderer import Renderer
from orchestration_tests.media.pictures import decode
from orchestration_tests.mockups.designs.made import RED, WHITE, disc, png_file

if TYPE_CHECKING:
    from orchestration.mockups.mockup_request import Output

SMALL = PictureSizes(still=128, samples=1, turntable=96, frames=6, frames_per_second=12)
LOGO = DesignFile("logo.png", png_file(disc(RED, size=(1500, 1000))))
CHEST = PrintOrder(LOGO, Preset.CHEST_MEDIUM)
REQUEST = MockupRequest((CHEST,), fabric="white", background="#eef0f2", pictures=SMALL)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tmp_path_factory.mktemp("passes"))


@pytest.fixture(scope="module")
def whole(engine: Renderer) -> list[Output]:
    """A front and a back in one mockup."""
    back = PrintOrder(DesignText("Anna"), Preset.BACK_LARGE)
    return make_mockup(replace(REQUEST, prints=(CHEST, back)), engine)


def kinds(outputs: list[Output]) -> list[str]:
    return [one.name for one in outputs]


def failed_checks(outputs: list[Output]) -> list[str]:
    asked: list[tuple[str, Any]] = [(one.name, one.facts["checks"]) for one in outputs if "checks" in one.facts]
    assert asked
    return [
        f"{name}: {question}" for name, answers in asked for question, answer in answers.items() if not answer["passed"]
    ]


def test_all_is_composite_print_files_six_stills_and_a_turntable(whole: list[Output]) -> None:
    assert kinds(whole) == [
        "composite.png",
        "print_file_front.png",
        "print_file_back.png",
        *(f"still_{angle}.png" for angle in ANGLES),
        "turntable.mp4",
        "poster.png",
        "animation.webp",
        "sprite_sheet.webp",
        "viewer.html",
        "model.glb",
    ]


def test_every_picture_has_the_size_that_it_is_said_to_have(whole: list[Output]) -> None:
    for one in whole:
        if one.mime.startswith("image/"):
            assert decode(one.body).size == (one.width, one.height)
    still, poster = (
        next(one for one in whole if one.key.kind is kind) for kind in (OutputKind.STILL, OutputKind.POSTER)
    )
    assert (still.width, poster.width) == (128, 96)


def test_a_whole_mockup_passes_its_checks(whole: list[Output]) -> None:
    assert failed_checks(whole) == []
    front = next(one for one in whole if one.key.angle == "front_0deg")
    assert set(front.facts["checks"]) >= {"design_there", "inside_zone", "right_side", "not_clipped"}  # type: ignore[call-overload]


def test_each_picture_says_what_it_shows_and_by_which_versions(whole: list[Output]) -> None:
    for one in whole:
        if one.key.kind in (OutputKind.STILL, OutputKind.TURNTABLE, OutputKind.SPRITE_SHEET):
            assert one.facts["garment_size"] == "L"
            assert one.facts["renderer_version"] == Renderer.version
            assert one.facts["garment_version"]
    still = next(one for one in whole if one.key.kind is OutputKind.STILL)
    assert decode(still.body).info["Size"] == "L"


def test_the_report_is_plain_data_with_a_verdict_for_each_side(whole: list[Output]) -> None:
    facts = msgspec.json.decode(msgspec.json.encode(whole[0].facts))
    assert facts["verdict"] == "printable"
    assert facts["fabric"] == {"name": "white", "hex": "#FFFFFF"}
    assert [(one["side"], one["preset"]) for one in facts["prints"]] == [
        ("front", "chest-medium"),
        ("back", "back-large"),
    ]
    assert facts["prints"][0]["width_mm"] == pytest.approx(255, abs=60)


def test_the_print_file_is_the_real_size_of_the_report(whole: list[Output]) -> None:
    for file, one in zip(whole[1:3], whole[0].facts["prints"], strict=True):  # type: ignore[call-overload]
        assert file.width == pytest.approx(one["width_mm"] / 25.4 * 300, abs=1)


def test_the_video_has_the_frames_that_were_asked_for(whole: list[Output]) -> None:
    video = next(one for one in whole if one.key.kind is OutputKind.TURNTABLE)
    with av.open(io.BytesIO(video.body)) as container:
        assert container.streams.video[0].frames == 6
        assert container.streams.video[0].average_rate == 12
    assert (video.facts["frames"], video.facts["seconds"]) == (6, 0.5)


def test_one_mode_leaves_the_turntable_out_and_the_other_the_stills(engine: Renderer) -> None:
    images = make_mockup(replace(REQUEST, mode=RenderMode.IMAGES_ONLY), engine)
    assert {one.key.kind.stage for one in images} == {StageName.COMPOSITES, StageName.STILLS}
    animation = make_mockup(replace(REQUEST, mode=RenderMode.ANIMATION_ONLY), engine)
    assert {one.key.kind.stage for one in animation} == {StageName.COMPOSITES, StageName.TURNTABLES}


def test_stages_made_one_by_one_are_the_same_bytes(engine: Renderer, whole: list[Output]) -> None:
    request = replace(REQUEST, prints=(CHEST, PrintOrder(DesignText("Anna"), Preset.BACK_LARGE)))
    again = {one.key: one.sha256 for stage in stages(request)[:3] for one in make_stage(request, stage, engine)}
    assert again.items() <= {one.key: one.sha256 for one in whole}.items()


def test_files_are_handed_over_as_they_are_made(engine: Renderer) -> None:
    heard: list[Output] = []
    made = make_mockup(replace(REQUEST, mode=RenderMode.ANIMATION_ONLY), engine, heard.append)
    assert heard == made


def test_a_back_print_never_shows_on_the_front(engine: Renderer) -> None:
    back = replace(REQUEST, prints=(PrintOrder(LOGO, Preset.BACK_LARGE),))
    front_view = Stage(StageName.STILLS, "front_0deg")
    (printed,), (bare,) = (make_stage(one, front_view, engine) for one in (back, replace(REQUEST, prints=())))
    assert printed.sha256 == bare.sha256
    assert failed_checks([printed]) == []


def test_a_background_may_be_transparent_or_let_light_through(engine: Renderer) -> None:
    stage = Stage(StageName.STILLS, "front_0deg")
    corners = {}
    for background in (None, "transparent", "#11223380", "#112233"):
        (still,) = make_stage(replace(REQUEST, background=background), stage, engine)
        corners[background] = tuple(np.asarray(decode(still.body).convert("RGBA"))[2, 2])
    assert corners[None] == corners["transparent"]
    assert corners[None][3] == 0
    assert corners["#11223380"] == (0x11, 0x22, 0x33, 0x80)
    assert corners["#112233"][3] == 255


def test_a_name_is_black_on_light_fabrics_and_white_on_dark_ones() -> None:
    for fabric, colour in (("beige", 0), ("navy", 255)):
        name = replace(REQUEST, prints=(PrintOrder(DesignText("Jo"), Preset.CHEST_SMALL),), fabric=fabric)
        pixels = prepare(name).prints[0].design.pixels
        assert (pixels[pixels[:, :, 3] == 255][:, :3] == colour).all()
    dyed = replace(REQUEST, prints=(PrintOrder(DesignText("Jo", "red"), Preset.CHEST_SMALL),))
    assert (prepare(dyed).prints[0].design.pixels[:, :, 0] == 255).all()


def test_white_on_white_is_made_and_warned_about() -> None:
    ghost = DesignFile("ghost.png", png_file(disc(WHITE, size=(1500, 1000))))
    composite = prepare(replace(REQUEST, prints=(PrintOrder(ghost, Preset.CHEST_MEDIUM),)))
    assert composite.prints[0].fit.verdict == "blank"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"fabric": "bleu"}, RefusalCode.INVALID_COLOR), ({"background": "bleu"}, RefusalCode.INVALID_COLOR),
     ({"prints": (PrintOrder(DesignFile("page.png", b"<html>"), Preset.CHEST_SMALL),)}, RefusalCode.INVALID_FILE_TYPE),
     ({"prints": (CHEST._replace(adjustment=Adjustment(width_mm=900)),)}, RefusalCode.VALIDATION_ERROR)],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is(
    engine: Renderer, change: dict[str, Any], code: RefusalCode
) -> None:
    heard: list[Output] = []
    with pytest.raises(MockupRefusedError) as caught:
        make_mockup(replace(REQUEST, **change), engine, heard.append)
    assert caught.value.code is code
    assert heard == []


@pytest.mark.parametrize("change", [{"template_id": "hoodie"}, {"garment_size": "XXS"}])
def test_garments_and_sizes_that_do_not_exist_are_not_found(engine: Renderer, change: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError):
        make_mockup(replace(REQUEST, **change), engine)


def test_requests_outputs_and_refusals_come_whole_out_of_another_process(whole: list[Output]) -> None:
    for value in (REQUEST, whole[0]):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - of our own
    refusal = MockupRefusedError(RefusalCode.INVALID_COLOR, "the colour is not known", "write another")
    copy = pickle.loads(pickle.dumps(refusal))  # noqa: S301 - of our own
    assert (str(copy), copy.code) == (str(refusal), refusal.code)


def test_a_ruler_is_drawn_on_the_composite_and_changes_no_check(engine: Renderer) -> None:
    composites = Stage(StageName.COMPOSITES)
    plain, ruled = (make_stage(replace(REQUEST, ruler=ruler), composites, engine) for ruler in (False, True))
    assert ruled[0].body != plain[0].body
    assert ruled[0].facts == plain[0].facts
    assert ruled[1].body == plain[1].body
