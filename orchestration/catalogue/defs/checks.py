"""The catalogue's asset checks: standing inventories of what is wrong, with examples and the remedy.

They look at the database, not at one run, and run by themselves after every run of the catalogue.
"""

from collections.abc import Callable, Sequence

import dagster as dg
import sqlalchemy as sa

from orchestration.catalogue import health
from orchestration.catalogue.defs.assets import family_images, image_variants, product_families, supplier_feed
from orchestration.catalogue.defs.metadata import markdown_table
from orchestration.catalogue.pipeline import Catalogue
from orchestration.runtime.assets import AssetJob


def _check(
    name: str,
    asset: dg.AssetsDefinition,
    ask: Callable[[Catalogue, sa.Connection], health.Finding],
    *,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetChecksDefinition:
    @dg.asset_check(name=name, asset=asset, description=description)
    def check(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
        with catalogue.database.connect() as connection:
            found = ask(catalogue, connection)
        shown: dict[str, dg.MetadataValue] = {"count": dg.MetadataValue.int(found.total)}
        if found.total:
            shown["remedy"] = dg.MetadataValue.text(found.remedy)
            shown["examples"] = dg.MetadataValue.md(markdown_table(found.columns, found.examples))
        return dg.AssetCheckResult(passed=not found.total, severity=severity, metadata=shown)

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
        lambda catalogue, connection: health.dead_letters(connection, catalogue.families),
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
        lambda catalogue, connection: health.dead_letters(connection, catalogue.images),
        description="Every image could be mirrored.",
    ),
    _check(
        "no_variant_given_up",
        image_variants,
        lambda catalogue, connection: health.dead_letters(connection, catalogue.variants),
        description="Every stored image could be rendered.",
    ),
]

catalogue_check = dg.define_asset_job(
    "catalogue_check",
    dg.AssetSelection.checks(*CHECKS),
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": "300"},
    description="Look at what is standing wrong in the catalogue.",
)


def check_sensors(jobs: Sequence[AssetJob]) -> list[dg.SensorDefinition]:
    """The sensors that run the checks after each run of `jobs`, however it ended."""
    return [_sensor_after(status, jobs) for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)]


def _sensor_after(status: dg.DagsterRunStatus, jobs: Sequence[AssetJob]) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"catalogue_checks_after_{status.value.lower()}_sensor",
        monitored_jobs=list(jobs),
        request_job=catalogue_check,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the catalogue's checks after each of its runs.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return sensor
