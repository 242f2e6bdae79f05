"""The asset of order updates on a real instance: the shop hears of each print once, and of one bad message the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.cli.job_runner import job_runner
from orchestration.cli.prints_commands import check_prints, notify, render_prints
from orchestration.notifications.mail import MailChannel
from orchestration.prints.tasks import pool_process
from orchestration_tests.cli.conftest import restored_environment
from orchestration_tests.notifications.receivers import taking_mail
from orchestration_tests.notifications.sending import states
from orchestration_tests.prints.printing import order, rows, take_in
from orchestration_tests.prints.solid.sketching import sketch

if TYPE_CHECKING:
    import pytest

    from orchestration.notifications.channel import Message
    from orchestration.settings import Settings
    from orchestration.storage.database import Database


def test_the_shop_is_told_of_each_finished_print_once(
    settings: Settings, dagster_url: str, unused_tcp_port: int
) -> None:
    with restored_environment(), taking_mail(unused_tcp_port) as mailbox:
        values = {"dagster_database_url": dagster_url, "mail_to": ("shop@example.org",), "smtp_url": mailbox.url}
        with job_runner(settings.model_copy(update=values)) as runner:
            take_in(runner.domains.prints, order(1, "Jason"), order(2, "Jason"))
            render_prints(runner)
            notify(runner)
            notify(runner)
            found = runner.instance.fetch_materializations(dg.AssetKey(["prints", "order_updates"]), limit=1)

    assert len(mailbox.mails) == 2
    materialization = found.records[0].asset_materialization
    assert materialization is not None
    assert materialization.metadata["delivered"].value == 2


def test_one_message_that_meets_a_bug_fails_alone_and_the_run_is_red(
    settings: Settings, dagster_url: str, unused_tcp_port: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = MailChannel.send

    async def with_a_bug(channel: MailChannel, message: Message) -> None:
        if message.notice.data["order_number"] == "3":
            raise TypeError("a fault of ours")
        await send(channel, message)

    monkeypatch.setattr(pool_process, "make", sketch)
    monkeypatch.setattr(MailChannel, "send", with_a_bug)
    with restored_environment(), taking_mail(unused_tcp_port) as mailbox:
        values = {
            "dagster_database_url": dagster_url, "mail_to": ("shop@example.org",), "smtp_url": mailbox.url,
            "notification_attempts": 2, "notification_retry_seconds": 0.0,
        }  # fmt: skip
        with job_runner(settings.model_copy(update=values)) as runner:
            take_in(runner.domains.prints, *(order(number, f"Name {number}") for number in range(8)))
            render_prints(runner)
            outcome = notify(runner)
            check_prints(runner)
            [checked] = runner.instance.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(dg.AssetKey(["prints", "order_updates"]), "no_notification_given_up"), limit=1
            )

    assert not outcome.success
    [(message, reason)] = outcome.failed.items()
    assert message.startswith("email:shop@example.org print:4:")
    assert "TypeError in " in reason
    assert "a fault of ours" in reason
    assert (outcome.metadata["delivered"], outcome.metadata["given_up"]) == (7, 1)
    assert len(mailbox.mails) == 7
    assert sorted(states(database).values()) == ["delivered"] * 7 + ["given up"]
    [dead] = rows(database, "SELECT error, attempt FROM task WHERE queue = 'notification' AND state = 'dead'")
    assert dead["attempt"] == 2
    assert "TypeError" in dead["error"]
    assert checked.status.value == "FAILED"
