"""Product families in Dagster: the queue that plans fill, the asset that imports from it, and its checks.

A drain imports what is queued and records each family as a partition. Keep out: importing (`catalogue.families`).
"""

import asyncio
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.catalogue import health
from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs import families_metadata
from orchestration.catalogue.defs.feed import a_numbers, supplier_feed
from orchestration.catalogue.documents.oddities import Oddity
from orchestration.catalogue.drains import import_families
from orchestration.catalogue.families.importer import ImportedFamily
from orchestration.catalogue.families.store import Effect, StoredFamily
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.recording import PartitionRecorder

SCALE = DrainScale(tasks_per_drain=5_000, most=2)

family_tasks = queue_spec(
    "catalogue/family_tasks",
    deps=[supplier_feed],
    description="The queue `product-family`: families whose documents are to be imported. Filled by the plans.",
)


@domain_asset(
    "catalogue/product_families",
    deps=[family_tasks],
    partitions=a_numbers,
    pool=Pool("catalogue_import", 2),
    kinds={"json", "postgres"},
    max_runtime=7_200,
    description="Product families with their variants, imported from their documents. A document that cannot be used "
    "is in quarantine, with the reason.",
)
def product_families(
    context: dg.AssetExecutionContext, config: DrainConfig, catalogue: dg.ResourceParam[Catalogue]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Import the selected families, or what is queued."""
    with drain_step(context, config) as step:
        report = ImportReport(context)
        asyncio.run(import_families(catalogue, report.record, step.options, step.keys))
        yield from report.finish()


class ImportReport:
    """Records each family of a run as a partition, and sums the run up."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._asset = context.asset_key
        self._recorder = PartitionRecorder(context)
        self._changed: list[StoredFamily] = []
        self._failures: dict[str, str] = {}
        self._held_back: dict[str, str] = {}
        self._oddities: dict[str, tuple[Oddity, ...]] = {}

    def record(self, imported: Sequence[ImportedFamily]) -> None:
        """Record the families that have ended; one that will be tried again has no status yet."""
        for family in imported:
            if not family.is_final:
                continue
            if family.problem:
                self._failures[family.a_number] = family.problem
                self._recorder.failed(family.a_number, family.problem)
                continue
            self._failures.pop(family.a_number, None)
            self._recorder.materialized(family.a_number, families_metadata.of_family(family.stored))
            self._note(family.stored)
            if family.stored and family.stored.effect is not Effect.UNCHANGED:
                self._changed.append(family.stored)

    def _note(self, stored: StoredFamily | None) -> None:
        """Keep what programs and people are to hear of a family that was imported all the same."""
        if stored and stored.held_back:
            self._held_back[stored.family.a_number] = stored.held_back
        if stored and stored.oddities:
            self._oddities[stored.family.a_number] = stored.oddities

    def finish(self) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
        """Yield the summary, then what the recorder yields.

        It is yielded and not logged: Dagster drops what a step that fails has logged last.
        """
        if self._changed or self._failures or self._oddities:
            summary = families_metadata.of_import(self._changed, self._failures)
            summary |= families_metadata.of_doubts(self._held_back, self._oddities)
            yield dg.AssetObservation(self._asset, metadata=summary)
        yield from self._recorder.finish()


@dg.asset_check(asset=product_families, description="Every document of the feed could be used.")
def quarantine_is_empty(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for quarantined documents."""
    return check(catalogue, health.quarantined_documents)


@dg.asset_check(
    asset=product_families, description="No field of a supplier's documents is new, gone, of another type, or odd."
)
def no_drift(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for recorded drift."""
    return check(catalogue, health.drifted_fields)


@dg.asset_check(asset=product_families, description="Every queued family could be imported.")
def no_family_given_up(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for dead family tasks."""
    return check(catalogue, lambda connection: health.dead_families(connection, catalogue.family_queue))


@dg.asset_check(asset=product_families, description="No variant's SKU is listed by two active families.")
def skus_are_unique(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for shared SKUs."""
    return check(catalogue, health.shared_skus)


@dg.asset_check(asset=product_families, description="No family's variants are held back by the guard.")
def no_variants_held_back(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for held back variants."""
    return check(catalogue, health.held_back_variants)


@dg.asset_check(asset=product_families, description="Every family's category is in the tree.")
def categories_are_known(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for unknown categories."""
    return check(catalogue, health.unknown_categories)


@dg.asset_check(asset=product_families, description="Every family with imprint positions has a technique to print.")
def positions_have_techniques(catalogue: dg.ResourceParam[Catalogue]) -> dg.AssetCheckResult:
    """Ask for positions without a technique."""
    return check(catalogue, health.positions_without_technique)


CHECKS = [
    quarantine_is_empty,
    no_drift,
    no_family_given_up,
    no_variants_held_back,
    skus_are_unique,
    categories_are_known,
    positions_have_techniques,
]


def definitions(catalogue: Catalogue, checks: AssetJob) -> dg.Definitions:
    """The definitions of families; `checks` is the job that runs after each of their runs."""
    job = asset_job(
        "catalogue_import",
        product_families,
        description="Import queued families, or the keys in the run config.",
        checks=checks,
    )
    queues = [catalogue.family_queue]
    return dg.Definitions(
        assets=[family_tasks, product_families],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[drain_sensor("catalogue_families_sensor", job, catalogue.services, queues, SCALE)],
    )
