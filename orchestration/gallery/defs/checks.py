"""The gallery's asset checks: standing inventories of what is wrong, with examples and the remedy.

Belongs here: which question is asked of which asset. Does not: the questions.
"""

from datetime import UTC, datetime

import dagster as dg

from orchestration.gallery.defs.assets import image_variants, public_generations, signup_images
from orchestration.gallery.drift import drift_finding, find_drift
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.signup import signup_set
from orchestration.gallery.signup_health import missing_images, old_set
from orchestration.observability.findings import together
from orchestration.runtime.checks import DomainChecks, check_job, check_result
from orchestration.work_queue.health import dead_letters, stuck_tasks

# Mirror tasks take milliseconds.
STUCK_SECONDS = 600.0

_checks = DomainChecks[Gallery]("gallery")


@dg.asset_check(
    name="mirror_equals_source",
    asset=public_generations,
    description="The mirror shows what the history says, and nothing that is private, deleted or taken down.",
)
def mirror_equals_source(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """Compare the two; an error when something is visible that must not be."""
    with gallery.database.connect() as connection:
        drift = find_drift(connection)
    severity = dg.AssetCheckSeverity.ERROR if drift.extra else dg.AssetCheckSeverity.WARN
    return check_result(drift_finding(drift), severity)


CHECKS = [
    mirror_equals_source,
    _checks.ask(
        "no_mirror_task_given_up",
        public_generations,
        lambda gallery, connection: dead_letters(connection, gallery.mirror),
        description="Every change of the history could be mirrored.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "no_stuck_tasks",
        public_generations,
        lambda gallery, connection: stuck_tasks(connection, gallery.mirror, seconds=STUCK_SECONDS),
        description="No change of the history waits or works for long, or was tried again and again.",
    ),
    _checks.ask(
        "no_gallery_image_given_up",
        image_variants,
        lambda gallery, connection: together(
            dead_letters(connection, gallery.images), dead_letters(connection, gallery.variants)
        ),
        description="Every image of a public item could be fetched and rendered.",
    ),
    _checks.ask(
        "signup_images_are_fresh",
        signup_images,
        lambda gallery, connection: old_set(
            signup_set(connection), gallery.settings.signup_refresh_hours, datetime.now(UTC)
        ),
        description="The signup images were refreshed in time.",
    ),
    _checks.ask(
        "signup_set_is_full",
        signup_images,
        lambda gallery, connection: missing_images(signup_set(connection), gallery.settings.signup_images),
        description="The signup page has as many images to choose from as it should.",
    ),
]

gallery_check = check_job("gallery", CHECKS)
