"""The mirror as an asset: what a run does and reports, when the next one comes, what the checks say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.gallery import history
from orchestration.gallery.defs import public_generations_metadata
from orchestration.gallery.defs.public_generations_metadata import MirrorReport
from orchestration.gallery.history import Visibility
from orchestration.gallery.mirror import MirrorEffect, MirrorResult
from orchestration.gallery.queues import mirror_task
from orchestration_tests.gallery.defs.running import QUIET, execute, failed_checks, metadata, mirror, run, write
from orchestration_tests.gallery.public_rows import public_row, publish
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    import pytest

    from orchestration.gallery.gallery import Gallery

PUBLIC = dg.AssetKey(["gallery", "public_generations"])


def test_a_drain_tells_what_became_of_how_many_how_fast_and_how_the_queue_stands(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "a", "b", "c")
    write(gallery, "broken", document={"images": "none"})
    reported = mirror(loaded, instance)
    assert {name: reported[name] for name in ("added", "changed", "removed", "unchanged", "failed")} == {
        "added": 3, "changed": 0, "removed": 0, "unchanged": 0, "failed": 1,
    }  # fmt: skip
    assert (reported["queue_waiting"], reported["queue_active"], reported["queue_dead_letters"]) == (0, 0, 1)
    assert 0 < reported["latency_p50_ms"] <= reported["latency_p99_ms"]
    assert reported["items_per_second"] > 0
    assert "| a | upsert | added |" in reported["newest"]
    assert "broken" in reported["failures"]

    with gallery.database.begin() as connection:
        history.set_visibility(connection, ["a"], Visibility.PRIVATE)
    assert mirror(loaded, instance)["removed"] == 1


def test_keys_in_the_run_config_are_mirrored_and_nothing_waits_for_more(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "a")
    mirror(loaded, instance)
    reported = mirror(loaded, instance, keys=["a"], idle_seconds=60.0)
    assert (reported["unchanged"], reported["added"]) == (1, 0)


def test_the_drift_run_finds_and_mends_what_differs_and_the_check_calls_what_is_wrongly_shown_an_error(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "a", "b", "c")
    mirror(loaded, instance)
    execute(gallery, "DELETE FROM public_generation WHERE history_id = 'a'")
    failed = failed_checks(loaded, instance)["mirror_equals_source"]
    assert failed.severity is dg.AssetCheckSeverity.WARN

    with gallery.database.begin() as connection:
        history.set_visibility(connection, ["b"], Visibility.PRIVATE)
    execute(gallery, "DELETE FROM task WHERE queue = 'mirror'")
    failed = failed_checks(loaded, instance)["mirror_equals_source"]
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert failed.metadata["count"].value == 2
    assert "--repair" in str(failed.metadata["remedy"].value)

    schedule = loaded.resolve_schedule_def("gallery_drift")
    (request,) = schedule.evaluate_tick(dg.build_schedule_context(instance)).run_requests or ()
    result = loaded.resolve_job_def("gallery_mirror").execute_in_process(
        {**request.run_config, "loggers": QUIET}, instance
    )
    reported = metadata(result)
    assert {name: reported[f"drift_{name}"] for name in ("shown_wrongly", "missing", "out_of_date")} == {
        "shown_wrongly": 1, "missing": 1, "out_of_date": 0,
    }  # fmt: skip
    assert (reported["added"], reported["removed"]) == (1, 1)
    assert "mirror_equals_source" not in failed_checks(loaded, instance)


def test_the_checks_pass_where_all_is_well_and_tell_what_is_not(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with gallery.database.begin() as connection:
        publish(connection, [public_row(number) for number in range(gallery.settings.signup_images)])
    mirror(loaded, instance)
    run(loaded, instance, "gallery_signup")
    assert failed_checks(loaded, instance) == {}

    write(gallery, "broken", document={"images": "none"})
    mirror(loaded, instance)
    execute(gallery, "UPDATE signup_image SET cached_at = cached_at - interval '40 hours'")
    execute(gallery, "UPDATE generation_history SET nsfw = true WHERE history_id = 'g1'")
    execute(gallery, "UPDATE task SET run_at = run_at - interval '1 hour' WHERE queue = 'mirror'")
    with gallery.database.begin() as connection:
        gallery.image_queue.enqueue(connection, [mirror_task("https://gone")])
    execute(
        gallery,
        "UPDATE task SET state = 'dead', reason = 'no', finished_at = now() WHERE queue = 'gallery-image'",
    )
    failed = failed_checks(loaded, instance)
    assert set(failed) == {
        "mirror_equals_source", "no_mirror_task_given_up", "no_stuck_tasks", "no_gallery_image_given_up",
        "signup_images_are_fresh",
        "signup_set_is_full",
    }  # fmt: skip
    assert failed["signup_set_is_full"].metadata["count"].value == 1


def test_a_long_drain_tells_what_it_did_whenever_there_was_something(
    gallery: Gallery, instance: dg.DagsterInstance
) -> None:
    @dg.asset(key=PUBLIC)
    def drained(context) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Dagster would resolve it here
        report = MirrorReport(context, gallery)
        for numbers in ((1, 2), (), (3,)):
            for number in numbers:
                report.record([MirrorResult(f"h{number}", "upsert", MirrorEffect.ADDED, 0.004)])
            report.heartbeat.report()

    assert dg.materialize([drained], instance=instance).success
    records = instance.fetch_materializations(PUBLIC, limit=10).records
    reported = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    assert [one["added"].value for one in reported if "added" in one] == [3, 2]
    assert reported[-1]["latency_p99_ms"].value == 4.0


def test_a_warm_drain_is_seen_at_work_before_it_ends(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_generations_metadata, "HEARTBEAT_SECONDS", 0.2)
    write(gallery, "early")
    run(loaded, instance, "gallery_mirror", idle_seconds=1.0)
    records = instance.fetch_materializations(PUBLIC, limit=10).records
    reported = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    assert [one["added"].value for one in reported] == [1, 1]


def test_a_drain_of_the_mirror_is_kept_up_and_more_while_much_is_queued(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    (warm,) = tick(loaded, "gallery_mirror_sensor", instance).requests
    assert warm.run_config["ops"]["gallery__public_generations"]["config"]["idle_seconds"] > 3_000
    execute(
        gallery,
        "INSERT INTO task (queue, key) SELECT 'mirror', 'h' || n FROM generate_series(1, 20001) AS n",
    )
    requests = tick(loaded, "gallery_mirror_sensor", instance).requests
    assert [bool(request.run_config) for request in requests] == [True, False]
