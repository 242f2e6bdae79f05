"""`orchestration export`: every kind of record in every format, with the columns that others rely on."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pytest

from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.cli.conftest import Command, run_main, set_variables
from orchestration_tests.cli.feed_folder import FeedFolder
from orchestration_tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

KINDS = ("suppliers", "categories", "families", "variants", "media", "changes", "quarantine")
FORMATS = ("jsonl", "csv", "parquet")

FAMILY_COLUMNS = {
    "a_number",
    "supplier",
    "name",
    "brand",
    "category",
    "is_active",
    "supplier_hash",
    "content_hash",
    "variant_count",
    "price_min",
    "price_max",
    "main_image",
}
VARIANT_COLUMNS = {
    "sku",
    "a_number",
    "color",
    "hex_color",
    "size",
    "is_active",
    "primary_image",
    "gallery_images",
}
MEDIA_COLUMNS = {"content_hash", "key", "bytes", "mime", "width", "height", "source_urls"}


class Filled(NamedTuple):
    """A system that holds a catalogue of two days, for tests that only read."""

    home: Path
    feed: FeedFolder


@pytest.fixture(scope="module")
def filled(
    server_url: URL, template: str, shared_dagster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """A family that changed, one with several variants, one in quarantine."""
    root = tmp_path_factory.mktemp("filled")
    feed = FeedFolder(root / "feed")
    with (
        fresh_database(server_url, template) as database_url,
        pytest.MonkeyPatch.context() as monkeypatch,
        redirect_stdout(io.StringIO()),
    ):
        set_variables(monkeypatch, root / "home", database_url, shared_dagster_url)
        monkeypatch.setenv("PROMIDATA_BASE_URL", feed.url)
        feed.put_plain("A23-1", pictures=2)
        feed.put_plain("A461-1", children=9, pictures=2)
        feed.publish()
        run_main(monkeypatch, "sync")
        feed.put(family_document("A23-1", name="Hat", price=12.5, pictures=2))
        feed.spoil("A23-2", b"<html>not today</html>")
        feed.publish()
        run_main(monkeypatch, "sync")
        yield Filled(root / "home", feed)


@pytest.fixture
def command(filled: Filled, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command, over that system."""
    return Command(filled.home, monkeypatch, capfd)


def exported(command: Command, what: str) -> list[dict[str, Any]]:
    """The rows of an export, read from the JSON lines on standard output."""
    ended = command("export", what)
    assert (ended.code, ended.err) == (0, "")
    return [json.loads(line) for line in ended.out.splitlines()]


def read(content: bytes, table_format: str) -> pd.DataFrame:
    """A file of each format as pandas reads it."""
    match table_format:
        case "jsonl":
            return pd.read_json(io.BytesIO(content), lines=True)
        case "csv":
            return pd.read_csv(io.BytesIO(content))
        case _:
            return pd.read_parquet(io.BytesIO(content))


def test_every_kind_is_exported_in_every_format(command: Command, filled: Filled, tmp_path: Path) -> None:
    counts = {}
    for what in KINDS:
        rows = exported(command, what)
        counts[what] = len(rows)
        for table_format in FORMATS:
            out = tmp_path / f"{what}.{table_format}"
            ended = command("export", what, "--format", table_format, "--out", out)
            assert (ended.code, ended.out) == (0, "")
            assert ended.err == f"{len(rows)} {what} written to {out}\n"
            frame = read(out.read_bytes(), table_format)
            assert list(frame.columns) == list(rows[0])
            assert len(frame) == len(rows)
    assert counts["suppliers"] == counts["families"] == 2
    assert counts["variants"] == 1 + 9
    assert counts["media"] == len(list((filled.feed.root / "images").iterdir()))
    assert counts["quarantine"] == 1
    assert counts["categories"] > 10
    assert counts["changes"] > counts["families"]


def test_families_carry_what_others_rely_on(command: Command, filled: Filled) -> None:
    first, second = exported(command, "families")
    assert set(first) >= FAMILY_COLUMNS
    assert (first["a_number"], first["supplier"], first["variant_count"]) == ("A23-1", "A23", 1)
    assert (second["a_number"], second["supplier"], second["variant_count"]) == ("A461-1", "A461", 9)
    assert first["name"]["nl"] == "Hat (nl)"
    assert first["is_active"] is True
    assert 0 < first["price_min"] <= first["price_max"] == 12.5
    digest = hashlib.sha1(filled.feed.body("A23-1"), usedforsecurity=False).hexdigest()
    assert first["supplier_hash"] == digest.upper()
    assert len(first["content_hash"]) == 64


def test_images_are_the_sha256_of_the_stored_originals_in_order(command: Command, filled: Filled) -> None:
    files = {
        file.as_uri(): hashlib.sha256(file.read_bytes()).hexdigest() for file in (filled.feed.root / "images").iterdir()
    }
    document = json.loads(filled.feed.body("A461-1"))
    child = document["ChildProducts"][0]
    details = next(iter(child["ProductDetails"].values()))
    variant = next(row for row in exported(command, "variants") if row["sku"] == child["Sku"])
    assert set(variant) >= VARIANT_COLUMNS
    assert variant["primary_image"] == files[details["Image"]["Url"]]
    assert variant["gallery_images"] == [files[picture["Url"]] for picture in details["MediaGalleryImages"]]
    family = exported(command, "families")[1]
    assert family["main_image"] == variant["primary_image"]


