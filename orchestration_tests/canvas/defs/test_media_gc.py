"""The collection as Dagster runs and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from orchestration.canvas import defs
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.errors import ConfigurationError
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.canvas.media_gc.worlds import RealWorld, body_of, key_of
from orchestration_tests.media.pictures import encode, scene

if TYPE_CHECKING:
    from collections.abc import Mapping

ASSET = dg.AssetKey(["canvas", "media_gc"])
PICTURE = encode(scene(), "PNG")
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@pytest.fixture
def world(services: Services) -> RealWorld:
    """Twelve media in use, and a picture that nothing refers to."""
    real = RealWorld(services)
    for number in range(12):
        real.add(f"used-{number}")
        real.show(f"place-{number}", f"used-{number}")
    with real.services.database.begin() as connection:
        store_media(connection, real.services.objects, Upload("picture", PICTURE, "png"), real.clock())
    real.clock.turn(days=60)
    return real


def loaded(world: RealWorld) -> dg.Definitions:
    """The canvas's definitions, over the world's collector."""
    canvas = Canvas(world.collector.services)
    canvas.media = world.collector
    return defs.definitions(canvas)


def collect(world: RealWorld, instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    """Run the job with this config."""
    job = loaded(world).resolve_job_def("canvas_collect")
    run_config = {"ops": {"canvas__media_gc": {"config": config}}, "loggers": _QUIET}
    return job.execute_in_process(run_config, instance, raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult) -> Mapping[str, Any]:
    """The metadata of the materialization, as plain values."""
    (event,) = result.asset_materializations_for_node("canvas__media_gc")
    return {name: value.value for name, value in event.metadata.items()}


def checks(world: RealWorld, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks, by name."""
    job = loaded(world).resolve_job_def("canvas_media_check")
    result = job.execute_in_process({"loggers": _QUIET}, instance)
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def test_a_materialization_tells_what_was_marked_and_what_went(world: RealWorld, instance: dg.DagsterInstance) -> None:
    first = shown(collect(world, instance))
    assert (first["marked"], first["deleted"], first["freed_bytes"], first["counts_repaired"]) == (1, 0, 0, 0)
    assert "| picture |" in first["newly_marked"]
    assert "| elements | 12 |" in first["references"]

    world.clock.turn(days=3)
    rehearsed = shown(collect(world, instance, dry_run=True))
    second = shown(collect(world, instance))
    assert (rehearsed["dry_run"], second["dry_run"]) == (True, False)
    for told in (rehearsed, second):
        assert (told["deleted"], told["freed_bytes"]) == (1, len(PICTURE))
        assert told["goes: picture"].startswith("![picture](data:image/")
        assert len(told["goes: picture"]) < 1_000
    assert world.services.objects.size(key_of("used-1")) == len(body_of("used-1"))
    assert "picture" not in world.media()


def test_a_refused_collection_fails_with_its_reason_and_a_check_says_so(
    world: RealWorld, instance: dg.DagsterInstance
) -> None:
    for number in range(10):
        world.add(f"dead-{number}")
    result = collect(world, instance)
    assert not result.success
    failure = result.failure_data_for_node("canvas__media_gc")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "11 of 23 media" in str(failure.user_failure_data.description)
    failed = checks(world, instance)["collection_was_not_refused"]
    assert not failed.passed
    assert "orchestration gc --allow" in str(failed.metadata["remedy"].value)
    assert shown(collect(world, instance, force=True))["marked"] == 11
    assert checks(world, instance)["collection_was_not_refused"].passed


def test_the_checks_pass_on_a_sound_store_and_show_what_is_wrong_with_another(
    world: RealWorld, instance: dg.DagsterInstance
) -> None:
    collect(world, instance)
    assert {name for name, one in checks(world, instance).items() if not one.passed} == set()
    world.refer("bypassed", "picture")
    world.set_count("used-1", -1)
    world.lose_object(key_of("used-2"))
    found = checks(world, instance)
    failed = {name: one.metadata["count"].value for name, one in found.items() if not one.passed}
    assert failed == {"nothing_live_is_marked": 1, "reference_counts_are_true": 2, "bucket_equals_database": 1}
    assert "missing" in str(found["bucket_equals_database"].metadata["examples"].value)


def test_limits_come_from_the_run_config(world: RealWorld, instance: dg.DagsterInstance) -> None:
    assert shown(collect(world, instance, ttl_days=61.0))["marked"] == 0
    world.add("other", days_old=100)
    told = shown(collect(world, instance, max_items=1))
    assert (told["marked"], told["candidates"]) == (1, 2)


def test_a_cron_that_is_none_names_its_variable(world: RealWorld) -> None:
    world.collector.settings = Settings(gc_cron="now and then")
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_GC_CRON 'now and then' is no schedule"):
        loaded(world)


def test_the_definitions_touch_nothing(world: RealWorld) -> None:
    world.collector.services = Services(Settings(database_url="postgresql://127.0.0.1:1/x", object_store="ftp://no"))
    assert loaded(world).resolve_job_def("canvas_collect").tags["dagster/max_runtime"] == "7200"
