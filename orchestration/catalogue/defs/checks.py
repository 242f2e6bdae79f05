"""The catalogue's asset checks: standing inventories of what is wrong, with examples and the remedy."""

import dagster as dg

from orchestration.catalogue import health
from orchestration.catalogue.defs.assets import family_images, image_variants, product_families, supplier_feed
from orchestration.catalogue.pipeline import Catalogue
from orchestration.runtime.checks import DomainChecks, check_job
from orchestration.work_queue.health import dead_letters

_checks = DomainChecks[Catalogue]("catalogue")


CHECKS = [
    _checks.ask(
        "no_removals_held_back",
        supplier_feed,
        lambda _, connection: health.held_back_removals(connection),
        description="No supplier's removals are held back by the mass-change guard.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "quarantine_is_empty",
        product_families,
        lambda _, connection: health.quarantined_documents(connection),
        description="Every document of the feed could be used.",
    ),
    _checks.ask(
        "no_drift",
        product_families,
        lambda _, connection: health.drifted_fields(connection),
        description="No field of a supplier's documents is new, gone, or of another type.",
    ),
    _checks.ask(
        "no_family_given_up",
        product_families,
        lambda catalogue, connection: dead_letters(connection, catalogue.families),
        description="Every queued family could be imported.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "skus_are_unique",
        product_families,
        lambda _, connection: health.shared_skus(connection),
        description="No variant's SKU is listed by two active families.",
    ),
    _checks.ask(
        "no_image_given_up",
        family_images,
        lambda catalogue, connection: dead_letters(connection, catalogue.images),
        description="Every image could be mirrored.",
    ),
    _checks.ask(
        "no_variant_given_up",
        image_variants,
        lambda catalogue, connection: dead_letters(connection, catalogue.variants),
        description="Every stored image could be rendered.",
    ),
]

catalogue_check = check_job("catalogue", CHECKS)
