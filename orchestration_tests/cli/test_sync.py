"""`orchestration sync`: one line of counts, an exit code, and what needs an operator on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestration_tests.catalogue.sample_documents import family_document

if TYPE_CHECKING:
    from orchestration_tests.cli.conftest import Command
    from orchestration_tests.cli.feed_folder import FeedFolder

NOTHING = {
    "families": {
        "added": 0,
        "changed": 0,
        "removed": 0,
        "unchanged": 0,
        "quarantined": 0,
        "failed": 0,
        "held_back": 0,
    },
    "variants": 0,
    "images": {"stored": 0, "deduplicated": 0, "failed": 0},
    "documents_downloaded": 0,
    "rows_written": 0,
}


def families(**counts: int) -> dict[str, int]:
    """The counts of families, those that are not named being zero."""
    none: dict[str, int] = NOTHING["families"]  # type: ignore[assignment]  # mypy joins the values' types
    return none | counts


def without_times(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without what differs from run to run."""
    return {name: value for name, value in summary.items() if name != "seconds"}


def test_a_first_sync_stores_everything_and_the_same_feed_again_writes_nothing(
    orchestration: Command, feed: FeedFolder
) -> None:
    feed.put_plain("A23-1", pictures=2)
    feed.put_plain("A23-2", children=9, pictures=3)
    feed.put_plain("A461-1")
    feed.publish()
    ended = orchestration("sync", "--json")
    first = ended.json
    assert ended.code == 0
    assert set(first) == {"suppliers", *NOTHING, "seconds"}
    assert first["suppliers"] == 2
    assert first["families"] == families(added=3)
    assert first["variants"] == 1 + 9 + 1
    # Nine children are seven sizes of one colour and two of another; the sizes of a colour share their pictures.
    assert first["images"] == {"stored": 2 + 2 * 3, "deduplicated": 0, "failed": 0}
    assert first["documents_downloaded"] == 3
    assert first["rows_written"] > 3
    assert first["seconds"] > 0

    again = orchestration("sync", "--json")
    assert again.code == 0
    assert without_times(again.json) == NOTHING | {"suppliers": 2, "families": families(unchanged=3)}


