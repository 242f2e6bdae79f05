"""The feed in Dagster: what its sensor and its schedule ask for, and which partitions a plan keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.cli.catalogue_sync import SyncOptions, sync_catalogue
from orchestration.runtime.partition_keys import encode_key
from orchestration.settings import RemovalPolicy
from orchestration_tests.catalogue.defs.executing import execute
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.runtime.ticks import Tick, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.cli.job_runner import JobRunner
    from orchestration_tests.catalogue.feed_folder import FeedFolder
    from orchestration_tests.cli.feed_folder import FeedFolder as PlainFeed


def requested_keys(asked: Tick) -> Sequence[str]:
    """The suppliers in the run config of the one run that a tick of the feed's sensor asked for."""
    (request,) = asked.requests
    keys: Sequence[str] = request.run_config["ops"]["catalogue__supplier_feed"]["config"]["keys"]
    return keys


def test_the_feed_sensor_asks_for_the_suppliers_whose_lines_changed(
    loaded: dg.Definitions, plain_feed: PlainFeed, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    assert requested_keys(first) == ["A23", "A461"]
    assert first.cursor
    execute(loaded, first, "catalogue_sync", instance)
    assert sorted(instance.get_dynamic_partitions("supplier")) == ["A23", "A461"]
    assert sorted(instance.get_dynamic_partitions("a_number")) == ["A23-1", "A23-2", "A461-1"]

    second = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert second[:2] == ([], "Import.txt is as it was")

    plain_feed.put_plain("A461-1", name="Hat")
    plain_feed.publish()
    third = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert requested_keys(third) == ["A461"]
    assert third.cursor != first.cursor


def test_a_feed_that_moved_without_a_suppliers_line_asks_for_nothing_and_is_remembered(
    loaded: dg.Definitions, plain_feed: PlainFeed, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    execute(loaded, first, "catalogue_sync", instance)
    listing = plain_feed.root / "Import" / "Import.txt"
    listing.write_bytes(b"\xef\xbb\xbf" + listing.read_bytes() + b"\r\n")
    moved = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert moved[:2] == ([], "No supplier's lines changed")
    assert moved.cursor not in {None, first.cursor}


def test_a_supplier_that_vanished_is_looked_at_too(
    loaded: dg.Definitions, plain_feed: PlainFeed, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    execute(loaded, first, "catalogue_sync", instance)
    plain_feed.drop(["A461-1"])
    plain_feed.publish()
    assert requested_keys(tick(loaded, "catalogue_feed_sensor", instance, first.cursor)) == ["A461"]


def test_the_nightly_audit_downloads_everything(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    data = loaded.resolve_schedule_def("catalogue_nightly_audit").evaluate_tick(dg.build_schedule_context(instance))
    (request,) = data.run_requests or ()
    config = request.run_config["ops"]["catalogue__supplier_feed"]["config"]
    assert (config["full"], config["keys"], config["allow_mass_removal"]) == (True, [], False)


@pytest.mark.parametrize(
    ("job", "is_kept"), [("gallery_mirror", False), ("catalogue_mirror", True), ("catalogue_import", True)]
)
def test_a_partition_goes_with_its_family_unless_a_run_may_use_it(
    runner: JobRunner, feed: FeedFolder, *, job: str, is_kept: bool
) -> None:
    catalogue = runner.domains.catalogue
    catalogue.settings = catalogue.settings.model_copy(update={"removal_policy": RemovalPolicy.SOFT_DELETE})
    feed.put(family_document("A23-2", pictures=0), family_document("A23-1", pictures=0))
    sync_catalogue(runner, SyncOptions())
    feed.remove("A23-2")
    other = dg.DagsterRun(job, status=dg.DagsterRunStatus.STARTED)
    runner.instance.add_run(other)

    sync_catalogue(runner, SyncOptions())

    kept = [encode_key("A23-1"), *([encode_key("A23-2")] if is_kept else [])]
    assert sorted(runner.instance.get_dynamic_partitions("a_number")) == kept


def test_a_change_whose_sync_failed_is_asked_for_again(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    waiting = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)  # the run that it asked for is lost
    assert waiting[:2] == ([], "2 suppliers are asked for, and not planned yet")
    an_hour_ago = json.loads(waiting.cursor or "") | {"asked_at": 0.0}

    again = tick(loaded, "catalogue_feed_sensor", instance, json.dumps(an_hour_ago))
    assert requested_keys(again) == ["A23", "A461"]

    execute(loaded, again, "catalogue_sync", instance)
    assert tick(loaded, "catalogue_feed_sensor", instance, again.cursor)[:2] == ([], "Import.txt is as it was")
