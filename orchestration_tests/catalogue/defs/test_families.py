"""Families and their images on a real instance: one run, many partitions, each with its own status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.catalogue.defs.feed import a_numbers
from orchestration.cli.catalogue_sync import SyncOptions, check_catalogue, sync_catalogue
from orchestration.runtime.partition_keys import encode_key
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document

if TYPE_CHECKING:
    from orchestration.cli.job_runner import JobRunner
    from orchestration_tests.catalogue.feed_folder import FeedFolder

FAMILIES = dg.AssetKey(["catalogue", "product_families"])
IMAGES = dg.AssetKey(["catalogue", "family_images"])


def by_status(runner: JobRunner, asset: dg.AssetKey) -> dict[str, set[str]]:
    """What the UI's partition view shows."""
    keys = a_numbers.get_partition_keys(dynamic_partitions_store=runner.instance)
    found: dict[str, set[str]] = {}
    for key, status in (runner.instance.get_status_by_partition(asset, keys, a_numbers) or {}).items():
        found.setdefault(status.value if status else "MISSING", set()).add(key)
    return found


def runs(runner: JobRunner, job: str) -> int:
    """How many runs of a job there were."""
    return runner.instance.get_runs_count(dg.RunsFilter(job_name=job))


def test_of_100_families_with_3_broken_97_are_green_and_3_red_in_one_run(runner: JobRunner, feed: FeedFolder) -> None:
    documents = [family_document(f"A23-{number:03}", pictures=1) for number in range(100)]
    feed.put(*documents)
    broken = [document["Sku"] for document in documents[::40]]
    for sku in broken:
        feed.write(sku, b"<html>")

    sync_catalogue(runner, SyncOptions())

    shown = by_status(runner, FAMILIES)
    assert (len(shown["MATERIALIZED"]), shown["FAILED"]) == (97, set(broken))
    assert runs(runner, "catalogue_import") == 1
    assert len(by_status(runner, IMAGES)["MATERIALIZED"]) == 97

    for document in documents[::40]:
        feed.write(document["Sku"], as_bytes(feed.with_pictures(document)))
    outcome = runner.materialize("catalogue/product_families", broken)

    assert outcome.success
    assert runs(runner, "catalogue_import") == 2
    assert len(by_status(runner, FAMILIES)["MATERIALIZED"]) == 100


def test_scattered_keys_of_odd_names_are_one_run(runner: JobRunner, feed: FeedFolder) -> None:
    names = ["A23-a b", "A23-50%", "A23-é&ü", 'A23-"q"', "A23-x.y", "A23-plain", "A23-PLAIN", "A23-z"]
    feed.put(*(family_document(name, pictures=0) for name in names))
    sync_catalogue(runner, SyncOptions())

    outcome = runner.materialize("catalogue/product_families", [encode_key(name) for name in names[::2]])

    assert outcome.success
    assert runs(runner, "catalogue_import") == 2
    assert by_status(runner, FAMILIES) == {"MATERIALIZED": {encode_key(name) for name in names}}


def test_a_red_family_says_why_and_a_check_says_what_to_do(runner: JobRunner, feed: FeedFolder) -> None:
    feed.put_broken("A23-1", b"<html>")

    sync_catalogue(runner, SyncOptions())
    check_catalogue(runner)

    [observation] = [
        record.asset_observation
        for record in runner.instance.fetch_observations(FAMILIES, limit=10).records
        if record.partition_key
    ]
    assert observation is not None
    assert "HTML" in str(observation.metadata["reason"].value)
    evaluations = runner.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(FAMILIES, "quarantine_is_empty"), limit=1
    )
    [event] = [record.event and record.event.dagster_event for record in evaluations]
    assert event is not None
    assert not event.asset_check_evaluation_data.passed
    assert "quarantine replay" in str(event.asset_check_evaluation_data.metadata["remedy"].value)


def test_the_summary_of_an_import_shows_the_changes_and_the_price_moves(runner: JobRunner, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", price=10.0, pictures=0))
    sync_catalogue(runner, SyncOptions())
    feed.put(family_document("A23-1", price=12.0, pictures=0))

    sync_catalogue(runner, SyncOptions())

    [summary] = [
        record.asset_observation
        for record in runner.instance.fetch_observations(FAMILIES, limit=1).records
        if not record.partition_key
    ]
    assert summary is not None
    assert summary.metadata["changed"].value == 1
    assert "12.0" in str(summary.metadata["price_moves"].value)
