"""Films are what was planned: in both formats, to the frame, in their colours, with their sound in its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from orchestration.errors import InvalidInputError
from orchestration.previews.film.film import make_film, make_storyboard
from orchestration.previews.film.materials import open_materials
from orchestration.previews.film.progress import read_progress
from orchestration.previews.film.proofs import FilmFacts, ProofError, prove_film
from orchestration.previews.film.recordings import pictures_at
from orchestration.previews.film.sound import mix
from orchestration.previews.film.timeline import plan_timeline
from orchestration_tests.previews.making import asset, order, picture, tone
from orchestration_tests.previews.payloads import small

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [
    {"title": "One", "text": "Hello.", "durationMs": 700, "assetIds": ["photo"]},
    {"title": "Two", "text": "There.", "durationMs": "auto", "assetIds": ["voice"]},
]


def files(tmp_path: Path) -> tuple[Any, ...]:
    return (
        asset("photo", "image", picture(tmp_path / "photo.png")),
        asset("voice", "audio", tone(tmp_path / "voice.wav", 1.0)),
    )


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_film_is_proven_to_be_what_was_planned(tmp_path: Path, kind: str) -> None:
    document = small(steps=STEPS, options={"format": kind, "includeCaptions": True, "captionFormat": "webvtt"})
    track = tone(tmp_path / "track.wav", 2.0, hertz=200)
    report = make_film(order(tmp_path / "out", document, *files(tmp_path), track=track, progress=tmp_path / "progress"))
    assert (report.frames, report.seconds) == (149, 149 / 24)
    assert report.proof["passed"]
    names = {check["name"] for check in report.proof["checks"]}
    assert {"duration", "drift", "sync", "loudness", "colour", "text_in_its_box", "seekable"} <= names
    assert [file.kind for file in report.files] == ["video", "poster", "captions", "proof"]
    assert json.loads((tmp_path / "out" / "proof.json").read_text()) == report.proof
    with av.open(str(tmp_path / "out" / f"preview.{kind}")) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        codecs = video.codec_context.name, audio.codec_context.name
        assert codecs == ({"mp4": ("h264", "aac"), "webm": ("vp9", "opus")}[kind])
        assert sum(1 for _ in film.decode(video=0)) == 149
    progress = read_progress(tmp_path / "progress")
    assert progress is not None
    assert (progress.stage, progress.percent) == ("proof", 97.0)


def test_an_mp4_begins_with_its_index_so_that_it_plays_at_once(tmp_path: Path) -> None:
    make_film(order(tmp_path, small()))
    body = (tmp_path / "preview.mp4").read_bytes()
    assert body.index(b"moov") < body.index(b"mdat")


def test_only_the_step_that_changed_is_rendered_again(tmp_path: Path) -> None:
    cache = (tmp_path / "cache").as_uri()
    steps = [{"title": f"Step {n}", "durationMs": 500} for n in range(3)]
    first = make_film(order(tmp_path / "1", small(steps=steps), segments_url=cache))
    assert (first.facts["segments_rendered"], first.facts["segments_reused"]) == (4, 0)
    again = make_film(order(tmp_path / "2", small("other", steps=steps), segments_url=cache))
    assert (again.facts["segments_rendered"], again.facts["segments_reused"]) == (0, 4)
    assert again.facts["cpu_seconds_saved"] > 0
    assert again.files[0].sha256 == first.files[0].sha256
    changed = make_film(order(tmp_path / "3", small(steps=[*steps[:2], {"durationMs": 500}]), segments_url=cache))
    assert (changed.facts["segments_rendered"], changed.facts["segments_reused"]) == (1, 3)
    assert changed.files[0].sha256 != first.files[0].sha256


def test_a_proof_finds_a_film_that_is_not_what_was_planned(tmp_path: Path) -> None:
    wanted = order(tmp_path / "out", small(steps=STEPS), *files(tmp_path))
    make_film(wanted)
    materials = open_materials(wanted)
    request = wanted.job.preview_request
    timeline = plan_timeline(request, materials.lengths, 60)
    sound = mix(timeline, materials.sounds, None)
    path = tmp_path / "out" / "preview.mp4"
    with av.open(str(path)) as film:
        first = next(film.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709")
    frame = np.asarray(first.to_ndarray(), np.uint8)
    facts = FilmFacts(timeline, (), sound, {0: frame}, (160, 90))
    assert prove_film(path, facts)["passed"]
    late = sound._replace(samples=np.roll(sound.samples, 4_800, axis=0))
    longer = replace(timeline, stretches=(*timeline.stretches, timeline.stretches[-1]._replace(first=149)))
    for broken, name in (
        (replace(facts, sound=late), "sync"),
        (replace(facts, sound=sound._replace(lufs=sound.lufs + 3)), "loudness"),
        (replace(facts, references={0: 255 - frame}), "colour"),
        (replace(facts, size=(160, 92)), "size"),
        (replace(facts, timeline=longer), "frames"),
    ):
        with pytest.raises(ProofError, match=name):
            prove_film(path, broken)


def test_a_png_is_the_title_card(tmp_path: Path) -> None:
    report = make_film(order(tmp_path, small(options={"format": "png"})))
    assert [file.name for file in report.files] == ["poster.png", "proof.json"]
    with Image.open(tmp_path / "poster.png") as poster:
        assert poster.size == (160, 90)
        assert np.asarray(poster).max() > 200  # the title is there


def test_the_smallest_payload_and_the_smallest_frame_make_a_film(tmp_path: Path) -> None:
    report = make_film(order(tmp_path, small(title="", steps=[], options={"resolution": "65x77"})))
    assert report.frames == 72
    assert report.notes[0].startswith("$.previewRequest.options.resolution: 65x77 is padded to 66x78")


def test_odd_texts_are_shown_and_what_was_done_is_said(tmp_path: Path) -> None:
    steps = [
        {"title": "مرحبا بكم", "text": "日本語 " * 200, "durationMs": 2000},
        {"title": "a\u200bb", "text": "x" * 5000, "durationMs": 500},
    ]
    board = make_storyboard(order(tmp_path, small(steps=steps, options={"resolution": "320x180"})))
    said = "\n".join(board.notes)
    assert "steps[0].text: set at" in said
    assert "cards" in said
    assert "steps[1].title: left out U+200B" in said


def test_a_storyboard_shows_each_step_and_makes_no_film(tmp_path: Path) -> None:
    board = make_storyboard(order(tmp_path / "out", small(steps=STEPS), *files(tmp_path)))
    assert (board.frames, [still.step for still in board.stills]) == (149, [None, 0, 1])
    assert all(still.picture[8:12] == b"WEBP" for still in board.stills)
    facts = {one["id"]: one for one in board.assets}
    assert (facts["photo"]["width"], facts["photo"]["height"], facts["voice"]["seconds"]) == (120, 80, 1.0)
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_video_is_shown_at_a_constant_rate_and_its_last_picture_held(tmp_path: Path) -> None:
    make_film(order(tmp_path / "source", small(options={"fps": 30}, steps=[])))
    path = tmp_path / "source" / "preview.mp4"
    clip = asset("clip", "video", path)
    steps = [{"assetIds": ["clip"], "durationMs": 3500}]
    report = make_film(order(tmp_path / "out", small(steps=steps), clip))
    assert report.proof["passed"]
    assert any("30.00 pictures a second; it is shown at 24" in note for note in report.notes)
    pictures = pictures_at(path, "clip", 24, (80, 45))
    shown = [next(pictures) for _ in range(100)]
    assert np.array_equal(shown[75], shown[99])
    assert not np.array_equal(shown[0], shown[36])


@pytest.mark.parametrize("kind", ["image", "audio", "video"])
def test_a_file_that_is_something_else_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html>not found</html>")
    with pytest.raises(InvalidInputError, match="thing"):
        make_storyboard(order(tmp_path / "out", small(), asset("thing", kind, path)))


def test_a_picture_that_is_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (9_000, 9_000)).save(path)
    with pytest.raises(InvalidInputError, match="9000 x 9000"):
        make_storyboard(order(tmp_path / "out", small(), asset("bomb", "image", path)))
