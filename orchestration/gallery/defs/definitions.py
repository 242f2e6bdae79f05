"""The gallery's definitions, as one set.

Belongs here: which parts there are, and the freshness that the settings ask for. Does not: the parts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.gallery.defs import assets, checks, jobs
from orchestration.gallery.signup_health import TOLERANCE
from orchestration.runtime.checks import check_sensors

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery

SHORTEST_WINDOW = timedelta(minutes=1)  # that Dagster allows


def gallery_definitions(gallery: Gallery) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this gallery."""
    return dg.Definitions(
        assets=[
            assets.generation_history,
            assets.mirror_tasks,
            assets.public_generations,
            assets.image_tasks,
            assets.image_variants,
            _fresh(assets.signup_images, gallery.settings.signup_refresh_hours),
        ],
        asset_checks=checks.CHECKS,
        jobs=[*jobs.JOBS, checks.gallery_check],
        sensors=[
            *jobs.drain_sensors(gallery),
            jobs.signup_sensor(gallery),
            *check_sensors("gallery", jobs.JOBS, checks.gallery_check),
        ],
        schedules=[jobs.drift_schedule(gallery), jobs.signup_schedule(gallery)],
        resources={"gallery": gallery},
    )


def _fresh(asset: dg.AssetsDefinition, hours: float) -> dg.AssetsDefinition:
    """The asset with the freshness that its refreshes should keep to."""
    window = max(SHORTEST_WINDOW, timedelta(hours=hours * TOLERANCE))
    policy = dg.FreshnessPolicy.time_window(fail_window=window)
    return asset.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))
