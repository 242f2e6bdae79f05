"""The signup images as an asset: what a refresh reports, and when one is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.gallery import defs
from orchestration.gallery.gallery import Gallery
from orchestration.services import Services
from orchestration_tests.gallery.defs.running import execute, metadata, run
from orchestration_tests.gallery.public_rows import picture, public_row, publish
from orchestration_tests.runtime.queued_runs import add_run
from orchestration_tests.runtime.ticks import tick

SIGNUP = dg.AssetKey(["gallery", "signup_images"])


def test_a_refresh_tells_counts_and_ids_and_nothing_personal(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with gallery.database.begin() as connection:
        publish(connection, [public_row(number, picture(number, 8 + number / 10)) for number in range(12)])
    reported = metadata(run(loaded, instance, "gallery_signup"))
    assert (reported["images"], reported["candidates"], reported["other_types"]) == (12, 12, False)
    assert (reported["best_score"], reported["lowest_score"]) == (9.1, 8.0)
    assert "| 9.1 | g11 |" in reported["best"]
    assert "prompt" not in str(reported), "what is taken back must not live on here"

    execute(gallery, "UPDATE generation_history SET nsfw = true")
    kept = metadata(run(loaded, instance, "gallery_signup"))
    assert kept["images"] == 0
    assert "the old set of 12 stays" in kept["kept"]


def test_an_empty_signup_set_is_filled_at_the_start_and_not_again_for_nothing(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    first = tick(loaded, "gallery_signup_sensor", instance)
    assert len(first.requests) == 1
    again = tick(loaded, "gallery_signup_sensor", instance, first.cursor)
    assert again[:2] == ([], "0 of 100 images, and no more to be had")

    with gallery.database.begin() as connection:
        publish(connection, [public_row(number) for number in range(100)])
    run(loaded, instance, "gallery_signup")
    assert not tick(loaded, "gallery_signup_sensor", instance).requests


def test_no_refresh_is_asked_for_while_one_is_queued(loaded: dg.Definitions, instance: dg.DagsterInstance) -> None:
    add_run(instance, dg.DagsterRunStatus.QUEUED, "gallery_signup")
    assert tick(loaded, "gallery_signup_sensor", instance)[:2] == ([], "A refresh is under way")
    (run,) = instance.get_runs()
    instance.report_run_failed(run, "its process was killed")
    assert len(tick(loaded, "gallery_signup_sensor", instance).requests) == 1


def test_an_empty_set_costs_no_run_at_each_look_while_the_mirror_is_behind(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    execute(gallery, "INSERT INTO task (queue, key) VALUES ('mirror', 'h')")
    first = tick(loaded, "gallery_signup_sensor", instance)
    assert len(first.requests) == 1
    again = tick(loaded, "gallery_signup_sensor", instance, first.cursor)
    assert not again.requests
    execute(gallery, "DELETE FROM task")
    assert len(tick(loaded, "gallery_signup_sensor", instance, first.cursor).requests) == 1


def test_the_schedule_refreshes_when_the_last_attempt_is_old_enough(gallery: Gallery, loaded: dg.Definitions) -> None:
    schedule = loaded.resolve_schedule_def("gallery_signup_schedule")
    with dg.instance_for_test() as instance:  # a schedule opens the instance anew

        def asked(hours: float) -> int:
            context = dg.build_schedule_context(instance, datetime.now(UTC) + timedelta(hours=hours))
            with context:
                return len(schedule.evaluate_tick(context).run_requests or ())

        assert asked(48) == 0  # the sensor makes the first one
        with gallery.database.begin() as connection:
            publish(connection, [public_row(1)])
        run(loaded, instance, "gallery_signup")
        assert [asked(23.9), asked(24.1)] == [0, 1]


def test_the_freshness_that_is_asked_for_follows_from_the_settings(gallery: Gallery) -> None:
    settings = gallery.settings.model_copy(update={"signup_refresh_hours": 8.0})
    node = defs.definitions(Gallery(Services(settings))).resolve_asset_graph().get(SIGNUP)
    policy = node.freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(timedelta(hours=10))


def test_a_full_set_grows_old_also_where_dagster_has_forgotten_its_runs(
    gallery: Gallery, loaded: dg.Definitions
) -> None:
    execute(gallery, "INSERT INTO signup_image (image_url, cached_at) VALUES ('https://x', now())")
    schedule = loaded.resolve_schedule_def("gallery_signup_schedule")
    with dg.instance_for_test() as instance:
        for hours, runs in ((1, 0), (25, 1)):
            context = dg.build_schedule_context(instance, datetime.now(UTC) + timedelta(hours=hours))
            with context:
                assert len(schedule.evaluate_tick(context).run_requests or ()) == runs
