"""From finished prints to the shop: the asset `prints/order_updates`, with its check, job and sensor.

Keep out: how notices are written and sent (`orchestration.notifications`).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.notifications.delivery import Delivery, deliver
from orchestration.notifications.health import dead_notifications, ended_channels
from orchestration.prints.defs.stl import stl
from orchestration.prints.prints import Prints
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.metadata import markdown_table
from orchestration.runtime.recording import asset_results

# One sender keeps to the receivers' rate limits.
SENDERS = 1
TASKS_PER_SENDER = 5_000

notification_tasks = queue_spec(
    "prints/notification_tasks",
    deps=[stl],
    description="The queue `notification`: finished prints that the shop is to hear of, written with each print.",
)


@domain_asset(
    "prints/order_updates",
    pool=Pool("prints_notify", SENDERS),
    kinds={"postgres"},
    max_runtime=7_200,
    deps=[notification_tasks],
    description="What the shop was notified of: ShipStation's custom field, webhooks and mails, each once.",
)
def order_updates(
    context: dg.AssetExecutionContext, config: DrainConfig, prints: dg.ResourceParam[Prints]
) -> Iterator[dg.MaterializeResult[None]]:
    """Deliver the notifications that are due."""
    report = DeliveryReport()
    with drain_step(context, config) as step:
        asyncio.run(deliver(prints.database, prints.outbox, report.record, step.options))
        yield from asset_results(report.metadata(), report.failures())


class DeliveryReport:
    """Adds up the notifications of a run."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._dead: dict[tuple[str, str], Delivery] = {}

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Count a batch."""
        for delivery in deliveries:
            ending = "delivered" if delivery.problem is None else "given_up" if delivery.is_final else "retried"
            self._counts[ending] += 1
            self._dead.pop((delivery.channel, delivery.key), None)
            if ending == "delivered":
                self._counts[f"delivered_by_{delivery.channel}"] += 1
            if ending == "given_up":
                self._dead[delivery.channel, delivery.key] = delivery

    def failures(self) -> dict[str, str]:
        """Why each dead notification was not delivered, by channel and notice."""
        return {f"{one.channel} {one.key}": str(one.problem) for one in self._dead.values()}

    def metadata(self) -> dict[str, Any]:
        """How many were delivered, by channel, and which are dead."""
        found: dict[str, Any] = {"delivered": 0, "retried": 0, "given_up": 0, **self._counts}
        if self._dead:
            rows = [(one.channel, one.key, one.attempt, one.problem) for one in self._dead.values()]
            found["failures"] = dg.MetadataValue.md(markdown_table(("channel", "notice", "attempts", "problem"), rows))
        return found


@dg.asset_check(asset=order_updates, description="The shop could be notified of every finished print.")
def no_notification_given_up(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Look for dead notifications."""
    return check(prints, dead_notifications)


@dg.asset_check(asset=order_updates, description="Every address that is set still takes notifications.")
def no_address_has_ended(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Look for addresses whose receivers have asked for no more."""
    return check(prints, lambda connection: ended_channels(connection, prints.outbox.channels))


CHECKS = [no_notification_given_up, no_address_has_ended]


def definitions(prints: Prints, checks: AssetJob) -> dg.Definitions:
    """What reports finished prints; the job `checks` runs after each run."""
    job = asset_job("prints_notify", order_updates, description="Notify the shop of finished prints.", checks=checks)
    scale = DrainScale(TASKS_PER_SENDER, SENDERS)
    sensor = drain_sensor("prints_notifications_sensor", job, prints.services, [prints.outbox.queue], scale)
    return dg.Definitions(assets=[notification_tasks, order_updates], asset_checks=CHECKS, jobs=[job], sensors=[sensor])
