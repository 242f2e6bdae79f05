"""One broken item never harms another: its neighbours are done, and it is reported once, with exit code 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from orchestration.catalogue.defs.feed import a_numbers
from orchestration.catalogue.documents.decode import decode_family
from orchestration.media.identify import identify
from orchestration.media.picture_process import PictureProcess, RenderedPicture
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document
from orchestration_tests.catalogue.syncing import rows
from orchestration_tests.conftest import dagster_storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command, Ended
    from orchestration_tests.cli.feed_folder import FeedFolder

NEIGHBOURS = [f"A23-{number:02}" for number in range(20)]
GONE = ["A23-90", "A23-91"]


def statuses(dagster_url: str, asset: str, keys: list[str]) -> dict[str, str | None]:
    """What the UI's partition view shows of these keys."""
    with dg.instance_for_test(overrides=dagster_storage(dagster_url)) as instance:
        found = instance.get_status_by_partition(dg.AssetKey(asset.split("/")), keys, a_numbers) or {}
    return {key: status.value if status else None for key, status in found.items()}


def reported(ended: Ended, culprit: str) -> list[str]:
    """The lines for people that name the culprit."""
    return [line for line in ended.err.splitlines() if culprit in line and not line.startswith("{")]


def odd_price(feed: FeedFolder) -> None:
    feed.spoil("A23-odd", as_bytes(family_document("A23-odd", price=12345.5, pictures=0)).replace(b"12345.5", b"1e999"))


