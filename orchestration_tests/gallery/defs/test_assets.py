"""The gallery's assets on a real instance: what a run does, and what operators read beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import sqlalchemy as sa

from orchestration.assembly import build_definitions
from orchestration.domains import Domains
from orchestration.gallery import history
from orchestration.gallery.defs import reports
from orchestration.gallery.defs.reports import MirrorReport
from orchestration.gallery.history import NewGeneration, Status, Visibility
from orchestration.gallery.mirror import Effect, Mirrored
from orchestration.gallery.queues import mirror_task
from orchestration.work_queue.policy import QueuePolicy
from orchestration_tests.gallery.public_rows import picture, public_row, publish
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.gallery.gallery import Gallery
    from orchestration.services import Services

_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
PUBLIC = dg.AssetKey(["gallery", "public_generations"])
SIGNUP = dg.AssetKey(["gallery", "signup_images"])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory: what these tests ask of it does not depend on where it lies."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def gallery(services: Services, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """An empty gallery, whose drains find out quickly that there is nothing left to do."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _in_vain: 0.02)
    return Domains(services).gallery


@pytest.fixture
def loaded(gallery: Gallery) -> dg.Definitions:
    """The definitions over it."""
    domains = Domains(gallery.services)
    domains.gallery = gallery
    return build_definitions(gallery.settings, domains)


def run(loaded: dg.Definitions, instance: dg.DagsterInstance, job: str, **config: object) -> dg.ExecuteInProcessResult:
    """Execute a job of the gallery; `config` is that of its one asset."""
    (asset,) = loaded.resolve_job_def(job).asset_layer.selected_asset_keys
    ops = {asset.to_python_identifier(): {"config": config}} if config else {}
    return loaded.resolve_job_def(job).execute_in_process({"ops": ops, "loggers": _QUIET}, instance)


def mirror(loaded: dg.Definitions, instance: dg.DagsterInstance, **config: object) -> dict[str, Any]:
    """Drain the mirror; the metadata of the run."""
    return metadata(run(loaded, instance, "gallery_mirror", **{"idle_seconds": None, **config}))


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What is told beside the one materialization of a run."""
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def failed_checks(loaded: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that do not pass, by name."""
    result = loaded.resolve_job_def("gallery_check").execute_in_process({"loggers": _QUIET}, instance)
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == 6
    return {one.check_name: one for one in evaluations if not one.passed}


def write(gallery: Gallery, *history_ids: str, document: dict[str, Any] | None = None) -> None:
    """Write public generations into the history."""
    items = [NewGeneration(one, "u", document or {}, Status.COMPLETED, is_public=True) for one in history_ids]
    with gallery.database.begin() as connection:
        history.create(connection, items)


def execute(gallery: Gallery, statement: str) -> None:
    """What goes past all rules."""
    with gallery.database.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_drain_tells_what_became_of_how_many_how_fast_and_how_the_queue_stands(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "a", "b", "c")
    write(gallery, "broken", document={"images": "none"})
    told = mirror(loaded, instance)
    assert {name: told[name] for name in ("added", "changed", "removed", "unchanged", "failed")} == {
        "added": 3, "changed": 0, "removed": 0, "unchanged": 0, "failed": 1,
    }  # fmt: skip
    assert (told["queue_waiting"], told["queue_active"], told["queue_dead_letters"]) == (0, 0, 1)
    assert 0 < told["latency_p50_ms"] <= told["latency_p99_ms"]
    assert told["items_per_second"] > 0
    assert "| a | upsert | added |" in told["newest"]
    assert "broken" in told["failures"]

    with gallery.database.begin() as connection:
        history.set_visibility(connection, ["a"], Visibility.PRIVATE)
    assert mirror(loaded, instance)["removed"] == 1


def test_keys_in_the_run_config_are_mirrored_and_nothing_waits_for_more(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "a")
    mirror(loaded, instance)
    told = mirror(loaded, instance, keys=["a"], idle_seconds=60.0)
    assert (told["unchanged"], told["added"]) == (1, 0)


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
        {**request.run_config, "loggers": _QUIET}, instance
    )
    told = metadata(result)
    assert {name: told[f"drift_{name}"] for name in ("shown_wrongly", "missing", "out_of_date")} == {
        "shown_wrongly": 1, "missing": 1, "out_of_date": 0,
    }  # fmt: skip
    assert (told["added"], told["removed"]) == (1, 1)
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
        gallery.images.enqueue(connection, [mirror_task("https://gone")])
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


def test_a_refresh_tells_its_counts_and_shows_pictures_that_are_stored(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with gallery.database.begin() as connection:
        publish(connection, [public_row(number, picture(number, 8 + number / 10)) for number in range(12)])
    told = metadata(run(loaded, instance, "gallery_signup"))
    assert (told["images"], told["candidates"], told["other_types"]) == (12, 12, False)
    assert (told["best_score"], told["lowest_score"]) == (9.1, 8.0)
    assert "| 9.1 |" in told["best"]

    execute(gallery, "UPDATE generation_history SET nsfw = true")
    kept = metadata(run(loaded, instance, "gallery_signup"))
    assert kept["images"] == 0
    assert "the old set of 12 stays" in kept["kept"]


def test_a_long_drain_tells_what_it_did_whenever_there_was_something(
    gallery: Gallery, instance: dg.DagsterInstance
) -> None:
    @dg.asset(key=PUBLIC)
    def drained(context) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Dagster would resolve it here
        report = MirrorReport(context, gallery)
        for numbers in ((1, 2), (), (3,)):
            for number in numbers:
                report.record([Mirrored(f"h{number}", "upsert", Effect.ADDED, 0.004)])
            report.heartbeat.tell()

    assert dg.materialize([drained], instance=instance).success
    records = instance.fetch_materializations(PUBLIC, limit=10).records
    told = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    assert [one["added"].value for one in told if "added" in one] == [3, 2]
    assert told[-1]["latency_p99_ms"].value == 4.0


def test_a_warm_drain_is_seen_at_work_before_it_ends(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "HEARTBEAT_SECONDS", 0.2)
    write(gallery, "early")
    run(loaded, instance, "gallery_mirror", idle_seconds=1.0)
    records = instance.fetch_materializations(PUBLIC, limit=10).records
    told = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    assert [one["added"].value for one in told] == [1, 1]


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


def test_images_are_fetched_by_runs_of_their_own(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert not tick(loaded, "gallery_images_sensor", instance).requests
    execute(gallery, "INSERT INTO task (queue, key) VALUES ('gallery-variant', 'aa')")
    assert len(tick(loaded, "gallery_images_sensor", instance).requests) == 1
    told = metadata(run(loaded, instance, "gallery_render", idle_seconds=None))
    assert (told["fetched_stored"], told["failed"]) == (0, 1)


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
    node = build_definitions(settings).resolve_asset_graph().get(SIGNUP)
    policy = node.freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(timedelta(hours=10))
