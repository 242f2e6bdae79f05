"""What the catalogue's sensors and its schedule ask for, on real definitions; and the checks that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.assembly import build_definitions
from orchestration.domains import Domains
from orchestration.services import Services
from orchestration.work_queue.model import NewTask
from orchestration_tests.cli.feed_folder import FeedFolder
from orchestration_tests.runtime.ticks import Tick, tick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestration.catalogue.pipeline import Catalogue
    from orchestration.settings import Settings

_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@pytest.fixture
def feed(tmp_path: Path) -> FeedFolder:
    """A feed of two suppliers."""
    feed = FeedFolder(tmp_path / "feed")
    feed.put_plain("A23-1", "A23-2", "A461-1")
    feed.publish()
    return feed


@pytest.fixture
def domains(settings: Settings, feed: FeedFolder) -> Iterator[Domains]:
    """The domains over that feed, and a database of their own."""
    services = Services(settings.model_copy(update={"promidata_base_url": feed.url}))
    yield Domains(services)
    services.close()


@pytest.fixture
def catalogue(domains: Domains) -> Catalogue:
    """Their catalogue."""
    return domains.catalogue


@pytest.fixture
def loaded(domains: Domains) -> dg.Definitions:
    """The definitions over them."""
    return build_definitions(domains.services.settings, domains)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory: what these tests ask of it does not depend on where it lies."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def carry_out(loaded: dg.Definitions, asked: Tick, job: str, instance: dg.DagsterInstance) -> None:
    """Execute the runs that a tick asked for."""
    for request in asked.requests:
        config = {**request.run_config, "loggers": _QUIET}
        loaded.resolve_job_def(job).execute_in_process(config, instance, tags=request.tags)


def requested_keys(asked: Tick) -> Sequence[str]:
    """The suppliers in the run config of the one run that a tick of the feed's sensor asked for."""
    (request,) = asked.requests
    keys: Sequence[str] = request.run_config["ops"]["catalogue__supplier_feed"]["config"]["keys"]
    return keys


def test_the_feed_sensor_asks_for_the_suppliers_whose_lines_changed(
    loaded: dg.Definitions, feed: FeedFolder, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    assert requested_keys(first) == ["A23", "A461"]
    assert first.cursor
    carry_out(loaded, first, "catalogue_sync", instance)
    assert sorted(instance.get_dynamic_partitions("supplier")) == ["A23", "A461"]
    assert sorted(instance.get_dynamic_partitions("a_number")) == ["A23-1", "A23-2", "A461-1"]

    second = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert second[:2] == ([], "Import.txt is as it was")

    feed.put_plain("A461-1", name="Hat")
    feed.publish()
    third = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert requested_keys(third) == ["A461"]
    assert third.cursor != first.cursor


def test_a_feed_that_moved_without_a_suppliers_line_asks_for_nothing_and_is_remembered(
    loaded: dg.Definitions, feed: FeedFolder, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    carry_out(loaded, first, "catalogue_sync", instance)
    listing = feed.root / "Import" / "Import.txt"
    listing.write_bytes(b"\xef\xbb\xbf" + listing.read_bytes() + b"\r\n")
    moved = tick(loaded, "catalogue_feed_sensor", instance, first.cursor)
    assert moved[:2] == ([], "No supplier's lines changed")
    assert moved.cursor not in {None, first.cursor}


def test_a_supplier_that_vanished_is_looked_at_too(
    loaded: dg.Definitions, feed: FeedFolder, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "catalogue_feed_sensor", instance)
    carry_out(loaded, first, "catalogue_sync", instance)
    feed.drop(["A461-1"])
    feed.publish()
    assert requested_keys(tick(loaded, "catalogue_feed_sensor", instance, first.cursor)) == ["A461"]


@pytest.mark.parametrize(
    ("sensor", "queue"),
    [
        ("catalogue_families_sensor", "families"),
        ("catalogue_images_sensor", "images"),
        ("catalogue_variants_sensor", "variants"),
    ],
)
def test_a_drain_sensor_asks_for_a_drain_while_its_queue_has_work(
    loaded: dg.Definitions, catalogue: Catalogue, instance: dg.DagsterInstance, sensor: str, queue: str
) -> None:
    assert not tick(loaded, sensor, instance).requests
    with catalogue.database.begin() as connection:
        getattr(catalogue, queue).enqueue(connection, [NewTask("due"), NewTask("later", delay=60)])
    (request,) = tick(loaded, sensor, instance).requests
    assert request.run_config == {}


def test_the_nightly_audit_downloads_everything(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    data = loaded.resolve_schedule_def("catalogue_nightly_audit").evaluate_tick(dg.build_schedule_context(instance))
    (request,) = data.run_requests or ()
    assert request.run_config == {"ops": {"catalogue__supplier_feed": {"config": {"full": True}}}}


def test_the_checks_run_after_every_run_of_the_catalogue(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = loaded.resolve_job_def("catalogue_sync")
    config = {"loggers": _QUIET}
    result = job.execute_in_process(config, instance, asset_selection=[dg.AssetKey(["catalogue", "categories"])])
    context = dg.build_run_status_sensor_context(
        "catalogue_checks_after_success_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
    )
    request = loaded.resolve_sensor_def("catalogue_checks_after_success_sensor")(context)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == result.run_id


def test_the_checks_pass_on_a_sound_catalogue_and_show_what_is_wrong_with_another(
    loaded: dg.Definitions, feed: FeedFolder, instance: dg.DagsterInstance
) -> None:
    assert failed_checks(loaded, instance) == {}
    feed.spoil("A23-2", b'{"Sku": "A23-2", cut short')
    feed.publish()
    carry_out(loaded, tick(loaded, "catalogue_feed_sensor", instance), "catalogue_sync", instance)
    loaded.resolve_job_def("catalogue_import").execute_in_process(
        {
            "ops": {"catalogue__product_families": {"config": {"idle_seconds": None}}},
            "loggers": _QUIET,
        },
        instance,
        raise_on_error=False,
    )
    failed = failed_checks(loaded, instance)
    assert set(failed) == {"quarantine_is_empty"}
    metadata = failed["quarantine_is_empty"].metadata
    assert metadata["count"].value == 1
    assert "orchestration quarantine replay" in str(metadata["remedy"].value)
    assert "| A23-2 | A23 |" in str(metadata["examples"].value)


def failed_checks(loaded: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that do not pass, by name."""
    config = {"loggers": _QUIET}
    result = loaded.resolve_job_def("catalogue_check").execute_in_process(config, instance)
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == 7
    return {one.check_name: one for one in evaluations if not one.passed}
