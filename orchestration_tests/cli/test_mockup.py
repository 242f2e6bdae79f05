"""`orchestration mockup`, and its neighbours that need no database: what they print, write and exit with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestration.cli import mockup_commands
from orchestration_tests.media.pictures import decode
from orchestration_tests.mockups.designs.made import BLUE, RED, WHITE, disc, png_file

SMALL = ("--size", "96", "--samples", "1", "--frames", "4", "--turntable-size", "64")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of passes for all."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def logo(tmp_path: Path) -> str:
    path = tmp_path / "logo.png"
    path.write_bytes(png_file(disc(RED)))
    return str(path)


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_HOME", str(home))


def run(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    mockup_commands.register(app)
    group = typer.Typer()
    mockup_commands.add_to(group)
    app.add_typer(group, name="mockups")
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_a_mockup_is_written_and_reported_as_one_line_of_json(logo: str, tmp_path: Path) -> None:
    out = tmp_path / "made"
    code, printed, _ = run(
        "mockup", "--design", logo, "--preset", "chest-small", "--fabric", "navy", *SMALL, "--out", str(out), "--json"
    )
    assert code == 0
    assert printed.count("\n") == 1
    report = json.loads(printed)
    assert [one["stage"] for one in report["outputs"]] == ["composites"] * 2 + ["stills"] * 6 + ["turntables"] * 6
    for one in report["outputs"]:
        assert Path(one["path"]).stat().st_size == one["bytes"]
        assert one["milliseconds"] >= 0
    assert {one["angle"] for one in report["outputs"] if one["kind"] == "still"} > {"front_0deg", "back_180deg"}
    assert report["report"]["prints"][0]["preset"] == "chest-small"
    assert report["failed_checks"] == []


def test_people_get_a_table_and_the_warnings(tmp_path: Path) -> None:
    ghost = tmp_path / "ghost.png"
    ghost.write_bytes(png_file(disc(WHITE)))
    code, printed, _ = run("mockup", "--design", str(ghost), "--mode", "images-only", *SMALL, "--out", str(tmp_path))
    assert code == 0
    assert "still_front_0deg.png" in printed
    assert "the print is blank" in printed
    assert not (tmp_path / "turntable.mp4").exists()


def test_a_design_and_a_text_make_front_and_back(logo: str, tmp_path: Path) -> None:
    code, printed, _ = run(
        "mockup",
        "--design",
        logo,
        "--text",
        "Anna / 7",
        "--mode",
        "images-only",
        *SMALL,
        "--out",
        str(tmp_path),
        "--json",
    )
    assert code == 0
    assert [one["side"] for one in json.loads(printed)["report"]["prints"]] == ["front", "back"]


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--fabric", "bleu"), "INVALID_COLOR"), (("--width-mm", "900"), "VALIDATION_ERROR"),
     (("--background", "bleu"), "INVALID_COLOR"), (("--template", "hoodie"), None)],
)  # fmt: skip
def test_a_refusal_exits_with_1_and_its_code(
    logo: str, tmp_path: Path, options: tuple[str, ...], code: str | None
) -> None:
    exit_code, printed, _ = run("mockup", "--design", logo, *options, "--out", str(tmp_path / "none"), "--json")
    assert exit_code == 1
    refusal = json.loads(printed)
    assert refusal["code"] == code
    assert refusal["refused"]
    assert list((tmp_path / "none").iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [(), ("--design", "LOGO", "--preset", "chest-small", "--preset", "back-small"),
     ("--text", "Jo", "--offset-mm", "10"), ("--text", "Jo", "--turntable-size", "99"),
     ("--text", "Jo", "--preset", "dead-center-medium"), ("--text", "Jo", "--mode", "some"),
     ("--text", "Jo", "--frames", "1")],
)  # fmt: skip
def test_bad_usage_exits_with_2(logo: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    named = [logo if option == "LOGO" else option for option in options]
    code, printed, error = run("mockup", *named, "--out", str(tmp_path))
    assert (code, printed) == (2, "")
    assert error


def test_a_folder_that_cannot_be_written_is_bad_usage(logo: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, error = run("mockup", "--design", logo, "--out", str(tmp_path / "file" / "made"))
    assert code == 2
    assert error.startswith("error: cannot write to")


def test_a_missing_design_and_a_host_that_is_not_allowed_are_refused(tmp_path: Path) -> None:
    code, _, error = run("mockup", "--design", str(tmp_path / "none.png"), "--out", str(tmp_path))
    assert code == 1
    assert "name a file that exists" in error
    code, _, error = run("mockup", "--design", "https://example.org/logo.png", "--out", str(tmp_path))
    assert code == 1
    assert "ORCHESTRATION_MOCKUP_HOSTS" in error


def test_garments_are_listed_with_their_zones(tmp_path: Path) -> None:
    code, printed, _ = run("mockups", "garments", "--zones", str(tmp_path), "--json")
    assert code == 0
    listed = json.loads(printed)
    assert {"mens-tshirt", "womens-tshirt", "tote-bag"} <= {one["template_id"] for one in listed}
    for one in listed:
        assert decode((tmp_path / f"{one['template_id']}_zones.png").read_bytes()).size == (4096, 4096)
    assert "300 DPI" in run("mockups", "garments")[1]


def test_colours_are_ranked_for_a_design(logo: str) -> None:
    code, printed, _ = run("mockups", "colours", "--design", logo, "--json")
    assert code == 0
    ranked = json.loads(printed)
    assert len(ranked) >= 10
    assert ranked[0]["good"]
    lines = run("mockups", "colours", "--design", logo)[1].splitlines()
    assert [line.split()[0] for line in lines] == [one["fabric"].split()[0] for one in ranked]
    assert all("seen, contrast" in line for line in lines)


def test_versions_of_pictures_are_compared(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, colour in ((before, RED), (after, BLUE)):
        folder.mkdir()
        (folder / "still.png").write_bytes(png_file(disc(colour)))
        (folder / "same.png").write_bytes(png_file(disc(RED)))
    code, printed, _ = run("mockups", "diff", str(before), str(after), "--out", str(tmp_path / "heat"), "--json")
    assert code == 1
    found = {one["picture"]: one for one in json.loads(printed)}
    assert found["same.png"]["largest"] == 0
    assert found["still.png"]["changed"] > 0.5
    assert (tmp_path / "heat" / "still_heat.png").is_file()
    assert run("mockups", "diff", str(before / "same.png"), str(after / "same.png"))[0] == 0
    assert run("mockups", "diff", str(before), str(tmp_path / "none"))[0] == 2


def test_a_mockup_loads_no_dagster_and_no_database() -> None:
    heavy = "{'dagster', 'sqlalchemy', 'cv2'}"
    code = f"import sys, orchestration.cli.mockup_commands; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert loaded.stdout.strip() == "[]"
