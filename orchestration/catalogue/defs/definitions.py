"""The catalogue's definitions, as one set."""

from __future__ import annotations

import dagster as dg

from orchestration.catalogue.defs import assets, checks
from orchestration.catalogue.defs.jobs import catalogue_jobs, drain_sensors, feed_sensor, nightly_audit
from orchestration.catalogue.pipeline import Catalogue
from orchestration.runtime.checks import check_sensors


def catalogue_definitions(catalogue: Catalogue) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this catalogue."""
    jobs = catalogue_jobs(catalogue.settings)
    return dg.Definitions(
        assets=[
            assets.promidata_feed,
            assets.categories,
            assets.supplier_feed,
            assets.family_tasks,
            assets.product_families,
            assets.image_tasks,
            assets.family_images,
            assets.variant_tasks,
            assets.image_variants,
        ],
        asset_checks=checks.CHECKS,
        jobs=[*jobs, checks.catalogue_check],
        sensors=[
            feed_sensor(catalogue, jobs.sync),
            *drain_sensors(catalogue, jobs),
            *check_sensors("catalogue", jobs, checks.catalogue_check),
        ],
        schedules=[nightly_audit(catalogue.settings.nightly_audit_cron, jobs.sync)],
        resources={"catalogue": catalogue},
    )
