"""From printable files to plates: the asset `prints/plates`, with its check and job.

Plates are made when they are asked for, by command, request or in the UI: a plate that were made with each finished
print would hold one product. Keep out: packing and files (`orchestration.prints.plates`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from orchestration.prints import health
from orchestration.prints.defs.stl import stl
from orchestration.prints.plates.plates import MOST_TASKS, MadePlates, PlateOptions, make_plates
from orchestration.prints.plates.rows import StoredPlate, list_plates
from orchestration.prints.prints import Prints
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset
from orchestration.runtime.checks import check
from orchestration.runtime.metadata import Pictures, full_size, markdown_table
from orchestration.runtime.recording import asset_results

# The name of the metadata that holds the numbers of the new plates, for programs.
NUMBERS = "plates"
SHOWN_PLATES = 6


class PlateConfig(dg.Config):
    """Run config of the plates: which finished products are put on some."""

    skus: list[str] = Field(default=[], description="Only these SKUs; none: all")
    with_review: bool = Field(default=False, description="Also what a person should review first")
    most: int = Field(default=MOST_TASKS, ge=1, description="Products at most, the most urgent ones")


@domain_asset(
    "prints/plates",
    pool=Pool("prints_plates", 1),
    kinds={"3mf", "postgres"},
    max_runtime=3_600,
    deps=[stl],
    description="Finished products of equal filaments side by side on the printer's bed, the most urgent first: a 3MF "
    "a plate, a picture, grams, minutes and the orders that it holds. A task is on one plate.",
)
def plates(
    _context: dg.AssetExecutionContext, config: PlateConfig, prints: dg.ResourceParam[Prints]
) -> Iterator[dg.MaterializeResult[None]]:
    """Make plates of what is ready."""
    made = make_plates(prints, PlateOptions(tuple(config.skus), config.with_review, config.most))
    failures = {f"print task {one.task_id}": one.reason for one in made.left_out}
    yield from asset_results(of_plates(prints, made), failures)


def of_plates(prints: Prints, made: MadePlates) -> Mapping[str, Any]:
    """What operators read beside new plates: sums, a row a plate, and pictures of the first ones."""
    with prints.database.connect() as connection:
        stored = list_plates(connection, prints.statuses, made.plates)
    found: dict[str, Any] = {
        NUMBERS: dg.MetadataValue.json(list(made.plates)),
        "made": len(stored),
        "products": sum(plate.products for plate in stored),
        "left_out": len(made.left_out),
        "grams": round(sum(plate.grams for plate in stored), 1),
        "hours": round(sum(plate.minutes for plate in stored) / 60, 1),
        "table": dg.MetadataValue.md(markdown_table(_COLUMNS, map(_row, stored))),
    }
    pictures = Pictures(prints.services.objects)
    for plate in stored[:SHOWN_PLATES]:
        if drawn := pictures.of(plate.picture_key, f"plate {plate.id}"):
            found[f"plate_{plate.id}"] = dg.MetadataValue.md(drawn)
            found |= full_size(prints.services, f"plate_{plate.id}", plate.picture_key)
    return found


_COLUMNS = ("plate", "body", "text", "products", "pieces", "grams", "minutes", "bed", "ship by", "orders")


def _row(plate: StoredPlate) -> tuple[object, ...]:
    return (
        plate.id, plate.body_color, plate.text_color, plate.products, plate.pieces, plate.grams, plate.minutes,
        f"{plate.density:.0%}", plate.ship_by_date or "", ", ".join(plate.orders),
    )  # fmt: skip


@dg.asset_check(asset=plates, description="Nothing on a plate was changed or cancelled after it was put there.")
def every_plate_is_as_ordered(prints: dg.ResourceParam[Prints]) -> dg.AssetCheckResult:
    """Look for plates that must not be printed as they are."""
    return check(prints, lambda connection: health.changed_plates(connection, prints.statuses))


CHECKS = [every_plate_is_as_ordered]


def definitions(checks: AssetJob) -> dg.Definitions:
    """What makes plates; the job `checks` runs after each run."""
    job = asset_job("prints_plates", plates, description="Put finished prints on plates.", checks=checks)
    return dg.Definitions(assets=[plates], asset_checks=CHECKS, jobs=[job])
