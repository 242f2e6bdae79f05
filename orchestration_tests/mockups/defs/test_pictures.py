"""The three assets of mockups: what a run makes, and what the UI shows of each SKU after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from orchestration.mockups.defs import definitions
from orchestration.mockups.defs.pictures import GARMENT, KEYS, garments
from orchestration.mockups.jobs.model import JobFilters, JobOptions, NewJob
from orchestration.mockups.mockup_request import RenderMode, StageName
from orchestration.mockups.statuses import JobStatus
from orchestration.runtime.partitions import add_partitions
from orchestration_tests.mockups.rendering import PRODUCT, VARIANT, add_products, made, order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestration.mockups.mockups import Mockups

    Run = Callable[..., dg.ExecuteInProcessResult]

COMPOSITES, STILLS, TURNTABLES = (KEYS[stage] for stage in StageName)
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def statuses(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, str]:
    """The state of each SKU, as the UI's partition view shows it."""
    keys = garments.get_partition_keys(dynamic_partitions_store=instance)
    found = instance.get_status_by_partition(asset, keys, garments) or {}
    return {key: status.value for key, status in found.items() if isinstance(status, AssetPartitionStatus)}


def newest(instance: dg.DagsterInstance, asset: dg.AssetKey, sku: str) -> Mapping[str, dg.MetadataValue[Any]]:
    """The metadata of the newest materialization of a SKU."""
    filters = dg.AssetRecordsFilter(asset, asset_partitions=[sku])
    event = instance.fetch_materializations(filters, limit=1).records[0].asset_materialization
    assert event is not None
    return event.metadata


def test_one_run_makes_all_three_assets_of_every_sku(mockups: Mockups, run: Run, instance: dg.DagsterInstance) -> None:
    add_products(mockups.database, "A1-1000-red")
    order(mockups, "Anna")
    order(mockups, "Ben", variant_id="A1-1000-red")
    result = run()
    assert result.success
    for asset in KEYS.values():
        assert statuses(instance, asset) == {VARIANT: "MATERIALIZED", "A1-1000-red": "MATERIALIZED"}
    assert newest(instance, STILLS, VARIANT)["files"].value == 6


def test_a_sku_shows_its_newest_jobs(mockups: Mockups, run: Run, instance: dg.DagsterInstance) -> None:
    ids = [order(mockups, name).id for name in ("Anna", "Ben", "Anna")]
    run()
    metadata = newest(instance, COMPOSITES, VARIANT)
    table = str(metadata["newest"].value)
    assert [table.index(job_id) for job_id in reversed(ids)] == sorted(table.index(job_id) for job_id in ids)
    assert (metadata["jobs"].value, metadata["reused"].value) == (3, 1)


def test_a_mode_without_a_turntable_records_none(mockups: Mockups, run: Run, instance: dg.DagsterInstance) -> None:
    order(mockups, "Anna", mode=RenderMode.IMAGES_ONLY)
    assert run().success
    assert statuses(instance, STILLS) == {VARIANT: "MATERIALIZED"}
    assert statuses(instance, TURNTABLES) == {}


def test_a_job_that_fails_is_red_from_the_stage_on_that_it_lacks(
    mockups: Mockups, run: Run, instance: dg.DagsterInstance
) -> None:
    add_products(mockups.database, "A1-1000-red")
    order(mockups, "Anna")
    order(mockups, "fault", variant_id="A1-1000-red")
    result = run()
    assert not result.success
    assert statuses(instance, COMPOSITES) == {VARIANT: "MATERIALIZED", "A1-1000-red": "MATERIALIZED"}
    assert statuses(instance, STILLS) == {VARIANT: "MATERIALIZED", "A1-1000-red": "FAILED"}


def test_a_backfill_of_a_sku_renders_its_newest_job_again(
    mockups: Mockups, run: Run, instance: dg.DagsterInstance
) -> None:
    first = order(mockups, "Anna")
    run()
    before = len(made(mockups))
    result = run(tags=dict.fromkeys(RANGE, VARIANT))
    assert result.success
    assert len(made(mockups)) == 2 * before
    with mockups.render_jobs() as jobs:
        again, former = jobs.list_jobs(JobFilters(sku=VARIANT))
    assert (former.id, former.status) == (first.id, JobStatus.COMPLETED)
    assert again.metadata["rendered_again_from"] == first.id
    assert again.id in str(newest(instance, TURNTABLES, VARIANT)["newest"].value)


def test_one_asset_alone_can_be_materialized(mockups: Mockups, run: Run, instance: dg.DagsterInstance) -> None:
    order(mockups, "Anna")
    run()
    former = newest(instance, COMPOSITES, VARIANT)["newest"]
    assert run(only=STILLS, tags=dict.fromkeys(RANGE, VARIANT)).success
    assert newest(instance, STILLS, VARIANT)["newest"] != former
    assert newest(instance, COMPOSITES, VARIANT)["newest"] == former


def test_a_sku_without_a_job_fails_and_says_so(mockups: Mockups, run: Run, instance: dg.DagsterInstance) -> None:
    add_partitions(instance, GARMENT, ["A1-1000-red"])
    result = run(keys=["A1-1000-red"])
    assert not result.success
    assert statuses(instance, STILLS) == {"A1-1000-red": "FAILED"}
    assert mockups.skus() == []


def test_the_sensor_queues_what_is_pending_and_asks_for_a_drain(mockups: Mockups, instance: dg.DagsterInstance) -> None:
    loaded = definitions(mockups)
    sensor = loaded.resolve_sensor_def("mockups_jobs_sensor")
    with dg.build_sensor_context(instance, definitions=loaded) as context:
        assert sensor.evaluate_tick(context).run_requests in (None, [])
        with mockups.render_jobs() as jobs:
            jobs.create(NewJob(PRODUCT, "chest-medium", options=JobOptions(text="Anna")))
        assert len(sensor.evaluate_tick(context).run_requests or ()) == 1


def test_the_checks_find_failures_and_lost_files(mockups: Mockups, run: Run) -> None:
    order(mockups, "Anna")
    order(mockups, "refused")
    run()
    lost = next(iter(mockups.services.objects.sizes("mockups")))
    mockups.services.objects.delete(lost)
    result = run("mockups_check")
    passed = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert {name for name, is_passed in passed.items() if not is_passed} == {
        "no_render_job_failed",
        "every_picture_is_stored",
    }
    assert len(passed) == 6


def test_old_failures_are_cleaned_up_by_the_job_of_the_night(mockups: Mockups, run: Run) -> None:
    order(mockups, "refused")
    run()
    mockups.settings = mockups.settings.model_copy(update={"mockup_keep_failed_days": 1e-9})
    assert run("mockups_cleanup").success
    with mockups.render_jobs() as jobs:
        assert jobs.list_jobs() == []
        assert len(jobs.list_jobs(JobFilters(with_deleted=True))) == 1
