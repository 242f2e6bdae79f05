"""The assets of prints on a real instance: a partition a SKU, with pictures, and checks that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.cli.conductor import Conductor, conductor
from orchestration.prints.defs.partitions import skus
from orchestration.prints.refusal import Check
from orchestration_tests.cli.conftest import restored_environment
from orchestration_tests.notifications.receivers import taking_mail
from orchestration_tests.prints.printing import STYLE3, TAG, order, renders, run_sql, take_in, tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings
    from orchestration.storage.database import Database

STL = dg.AssetKey(["prints", "stl"])


@pytest.fixture
def conduct(settings: Settings, dagster_url: str) -> Iterator[Conductor]:
    """A conductor; the variables that it sets for Dagster are taken back."""
    values = {"dagster_database_url": dagster_url, "print_retry_seconds": 0.0, "print_attempts": 2}
    with restored_environment(), conductor(settings.model_copy(update=values)) as conduct:
        yield conduct


def statuses(conduct: Conductor) -> dict[str, str]:
    """What the UI's partition view shows, by SKU."""
    keys = skus.get_partition_keys(dynamic_partitions_store=conduct.instance)
    found = conduct.instance.get_status_by_partition(STL, keys, skus) or {}
    return {key: status.value if status else "MISSING" for key, status in found.items()}


def latest(conduct: Conductor, sku: str) -> dict[str, dg.MetadataValue]:
    """The metadata of a SKU's last materialization."""
    records = conduct.instance.fetch_materializations(dg.AssetRecordsFilter(STL, asset_partitions=[sku]), limit=1)
    materialization = records.records[0].asset_materialization
    assert materialization is not None
    return dict(materialization.metadata)


def check(conduct: Conductor, name: str) -> dg.AssetCheckEvaluation:
    """The last outcome of a check."""
    key = dg.AssetCheckKey(STL, name)
    [record] = conduct.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data


def test_a_drain_gives_each_sku_a_materialization_with_pictures_and_times(conduct: Conductor) -> None:
    take_in(conduct.prints, order(1, "Jason"), order(2, "Jason"), order(3, "Mia \U0001f496"), order(4, "Oweny", STYLE3))

    outcome = conduct.render_prints()

    assert outcome.success
    assert statuses(conduct) == {TAG: "MATERIALIZED", STYLE3: "MATERIALIZED"}
    shown = latest(conduct, TAG)
    assert [shown[name].value for name in ("rendered", "cached", "refused", "failed")] == [1, 1, 1, 0]
    assert shown["milliseconds"].value == pytest.approx(shown["milliseconds_median"].value, abs=0.1)
    picture = str(shown["sample_1"].value)
    assert picture.startswith("![task 1](data:image/webp;base64,")
    assert len(picture) < 1_000
    assert "leave it out" in str(shown["failures"].value)


def test_a_sku_is_materialized_by_itself_and_with_force_all_of_it(conduct: Conductor, database: Database) -> None:
    take_in(conduct.prints, order(1, "Jason"), order(2, "Oweny", STYLE3))
    conduct.render_prints()

    assert conduct.materialize("prints/stl", [STYLE3]).success
    assert latest(conduct, STYLE3)["rendered"].value == 0

    assert conduct.render_prints(keys=[STYLE3], force=True).success
    assert latest(conduct, STYLE3)["rendered"].value == 1
    assert renders(database) == 3


def test_the_ui_materializes_a_partition_by_its_key(conduct: Conductor) -> None:
    take_in(conduct.prints, order(1, "Jason"), order(2, "Oweny", STYLE3, order_status="on_hold"))
    conduct.render_prints()
    job = conduct._definitions.resolve_job_def("prints_render")

    config = {"ops": {"prints__stl": {"config": {"all_orders": True}}}}
    result = job.execute_in_process(config, conduct.instance, partition_key=STYLE3)

    assert result.success
    assert statuses(conduct) == {TAG: "MATERIALIZED", STYLE3: "MATERIALIZED"}
    assert latest(conduct, STYLE3)["rendered"].value == 1