def test_variants_have_their_colour_as_hex_and_their_size(command: Command) -> None:
    rows = exported(command, "variants")
    assert {row["hex_color"] for row in rows} == {"#1B2A49", "#232325"}
    assert [row["size"] for row in rows if row["a_number"] == "A461-1"][:3] == ["S", "M", "L"]
    assert all(row["is_active"] for row in rows)


def test_media_are_objects_in_the_store(command: Command, filled: Filled) -> None:
    rows = exported(command, "media")
    objects = command.home / "objects"
    for row in rows:
        assert set(row) >= MEDIA_COLUMNS
        body = (objects / row["key"]).read_bytes()
        assert row["bytes"] == len(body)
        assert row["content_hash"] == hashlib.sha256(body).hexdigest()
        assert (row["mime"], row["width"], row["height"]) == ("image/jpeg", 16, 16)
        assert all(url.startswith(f"{filled.feed.url}/images/") for url in row["source_urls"])


def test_changes_tell_field_before_and_after(command: Command) -> None:
    rows = exported(command, "changes")
    changed = {row["field"]: (row["before"], row["after"]) for row in rows if row["kind"] == "changed"}
    assert changed["price_max"] == (59.9, 12.5)
    assert {row["kind"] for row in rows} == {"added", "changed"}
    assert {row["a_number"] for row in rows} == {"A23-1", "A461-1"}


def test_the_quarantine_tells_family_and_reason(command: Command, filled: Filled) -> None:
    (row,) = exported(command, "quarantine")
    assert (row["a_number"], row["supplier"], row["document_bytes"]) == ("A23-2", "A23", 22)
    assert row["reason"]
    assert row["url"] == f"{filled.feed.url}/A23/A23-2.json"


def test_an_empty_catalogue_exports_the_columns_and_no_row(orchestration: Command, tmp_path: Path) -> None:
    for what in KINDS:
        assert orchestration("export", what) == (0, "", "")
        for table_format in ("csv", "parquet"):
            out = tmp_path / f"{what}.{table_format}"
            assert orchestration("export", what, "--format", table_format, "--out", out).code == 0
            assert read(out.read_bytes(), table_format).empty
    assert set(read((tmp_path / "families.csv").read_bytes(), "csv").columns) >= FAMILY_COLUMNS
    assert set(read((tmp_path / "variants.parquet").read_bytes(), "parquet").columns) >= VARIANT_COLUMNS
    assert set(read((tmp_path / "media.csv").read_bytes(), "csv").columns) >= MEDIA_COLUMNS


@pytest.mark.parametrize("arguments", [("export",), ("export", "nothing"), ("export", "families", "--format", "xlsx")])
def test_what_cannot_be_exported_is_bad_usage(disconnected: Command, arguments: tuple[str, ...]) -> None:
    ended = disconnected(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


def test_a_file_that_cannot_be_written_is_one_clear_line(disconnected: Command, tmp_path: Path) -> None:
    out = tmp_path / "missing" / "families.csv"
    ended = disconnected("export", "families", "--out", out)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"--out {out} cannot be written: No such file or directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("table_format", ["jsonl", "parquet"])
@pytest.mark.usefixtures("command")
def test_a_full_disk_is_one_clear_line(table_format: str) -> None:
    words = [sys.executable, "-m", "orchestration", "export", "categories", "--format", table_format]
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - no path of ours
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own
    assert (ended.returncode, ended.stderr) == (2, "Standard output cannot be written: No space left on device\n")


def test_a_link_that_leads_to_itself_is_replaced(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "loop"
    out.symlink_to(out)
    assert command("export", "suppliers", "--out", out).code == 0
    assert out.read_text(encoding="utf-8").count("\n") == 2


def test_an_export_that_fails_leaves_the_file_of_before(disconnected: Command, tmp_path: Path) -> None:
    out = tmp_path / "families.csv"
    out.write_text("yesterday's", encoding="utf-8")
    ended = disconnected("export", "families", "--out", out)
    assert (ended.code, ended.out) == (1, "")
    assert out.read_text(encoding="utf-8") == "yesterday's"
    assert {one.name for one in tmp_path.iterdir()} == {"families.csv", "home"}


def test_an_export_takes_the_place_of_the_file_of_before(command: Command, tmp_path: Path) -> None:
    out, link = tmp_path / "families.csv", tmp_path / "newest.csv"
    out.write_text("yesterday's", encoding="utf-8")
    out.chmod(0o640)
    link.symlink_to(out)
    assert command("export", "families", "--format", "csv", "--out", link).code == 0
    assert out.read_text(encoding="utf-8").startswith("a_number,supplier,")
    assert (link.is_symlink(), stat.S_IMODE(out.stat().st_mode)) == (True, 0o640)
    assert command("export", "families", "--out", "/dev/null").code == 0