def deep_document(feed: FeedFolder) -> None:
    body = as_bytes(family_document("A23-odd", pictures=0)).rstrip()
    feed.spoil("A23-odd", body[:-1] + b', "Novelty": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def long_picture_url(feed: FeedFolder) -> None:
    document: dict[str, Any] = family_document("A23-odd", pictures=1)
    # Three bytes a character, and no two alike, so that the database cannot compress it into an index.
    name = "".join(chr(0x4E00 + 7 * number) for number in range(1_900))
    picture = {"Url": f"https://images.example/{name}", "Description": "", "FileName": "long.jpg"}
    document["ChildProducts"][0]["ProductDetails"]["nl"]["MediaGalleryImages"] = [picture]
    feed.put(document)


@pytest.mark.parametrize(("spoil", "code", "lost"), [(odd_price, 0, "Price"), (long_picture_url, 1, "Url")])
def test_an_odd_field_costs_its_family_nothing_else(
    orchestration: Command, feed: FeedFolder, spoil: Callable[[FeedFolder], None], code: int, lost: str
) -> None:
    feed.put_plain(*NEIGHBOURS)
    spoil(feed)
    feed.publish()

    ended = orchestration("sync", "--json")

    assert (ended.code, ended.json["families"]["added"]) == (code, len(NEIGHBOURS) + 1)
    assert all(f"{lost}: left out: " in line for line in reported(ended, "A23-odd"))
    assert reported(ended, "A23-odd")


@pytest.mark.parametrize("spoil", [deep_document])
def test_an_odd_document_harms_neither_its_neighbours_nor_the_removals_beside_it(
    orchestration: Command,
    feed: FeedFolder,
    database: Database,
    shared_dagster_url: str,
    spoil: Callable[[FeedFolder], None],
) -> None:
    feed.put_plain(*GONE, *(f"A23-8{number}" for number in range(9)))
    feed.publish()
    assert orchestration("sync").code == 0
    feed.drop(GONE)
    feed.put_plain(*NEIGHBOURS)
    spoil(feed)
    feed.publish()

    ended = orchestration("sync", "--json")

    families = ended.json["families"]
    assert ended.code == 1
    assert (families["added"], families["removed"], families["unchanged"]) == (len(NEIGHBOURS), len(GONE), 9)
    assert families["quarantined"] + families["failed"] == 1
    assert len(reported(ended, "A23-odd")) == 1
    assert rows(database, "SELECT count(*) FROM product_family WHERE is_active") == [len(NEIGHBOURS) + 9]
    shown = statuses(shared_dagster_url, "catalogue/product_families", [*NEIGHBOURS, "A23-odd"])
    assert {shown.pop(key) for key in NEIGHBOURS} == {"MATERIALIZED"}
    assert shown == {"A23-odd": "FAILED"}


def test_a_bug_in_the_decoder_fails_the_one_family_that_meets_it(
    orchestration: Command, feed: FeedFolder, shared_dagster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put_plain(*NEIGHBOURS, "A23-odd")
    feed.publish()

    def decode(body: bytes, *, a_number: str, supplier: str, url: str) -> object:
        if a_number == "A23-odd":
            raise KeyError("a bug of ours")
        return decode_family(body, a_number=a_number, supplier=supplier, url=url)

    monkeypatch.setattr("orchestration.catalogue.families.importer.decode_family", decode)

    ended = orchestration("sync", "--json")

    assert ended.code == 1
    assert (ended.json["families"]["added"], ended.json["families"]["failed"]) == (len(NEIGHBOURS), 1)
    (line,) = reported(ended, "A23-odd")
    assert "KeyError" in line
    assert "a bug of ours" in line
    shown = statuses(shared_dagster_url, "catalogue/product_families", [*NEIGHBOURS, "A23-odd"])
    assert [key for key, status in shown.items() if status == "FAILED"] == ["A23-odd"]
    (status,) = orchestration("status", "--json").json
    assert (status["status"], status["progress"]["completed"]) == ("failed", len(NEIGHBOURS) + 1)


def test_a_bug_in_reading_images_fails_the_one_image_that_meets_it(
    orchestration: Command, feed: FeedFolder, shared_dagster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put_plain(*NEIGHBOURS, pictures=1)
    feed.publish()
    odd = min((feed.root / "images").iterdir())
    odd_body = odd.read_bytes()

    def identified(body: bytes, *, max_pixels: int) -> object:
        if body == odd_body:
            raise KeyError("a bug of ours")
        return identify(body, max_pixels=max_pixels)

    monkeypatch.setattr("orchestration.media.fetcher.identify", identified)

    ended = orchestration("sync", "--json")

    assert ended.code == 1
    assert ended.json["images"] == {"stored": len(NEIGHBOURS) - 1, "deduplicated": 0, "failed": 1}
    assert ended.json["families"]["added"] == len(NEIGHBOURS)
    (line,) = reported(ended, odd.name)
    assert line.startswith(f"image failed: {odd.as_uri()}: ")
    assert "KeyError" in line
    shown = statuses(shared_dagster_url, "catalogue/family_images", NEIGHBOURS)
    assert sorted(status or "" for status in shown.values()) == ["FAILED", *["MATERIALIZED"] * (len(NEIGHBOURS) - 1)]
    (status,) = orchestration("status", "--json").json
    assert (status["status"], status["counts"]["images_failed"]) == ("completed", 1)


def test_a_bug_in_rendering_fails_the_one_image_that_meets_it(
    orchestration: Command, feed: FeedFolder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put_plain(*NEIGHBOURS, pictures=1)
    feed.publish()
    assert orchestration("sync").code == 0
    odd_body = min((feed.root / "images").iterdir()).read_bytes()

    render = PictureProcess.render

    async def rendered(process: PictureProcess, body: bytes, item: str) -> RenderedPicture:
        if body == odd_body:
            raise KeyError("a bug of ours")
        return await render(process, body, item)

    monkeypatch.setattr(PictureProcess, "render", rendered)

    ended = orchestration("materialize", "catalogue/image_variants", "--json")

    assert ended.code == 1
    assert not ended.json["success"]
    ((_, reason),) = ended.json["failed"].items()
    assert "KeyError" in reason
    assert rows(database, "SELECT count(DISTINCT content_hash) FROM media_variant") == [len(NEIGHBOURS) - 1]
