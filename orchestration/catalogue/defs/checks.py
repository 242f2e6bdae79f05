"""The catalogue's asset checks: standing inventories of what is wrong, with examples and the remedy."""

from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from orchestration.catalogue import health
from orchestration.catalogue.defs.assets import family_images, image_variants, product_families, supplier_feed
from orchestration.catalogue.pipeline import Catalogue
from orchestration.observability.findings import Finding
from orchestration.runtime.checks import check_job, check_result
from orchestration.work_queue.health import dead_letters


def _check(
    name: str,
    asset: dg.AssetsDefinition,
    ask: Callable[[Catalogue, sa.Connection], Finding],
    *,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetChecksDefinition:
    @dg.asset_check(name=name, asset=asset, description=description)
    def check(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
        with catalogue.database.connect() as connection:
            return check_result(ask(catalogue, connection), severity)

    return check


CHECKS = [
    _check(
        "no_removals_held_back",
        supplier_feed,
        lambda _, connection: health.held_back_removals(connection),
        description="No supplier's removals are held back by the mass-change guard.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _check(
        "quarantine_is_empty",
        product_families,
        lambda _, connection: health.quarantined_documents(connection),
        description="Every document of the feed could be used.",
    ),
    _check(
        "no_drift",
        product_families,
        lambda _, connection: health.drifted_fields(connection),
        description="No field of a supplier's documents is new, gone, or of another type.",
    ),
    _check(
        "no_family_given_up",
        product_families,
        lambda catalogue, connection: dead_letters(connection, catalogue.families),
        description="Every queued family could be imported.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _check(
        "skus_are_unique",
        product_families,
        lambda _, connection: health.shared_skus(connection),
        description="No variant's SKU is listed by two active families.",
    ),
    _check(
        "no_image_given_up",
        family_images,
        lambda catalogue, connection: dead_letters(connection, catalogue.images),
        description="Every image could be mirrored.",
    ),
    _check(
        "no_variant_given_up",
        image_variants,
        lambda catalogue, connection: dead_letters(connection, catalogue.variants),
        description="Every stored image could be rendered.",
    ),
]

catalogue_check = check_job("catalogue", CHECKS)
