"""Tables and pictures stay small enough to be shown where they belong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orchestration.runtime.metadata import PICTURES_PER_RUN, SHOWN_TEXT, Pictures, full_size, markdown_table, picture
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.objects import ObjectStore
from orchestration_tests.media.pictures import encode, scene

if TYPE_CHECKING:
    from pathlib import Path

# Dagster's UI hides Markdown of this many characters behind a link.
HIDDEN = 1_000


def test_a_table_shows_its_first_rows_and_counts_the_rest() -> None:
    lines = markdown_table(("number", "square"), [(n, n * n) for n in range(30)], limit=2).splitlines()
    assert lines == ["| number | square |", "| --- | --- |", "| 0 | 0 |", "| 1 | 1 |", "", "... and 28 more"]


def test_a_cell_cannot_break_its_table() -> None:
    assert markdown_table(("text",), [("a|b\nc",), (None,)]).splitlines()[2:] == ["| a/b c |", "|  |"]


def test_a_long_cell_is_cut() -> None:
    (*_, row) = markdown_table(("text",), [("x" * 500,)]).splitlines()
    assert row == f"| {'x' * (SHOWN_TEXT - 1)}… |"


def test_a_picture_is_shown_in_place() -> None:
    drawn = picture("a tag", encode(scene(1600, 1200), "PNG"))
    assert drawn is not None
    assert drawn.startswith("![a tag](data:image/webp;base64,")
    assert len(drawn) < HIDDEN


def test_a_picture_in_full_size_is_a_link_only_where_people_can_follow_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    services = Services(settings)
    assert full_size(services, "sample", "prints/a.png") == {}, "nobody said where the API is"
    known = Services(settings.model_copy(update={"public_url": "https://assets.example.com"}))
    ((name, link),) = full_size(known, "sample", "prints/a.png").items()
    assert (name, str(link.value).partition("?")[0]) == (
        "sample in full size",
        "https://assets.example.com/objects/prints/a.png",
    )
    assert full_size(known, "sample", None) == {}


def test_what_is_no_picture_is_not_shown() -> None:
    assert picture("a tag", b"<html>") is None


def test_only_the_first_items_of_a_run_have_a_picture(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path.as_uri())
    asyncio.run(store.put_once("a.png", encode(scene(), "PNG")))
    pictures = Pictures(store)
    assert [pictures.of(None, "none"), pictures.of("missing.png", "missing")] == [None, None]
    shown = [pictures.of("a.png", "a") is not None for _ in range(PICTURES_PER_RUN + 3)]
    assert shown.count(True) == PICTURES_PER_RUN - 1  # the missing one counts: it was looked for
