"""`orchestration stl`: what it prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestration.cli.stl import register

SKU = "PER-KEY3D-STY3-Y3D"
app = typer.Typer()
register(app)


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_a_product_is_written_and_reported_as_one_line_of_json(tmp_path: Path) -> None:
    code, out, _ = _run(
        "--sku", SKU, "--text", "Anna", "--color-1", "Red", "--color-2", "White", "--out", str(tmp_path), "--json"
    )
    assert code == 0
    assert out.count("\n") == 1
    report = json.loads(out)
    stl = report["outputs"][0]
    assert Path(stl["path"]) == tmp_path / "dual-colours/A/Anna.stl"
    assert Path(stl["path"]).is_file()
    assert len(stl["sha256"]) == 64
    assert len(stl["size_mm"]) == 3
    assert stl["volume_mm3"] > 0
    assert stl["triangles"] > 1000
    assert stl["watertight"] is True
    assert report["milliseconds"] > 0
    assert report["colors"] == {"body": "red", "text": "white"}


def test_people_get_a_summary(tmp_path: Path) -> None:
    code, out, _ = _run("--sku", SKU, "--text", "Anna", "--out", str(tmp_path))
    assert code == 0
    assert "Anna.stl" in out
    assert "mm" in out


def test_a_refusal_exits_with_1_and_says_why(tmp_path: Path) -> None:
    code, out, _ = _run("--sku", SKU, "--text", "Anna 😀", "--out", str(tmp_path), "--json")
    assert code == 1
    report = json.loads(out)
    assert report["check"] == "text"
    assert "U+1F600" in report["problem"]
    assert not list(tmp_path.iterdir())
    code, out, err = _run("--sku", "NOPE", "--text", "Anna", "--out", str(tmp_path))
    assert code == 1
    assert out == ""
    assert err.startswith("refused: Unsupported SKU for STL rendering: 'NOPE'")


@pytest.mark.parametrize("extra", [["--engine", "blender"], ["--fonts", "/no/such/folder"], ["--what"]])
def test_bad_usage_exits_with_2(extra: list[str], tmp_path: Path) -> None:
    code, _, err = _run("--sku", SKU, "--text", "Anna", "--out", str(tmp_path), *extra)
    assert code == 2
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = _run("--sku", SKU, "--text", "Anna", "--out", str(tmp_path / "file"))
    assert code == 2
    assert err.startswith("error: cannot write to")