def test_a_sku_whose_tasks_were_all_given_up_is_red(conduct: Conductor, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(conduct.prints, order(1, "Jason"), order(2, "Oweny", STYLE3))

    async def broken(*_: object, **__: object) -> bool:
        raise OSError("no room left")

    monkeypatch.setattr(conduct.prints.services.objects, "put_once", broken)
    outcome = conduct.render_prints()
    conduct.check_prints()

    assert not outcome.success
    assert outcome.failed == dict.fromkeys((TAG, STYLE3), "OSError: no room left")
    assert tasks(conduct.prints.database)[0]["annotation"] == (
        "STL render error (2/2): TransientError: OSError: no room left"
    )
    assert not check(conduct, "no_print_given_up").passed


def test_checks_say_which_character_or_measure_failed_and_show_it(conduct: Conductor, database: Database) -> None:
    long_name = "Annabella Konstantinopoulou-Papadimitriou"
    take_in(conduct.prints, order(1, "Mia \U0001f496"), order(2, long_name, STYLE3), order(3, "Jason"))
    conduct.render_prints()
    run_sql(database, "UPDATE print_output SET bytes = bytes + 1 WHERE task_id = 3 AND kind = 'stl'")
    conduct.check_prints()

    assert "U+1F496" in str(check(conduct, "text_printable").metadata["examples"].value)
    bed = check(conduct, Check.BED.value)
    assert not bed.passed
    assert "shorten the text" in str(bed.metadata["examples"].value)
    assert str(bed.metadata["task 2"].value).startswith("![task 2](data:image/")
    assert check(conduct, Check.STROKES.value).passed
    assert not check(conduct, "every_output_is_stored").passed


def test_the_sensor_queues_what_is_pending_and_asks_for_a_drain(conduct: Conductor, database: Database) -> None:
    take_in(conduct.prints, order(1, "Jason", order_status="on_hold"))
    definitions = conduct._definitions
    sensor = definitions.resolve_sensor_def("prints_tasks_sensor")

    def tick() -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=conduct.instance, definitions=definitions)
        return list(sensor.evaluate_tick(context).run_requests or ())

    assert tick() == []
    run_sql(database, "UPDATE shop_order SET order_status = 'awaiting_shipment'")
    assert len(tick()) == 1


def test_the_schedule_launches_a_drain_only_when_something_is_due(conduct: Conductor, database: Database) -> None:
    definitions = conduct._definitions
    schedule = definitions.resolve_schedule_def("prints_stale_tasks")

    def tick() -> list[dg.RunRequest]:
        context = dg.build_schedule_context(instance=conduct.instance)
        return list(schedule.evaluate_tick(context).run_requests or ())

    assert tick() == []
    take_in(conduct.prints, order(1, "Jason"))
    run_sql(database, "DELETE FROM task")
    run_sql(database, "UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()")
    assert len(tick()) == 1
    assert tasks(database)[0]["stl_render_state"] == "pending"


def test_the_shop_is_told_of_each_finished_print_once(
    settings: Settings, dagster_url: str, unused_tcp_port: int
) -> None:
    with restored_environment(), taking_mail(unused_tcp_port) as mailbox:
        values = {"dagster_database_url": dagster_url, "mail_to": ("shop@example.org",), "smtp_url": mailbox.url}
        with conductor(settings.model_copy(update=values)) as conduct:
            take_in(conduct.prints, order(1, "Jason"), order(2, "Jason"))
            conduct.render_prints()
            conduct.notify()
            conduct.notify()
            found = conduct.instance.fetch_materializations(dg.AssetKey(["prints", "order_updates"]), limit=1)

    assert len(mailbox.mails) == 2
    materialization = found.records[0].asset_materialization
    assert materialization is not None
    assert materialization.metadata["delivered"].value == 2
