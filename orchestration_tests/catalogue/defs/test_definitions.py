"""The catalogue's drain sensors and checks, over all subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.work_queue.model import NewTask
from orchestration_tests.catalogue.defs.executing import QUIET, execute
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    from orchestration.domains import Domains
    from orchestration_tests.cli.feed_folder import FeedFolder as PlainFeed


@pytest.mark.parametrize(
    ("sensor", "queue"),
    [
        ("catalogue_families_sensor", "family_queue"),
        ("catalogue_images_sensor", "image_queue"),
        ("catalogue_variants_sensor", "rendition_queue"),
    ],
)
def test_a_drain_sensor_asks_for_a_drain_while_its_queue_has_work(
    loaded: dg.Definitions, domains: Domains, instance: dg.DagsterInstance, sensor: str, queue: str
) -> None:
    assert not tick(loaded, sensor, instance).requests
    catalogue = domains.catalogue
    with catalogue.database.begin() as connection:
        getattr(catalogue, queue).enqueue(connection, [NewTask("due"), NewTask("later", delay=60)])
    (request,) = tick(loaded, sensor, instance).requests
    assert request.run_config == {}


def test_the_checks_run_after_every_run_of_the_catalogue(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = loaded.resolve_job_def("catalogue_sync")
    config = {"loggers": QUIET}
    result = job.execute_in_process(config, instance, asset_selection=[dg.AssetKey(["catalogue", "categories"])])
    context = dg.build_run_status_sensor_context(
        "checks_after_success_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
    )
    request = loaded.resolve_sensor_def("checks_after_success_sensor")(context)
    assert isinstance(request, dg.RunRequest)
    assert (request.run_key, request.job_name) == (result.run_id, "catalogue_check")


def test_the_checks_pass_on_a_sound_catalogue_and_show_what_is_wrong_with_another(
    loaded: dg.Definitions, plain_feed: PlainFeed, instance: dg.DagsterInstance
) -> None:
    assert failed_checks(loaded, instance) == {}
    plain_feed.spoil("A23-2", b'{"Sku": "A23-2", cut short')
    plain_feed.publish()
    execute(loaded, tick(loaded, "catalogue_feed_sensor", instance), "catalogue_sync", instance)
    loaded.resolve_job_def("catalogue_import").execute_in_process(
        {
            "ops": {"catalogue__product_families": {"config": {"idle_seconds": None}}},
            "loggers": QUIET,
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
    config = {"loggers": QUIET}
    result = loaded.resolve_job_def("catalogue_check").execute_in_process(config, instance)
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == 13
    return {one.check_name: one for one in evaluations if not one.passed}
