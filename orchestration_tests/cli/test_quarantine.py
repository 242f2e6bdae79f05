"""`orchestration quarantine`: what cannot be used is listed, shown as it came, and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration_tests.catalogue.sample_documents import as_bytes, family_document

if TYPE_CHECKING:
    from orchestration_tests.cli.conftest import Command
    from orchestration_tests.cli.feed_folder import FeedFolder

BROKEN = b'{"Sku": "A23-2", \xff [bold] [/b] cut short'


@pytest.fixture
def broken(orchestration: Command, feed: FeedFolder) -> FeedFolder:
    """A synced feed with one sound family and two broken ones."""
    feed.put_plain("A23-1")
    feed.spoil("A23-2", BROKEN)
    feed.spoil("A461-1", as_bytes(family_document("A461-1", pictures=0) | {"ChildProducts": "none"}))
    feed.publish()
    orchestration("sync")
    return feed


def test_the_list_tells_family_code_and_reason(orchestration: Command, broken: FeedFolder) -> None:
    first, second = orchestration("quarantine", "list", "--json").json
    assert (first["a_number"], first["supplier"], first["document_bytes"]) == ("A23-2", "A23", len(BROKEN))
    assert second["path"] == "$.ChildProducts"
    assert second["url"] == f"{broken.url}/A461/A461-1.json"
    (only,) = orchestration("quarantine", "list", "--supplier", "A461", "--json").json
    assert only == second
    table = orchestration("quarantine", "list")
    assert table.code == 0
    assert first["reason"].split()[0] in table.out

    shown = orchestration("quarantine", "show", "A23-2")
    assert shown.code == 0
    assert shown.out.encode(errors="surrogateescape") in {BROKEN, BROKEN.replace(b"\xff", b"\xef\xbf\xbd")}


def test_what_is_not_there_cannot_be_shown(orchestration: Command) -> None:
    ended = orchestration("quarantine", "show", "A23-9")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "No document of A23-9 is in quarantine; see `orchestration quarantine list`\n"
    assert orchestration("quarantine", "list").out == "Quarantine: none\n"
    assert orchestration("quarantine", "list", "--json").json == []


def test_a_replay_takes_out_what_has_been_mended_and_tells_what_has_not(
    orchestration: Command, broken: FeedFolder
) -> None:
    (broken.root / "A23" / "A23-2.json").write_bytes(as_bytes(family_document("A23-2", pictures=0)))
    ended = orchestration("quarantine", "replay", "--json")
    assert ended.code == 1
    assert (ended.json["replayed"], ended.json["mended"]) == (2, 1)
    assert set(ended.json["still_quarantined"]) == {"A461-1"}
    assert "quarantined: A461-1: " in ended.err
    assert [entry["a_number"] for entry in orchestration("quarantine", "list", "--json").json] == ["A461-1"]
    assert orchestration("sync", "--json").json["families"]["unchanged"] == 2


def test_single_families_are_replayed_and_others_are_left(orchestration: Command, broken: FeedFolder) -> None:
    for sku in ("A23-2", "A461-1"):
        (broken.root / sku.partition("-")[0] / f"{sku}.json").write_bytes(as_bytes(family_document(sku, pictures=0)))
    ended = orchestration("quarantine", "replay", "A23-2", "A23-77", "--json")
    assert ended.code == 1
    assert ended.json == {"replayed": 1, "mended": 1, "still_quarantined": {}}
    assert ended.err.splitlines()[-1] == "A23-77 is not in quarantine; nothing was done for it"
    assert orchestration("quarantine", "replay").out == "1 replayed, 1 mended\n"


def test_nothing_counts_as_mended_when_the_replay_could_not_run(
    orchestration: Command, broken: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMIDATA_BASE_URL")
    without = orchestration("quarantine", "replay", "--json")
    assert (without.code, without.out) == (2, "")
    assert without.err == "No feed is set: give PROMIDATA_BASE_URL, or --feed URL\n"
    (broken.root / "A23" / "A23-2.json").unlink()
    gone = orchestration("quarantine", "replay", "A23-2", "--feed", broken.url, "--json")
    assert gone.code == 1
    assert (gone.json["replayed"], gone.json["mended"]) == (1, 0)
    assert len(orchestration("quarantine", "list", "--json").json) == 2


def test_a_replay_of_nothing_is_done_at_once(orchestration: Command) -> None:
    assert orchestration("quarantine", "replay", "--json").json == {"replayed": 0, "mended": 0, "still_quarantined": {}}
