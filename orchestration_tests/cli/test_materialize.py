"""`orchestration materialize`: any set of an asset's partitions in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration_tests.conftest import dagster_storage

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration_tests.cli.conftest import Command
    from orchestration_tests.cli.feed_folder import FeedFolder

FAMILIES = "catalogue/product_families"


@pytest.fixture
def synced(orchestration: Command, feed: FeedFolder) -> FeedFolder:
    """A synced feed of four families, one with a name that no partition key may have."""
    feed.put_plain("A23-1", "A23-2", "A23-Bottle 500ml+, blue", "A461-1", pictures=1)
    feed.publish()
    orchestration("sync")
    return feed


def key_file(folder: Path, *keys: str) -> Path:
    """A file that lists the keys, as Windows writes one: with a mark at its beginning."""
    file = folder / "keys.txt"
    file.write_text("\n".join(keys) + "\n", encoding="utf-8-sig")
    return file


def test_scattered_keys_are_one_run_with_a_status_each(
    orchestration: Command, synced: FeedFolder, tmp_path: Path, shared_dagster_url: str
) -> None:
    synced.spoil("A23-2", b"not json")
    synced.publish()
    keys = key_file(tmp_path, "A461-1", "", "A23-Bottle 500ml+, blue", "A23-2 ", "A461-1", "A23-404")
    ended = orchestration("materialize", FAMILIES, "--keys", keys, "--json")
    told = ended.json
    assert ended.code == 1
    assert (told["asset"], told["success"], told["keys"], told["problems"]) == (FAMILIES, False, 4, [])
    assert set(told["failed"]) == {"A23-2", "A23-404"}
    assert "is not in the feed" in told["failed"]["A23-404"]
    assert "failed: A23-404: " in ended.err

    with dg.instance_for_test(overrides=dagster_storage(shared_dagster_url)) as instance:
        records = instance.fetch_materializations(dg.AssetKey(FAMILIES.split("/")), limit=100).records
    made = {record.partition_key for record in records if record.run_id == told["run_id"]}
    assert made == {"A461-1", "A23-Bottle~20500ml~2B~2C~20blue"}


@pytest.mark.usefixtures("synced")
def test_partition_keys_are_taken_as_they_are(orchestration: Command, tmp_path: Path) -> None:
    keys = key_file(tmp_path, "A23-Bottle~20500ml~2B~2C~20blue")
    ended = orchestration("materialize", FAMILIES, "--keys", keys, "--json")
    assert (ended.code, ended.json["success"], ended.json["failed"]) == (0, True, {})


@pytest.mark.usefixtures("synced")
def test_images_of_single_families_are_asked_for_anew(orchestration: Command, tmp_path: Path) -> None:
    keys = key_file(tmp_path, "A23-1", "A23-404")
    ended = orchestration("materialize", "catalogue/family_images", "--keys", keys, "--json")
    assert ended.code == 1
    assert set(ended.json["failed"]) == {"A23-404"}
    assert "is not imported" in ended.json["failed"]["A23-404"]


@pytest.mark.usefixtures("synced")
def test_without_keys_the_queue_is_worked_off(orchestration: Command) -> None:
    assert orchestration("queue", "status", "--json").json["image-variant"]["waiting"] == 4
    ended = orchestration("materialize", "catalogue/image_variants")
    assert ended.code == 0
    assert ended.out.startswith("Run ")
    assert ended.out.endswith(": done\n")
    assert orchestration("queue", "status", "--json").json["image-variant"]["completed"] == 4


def test_an_asset_without_run_config_is_materialized_too(orchestration: Command, feed: FeedFolder) -> None:
    feed.publish()
    ended = orchestration("materialize", "catalogue/categories", "--json")
    assert ended.code == 0
    assert (ended.json["keys"], ended.json["failed"]) == (None, {})


def test_a_step_that_fails_as_a_whole_is_told(orchestration: Command, feed: FeedFolder) -> None:
    assert not feed.root.exists()
    ended = orchestration("materialize", "catalogue/categories", "--json")
    assert ended.code == 1
    assert (ended.json["success"], ended.json["failed"]) == (False, {})
    (problem,) = ended.json["problems"]
    assert "Import.txt" in problem
    assert problem in ended.err


@pytest.mark.parametrize("with_keys", [False, True])
def test_an_asset_that_no_job_makes_is_bad_usage(orchestration: Command, tmp_path: Path, *, with_keys: bool) -> None:
    options = ("--keys", key_file(tmp_path, "A23-1")) if with_keys else ()
    ended = orchestration("materialize", "catalogue/nothing", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "No job makes catalogue/nothing; there are canvas/media_gc, " in ended.err
    assert "catalogue/categories" in ended.err


def test_keys_for_an_asset_without_partitions_are_bad_usage(orchestration: Command, tmp_path: Path) -> None:
    keys = key_file(tmp_path, "A23-1")
    ended = orchestration("materialize", "catalogue/image_variants", "--keys", keys)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "catalogue/image_variants has no partitions; leave --keys out\n"


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe", b"A\x002\x003\x00\n\x00"])
def test_a_key_file_that_holds_no_key_is_bad_usage(
    orchestration: Command, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "keys.txt"
    if content is not None:
        file.write_bytes(content)
    ended = orchestration("materialize", FAMILIES, "--keys", file)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"--keys {file} ")
    assert ended.err.count("\n") == 1