def test_the_next_day_is_told_family_by_family(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1", "A23-2", "A23-3", "A461-1")
    feed.publish()
    orchestration("sync")

    feed.drop(["A23-1"])
    feed.put_plain("A23-2", name="Hat")
    feed.put_plain("A23-4")
    feed.spoil("A23-3", b'{"Sku": "A23-3", "ChildProducts": [{"Sku')
    feed.publish()
    ended = orchestration("sync", "--json")
    assert ended.code == 1
    assert ended.json["families"] == families(added=1, changed=1, removed=1, unchanged=1, quarantined=1)
    assert ended.json["documents_downloaded"] == 3
    (told,) = [line for line in ended.err.splitlines() if line.startswith("quarantined: ")]
    assert told.startswith("quarantined: A23-3: ")
    assert told.count("A23-3: ") == 1

    # What is still broken is no news, and costs no download.
    again = orchestration("sync", "--json")
    assert again.json["documents_downloaded"] == again.json["rows_written"] == 0
    assert again.json["families"] == families(unchanged=3, quarantined=1)


def test_people_get_a_table(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1")
    feed.publish()
    ended = orchestration("sync")
    assert ended.code == 0
    assert "added 1, changed 0, removed 0" in ended.out
    assert "documents downloaded" in ended.out


def test_only_the_named_suppliers_are_synced(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1", "A360-1", "A461-1")
    feed.publish()
    ended = orchestration("sync", "--supplier", "A461", "--supplier", "A360", "--json")
    assert ended.code == 0
    assert ended.json["suppliers"] == 2
    assert ended.json["families"] == families(added=2)


def test_a_supplier_that_nobody_knows_is_told_and_the_others_are_synced(
    orchestration: Command, feed: FeedFolder
) -> None:
    feed.put_plain("A23-1")
    feed.publish()
    ended = orchestration("sync", "--supplier", "A999", "--supplier", "A23", "--json")
    assert ended.code == 1
    assert ended.json["families"] == families(added=1)
    assert "A999 is neither in the feed nor stored; check the code" in ended.err


def test_a_full_sync_downloads_all_and_finds_where_the_suppliers_hash_lied(
    orchestration: Command, feed: FeedFolder
) -> None:
    feed.put_plain("A23-1", "A23-2", "A23-3")
    feed.publish()
    orchestration("sync")
    document = feed.root / "A23" / "A23-2.json"
    document.write_bytes(document.read_bytes().replace(b"Cap", b"Hat"))

    assert orchestration("sync", "--json").json["families"] == families(unchanged=3)
    full = orchestration("sync", "--full", "--json")
    assert full.code == 0
    assert full.json["documents_downloaded"] == 3
    assert full.json["families"] == families(changed=1, unchanged=2)


def test_a_mass_removal_waits_for_the_operators_word(orchestration: Command, feed: FeedFolder) -> None:
    skus = [f"A23-{number}" for number in range(8)]
    feed.put_plain(*skus)
    feed.publish()
    orchestration("sync")
    feed.drop(skus[:6])
    feed.publish()

    held = orchestration("sync", "--json")
    assert held.code == 1
    assert held.json["families"] == families(held_back=6, unchanged=2)
    assert "--allow-mass-removal" in held.err

    allowed = orchestration("sync", "--allow-mass-removal", "--json")
    assert allowed.code == 0
    assert allowed.json["families"] == families(removed=6, unchanged=2)
    assert orchestration("sync", "--json").json["families"] == families(unchanged=2)


def test_a_picture_that_cannot_be_had_is_told_and_does_not_hold_up_its_family(
    orchestration: Command, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1", pictures=2))
    feed.publish()
    lost = min((feed.root / "images").iterdir())
    lost.unlink()
    ended = orchestration("sync", "--json")
    assert ended.code == 1
    assert ended.json["families"] == families(added=1)
    assert ended.json["images"] == {"stored": 1, "deduplicated": 0, "failed": 1}
    assert f"image failed: {lost.as_uri()}: " in ended.err


def test_the_option_wins_over_the_variable(
    orchestration: Command, feed: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put_plain("A23-1")
    feed.publish()
    monkeypatch.setenv("PROMIDATA_BASE_URL", "http://127.0.0.1:9/nobody/listens")
    ended = orchestration("sync", "--feed", f"{feed.url}/Import/Import.txt", "--json")
    assert (ended.code, ended.json["families"]["added"]) == (0, 1)


@pytest.mark.usefixtures("variables")
def test_without_a_feed_nothing_starts(orchestration: Command) -> None:
    ended = orchestration("sync", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "No feed is set: give PROMIDATA_BASE_URL, or --feed URL\n"


def test_a_feed_that_cannot_be_read_is_told_once_and_removes_nothing(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1")
    feed.publish()
    listing = feed.root / "Import" / "Import.txt"
    listing.write_bytes(listing.read_bytes() + b"\r\nExport of all articles\r\n")
    assert "line refused: " in orchestration("sync").err
    listing.write_bytes(b"<html>maintenance</html>")
    ended = orchestration("sync", "--json")
    assert ended.code == 1
    assert without_times(ended.json) == NOTHING | {"suppliers": 0}
    told = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert len(told) == len(set(told)) == 1
    assert "not an Import.txt" in told[0]
    assert '"event": "feed not read"' in ended.err


def test_an_address_that_is_no_feed_is_bad_configuration(orchestration: Command) -> None:
    ended = orchestration("sync", "--feed", "ftp://feed", "--json")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "ftp://feed" in ended.err


def test_every_refused_line_is_said_and_in_the_exit_code(orchestration: Command, feed: FeedFolder) -> None:
    feed.put_plain("A23-1")
    feed.publish()
    listing = feed.root / "Import" / "Import.txt"
    listing.write_text(f"{listing.read_text()}{feed.url}/A23/A23-2.json|not a hash\nhello\n")
    categories = feed.root / "CAT.csv"
    categories.write_text("Name;Code;ParentCode\nCaps;CAPS;\n;HATS;\n")

    for ended in (orchestration("sync", "--json"), orchestration("sync", "--json")):
        assert ended.code == 1
        refused = [line for line in ended.err.splitlines() if line.startswith("line refused: ")]
        assert [line.split(": ")[1] for line in refused] == [
            "Import.txt line 3",
            "Import.txt line 4",
            "CAT.csv line 3",
        ]
        assert "the hash is not 32 or 40 hexadecimal digits" in refused[0]


def test_what_a_family_was_imported_without_is_said_and_a_missing_variant_is_in_the_exit_code(
    orchestration: Command, feed: FeedFolder
) -> None:
    odd = family_document("A23-1", children=2, pictures=0)
    odd["ChildProducts"][0]["NonLanguageDependedProductDetails"]["Weight"] = "heavy"
    feed.put(odd)
    feed.publish()
    ended = orchestration("sync", "--json")
    assert (ended.code, ended.json["families"]["added"]) == (0, 1)
    (said,) = [line for line in ended.err.splitlines() if line.startswith("odd: ")]
    assert said.startswith("odd: A23-1 $.ChildProducts[0].NonLanguageDependedProductDetails.Weight: left out: expected")

    odd["ChildProducts"][1]["ProductDetails"] = "none"
    feed.put(odd)
    feed.publish()
    ended = orchestration("sync", "--json")
    assert (ended.code, ended.json["families"]["changed"]) == (1, 1)
    assert "imported without: A23-1 $.ChildProducts[1].ProductDetails: left out: expected an object" in ended.err
