"""The commands of the catalogue: sync, export, quarantine, status, drift, and what operators do by hand.

It holds arguments, output and exit codes. Keep out: running a sync (`catalogue_sync`).
Only the commands that run jobs import Dagster, which takes as long as the rest of a command that reads.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.drift.drift import accept_drift, list_drift
from orchestration.catalogue.export import Export, export_columns, export_rows
from orchestration.catalogue.families.quarantine import kept_document, list_quarantine
from orchestration.catalogue.feed.removal import restore_families
from orchestration.catalogue.feed.source import host_rules
from orchestration.catalogue.feed.stopping import stop_supplier
from orchestration.catalogue.feed.suppliers import set_supplier
from orchestration.catalogue.feed.sync_runs import supplier_statuses
from orchestration.cli.options import Feed, Json, open_services, settings_for
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table, whole_file
from orchestration.errors import ConfigurationError, InvalidInputError, NotFoundError
from orchestration.imports import lasting
from orchestration.runtime.partition_keys import encode_key
from orchestration.storage.tabular import TableFormat, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LISTED_FAILURES = 20


def register(app: typer.Typer) -> None:
    """Add the catalogue's commands to `app`."""
    app.command()(sync)
    app.command()(export)
    app.command()(status)
    app.command()(stop)
    app.command()(supplier)
    app.command()(restore)
    for name, commands, text in (
        ("quarantine", (quarantine_list, quarantine_show, quarantine_replay), "Documents that cannot be used."),
        ("drift", (drift_list, drift_accept), "Fields that changed their shape."),
    ):
        group = typer.Typer(help=text, no_args_is_help=True)
        for command in commands:
            group.command(command.__name__.removeprefix(f"{name}_"))(command)
        app.add_typer(group, name=name)


def sync(
    feed: Feed = None,
    supplier: Annotated[list[str] | None, typer.Option(help="Only this supplier; may be repeated.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Download everything, also what the hashes say is unchanged.")
    ] = False,
    allow_mass_removal: Annotated[
        bool, typer.Option("--allow-mass-removal", help="Remove families that the guard would hold back.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Sync the catalogue with its feed, through Dagster, without its daemon."""
    with lasting():
        from orchestration.cli.catalogue_sync import DOMAIN, SyncOptions, mirror_process, sync_catalogue
        from orchestration.cli.job_runner import job_runner

    settings = settings_for(feed)
    started = time.monotonic()
    with mirror_process(settings) as mirror, job_runner(settings, DOMAIN) as runner:
        host_rules(runner.domains.catalogue.feed_url, settings)  # a bad address ends it before anything starts
        summary = sync_catalogue(runner, SyncOptions(supplier or (), full, allow_mass_removal), mirror)
    printed = summary.as_json(time.monotonic() - started)
    if as_json:
        print_json(printed)
    else:
        _print_sync(printed)
    _note_problems(runner.problems)
    _note_reasons("line refused", summary.refused_lines)
    _note_reasons("line odd", summary.odd_lines)
    _note_reasons("removals held back", summary.held_back)
    _note_reasons("quarantined", summary.quarantined)
    _note_reasons("failed", summary.failed)
    _note_reasons("imported without", summary.lost_parts)
    _note_reasons("odd", summary.odd_parts)
    _note_reasons("image failed", summary.failed_images, summary.images.get("failed", 0))
    if summary.stopped:
        raise summary.stopped
    return SOME_FAILED if summary.has_failures or runner.problems else 0


def _print_sync(summary: dict[str, object]) -> None:
    rows = []
    for name, value in summary.items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        rows.append((name.replace("_", " "), shown))
    print_table("Sync", ("what", "count"), rows)


def _note_problems(problems: Sequence[str]) -> None:
    for problem in problems:
        note(problem)


def _note_reasons(title: str, reasons: Mapping[str, str], total: int | None = None) -> None:
    """Say what went wrong with the first items; `total` is how many there are, if not all are given."""
    for key, reason in list(reasons.items())[:LISTED_FAILURES]:
        note(f"{title}: {key}: {reason.removeprefix(key).lstrip(' :')}")
    if (more := (len(reasons) if total is None else total) - LISTED_FAILURES) > 0:
        note(f"... and {more} more {title}")


def export(
    what: Annotated[Export, typer.Argument(help="Which records.")],
    table_format: Annotated[TableFormat, typer.Option("--format", help="The file's format.")] = TableFormat.JSONL,
    out: Annotated[Path | None, typer.Option(help="The file; standard output without it.")] = None,
) -> None:
    """Export records as JSON lines, CSV or Parquet."""
    place = "Standard output" if out is None else f"--out {out}"
    try:
        with _standard_output() if out is None else whole_file(out) as file:
            count = _export(what, table_format, file)
    except BrokenPipeError:
        raise  # its reader has read enough
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror or error}") from error
    if out is not None:
        note(f"{count} {what.value} written to {out}")


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _export(what: Export, table_format: TableFormat, file: IO[bytes]) -> int:
    with open_services() as services, services.database.begin() as connection:
        columns = export_columns(connection, what)
        return write_rows(export_rows(connection, what), file, table_format, columns=columns)


def status(as_json: Json = False) -> None:
    """Show each supplier's sync: state, counts, progress, families a minute, time left."""
    with open_services() as services, services.database.connect() as connection:
        statuses = supplier_statuses(connection)
        catalogue = Catalogue(services)
        workers = [*catalogue.family_queue.workers(connection), *catalogue.image_queue.workers(connection)]
    if as_json:
        print_json([one._asdict() | {"progress": one.progress._asdict()} for one in statuses])
        return
    print_table(
        "Suppliers",
        ("code", "name", "status", "progress", "per minute", "left", "message"),
        [
            (
                one.supplier,
                one.name,
                one.status,
                one.progress.message,
                one.per_minute and f"{one.per_minute:.0f}",
                one.eta_seconds and f"{one.eta_seconds:.0f} s",
                one.message,
            )
            for one in statuses
        ],
    )
    if any(one.status == "running" for one in statuses) and not any(worker.is_alive for worker in workers):
        note("No worker is at it now: a system that is up starts one soon, else run `orchestration sync` again")


def stop(
    supplier: Annotated[str, typer.Argument(help="The supplier's code.")],
    as_json: Json = False,
) -> None:
    """Stop a supplier's sync, with what is being imported. The next sync goes on where this one ended."""
    with open_services() as services, services.database.begin() as connection:
        stopped = stop_supplier(connection, Catalogue(services).family_queue, supplier, by="an operator")
    if as_json:
        print_json(stopped._asdict())
    else:
        running = f"; {stopped.interrupted} that were being imported are left" if stopped.interrupted else ""
        console().print(f"{stopped.cancelled} families taken from the queue{running}")


def supplier(
    code: Annotated[str, typer.Argument(help="The supplier's code.")],
    auto_import: Annotated[
        bool | None,
        typer.Option("--auto-import/--no-auto-import", help="Whether a sync of all takes it up."),
    ] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it is synced at all.")] = None,
    as_json: Json = False,
) -> None:
    """Set which syncs take a supplier up."""
    flags = {name: flag for name, flag in (("auto_import", auto_import), ("is_active", active)) if flag is not None}
    if not flags:
        raise ConfigurationError("Say what to set: --auto-import, --no-auto-import, --active or --inactive")
    with open_services() as services, services.database.begin() as connection:
        if not set_supplier(connection, code, **flags):
            raise NotFoundError(f"{code} is no supplier that was ever synced; `orchestration status` lists them")
    print_json({"supplier": code} | flags) if as_json else console().print(f"{code} is set")


def restore(
    a_numbers: Annotated[list[str], typer.Argument(help="Families that were removed.")], as_json: Json = False
) -> int:
    """Publish removed families again."""
    with open_services() as services, services.database.begin() as connection:
        restored = restore_families(connection, a_numbers)
    missed = sorted(set(a_numbers) - set(restored))
    if as_json:
        print_json({"restored": restored, "not_removed": missed})
    else:
        console().print(f"{len(restored)} families published again")
    for a_number in missed:
        note(f"{a_number} is not a removed family; nothing was done for it")
    return SOME_FAILED if missed else 0


def quarantine_list(
    supplier: Annotated[str | None, typer.Option(help="Only this supplier's.")] = None, as_json: Json = False
) -> None:
    """List the documents in quarantine."""
    with open_services() as services, services.database.connect() as connection:
        entries = list_quarantine(connection, supplier)
    if as_json:
        print_json([entry._asdict() for entry in entries])
        return
    rows = [(entry.a_number, entry.supplier, entry.code, entry.reason) for entry in entries]
    print_table("Quarantine", ("family", "supplier", "code", "reason"), rows)


def quarantine_show(a_number: Annotated[str, typer.Argument(help="The family.")]) -> None:
    """Write a quarantined document to standard output, byte for byte."""
    with open_services() as services, services.database.connect() as connection:
        document = kept_document(connection, a_number)
    if document is None:
        raise InvalidInputError(f"No document of {a_number} is in quarantine; see `orchestration quarantine list`")
    sys.stdout.buffer.write(document)


def quarantine_replay(
    a_numbers: Annotated[list[str] | None, typer.Argument(help="The families; all without any.")] = None,
    feed: Feed = None,
    as_json: Json = False,
) -> int:
    """Download and import quarantined families again; those that can be used leave the quarantine."""
    with lasting():
        from orchestration.catalogue.defs.families import product_families
        from orchestration.cli.catalogue_sync import DOMAIN, quarantined_families, sort_failures
        from orchestration.cli.job_runner import job_runner
        from orchestration.runtime.assets import run_config
        from orchestration.runtime.drains import DrainConfig

    settings, failed = settings_for(feed), dict[str, str]()
    with job_runner(settings, DOMAIN) as runner:
        catalogue = runner.domains.catalogue
        held = quarantined_families(catalogue)
        wanted = [a_number for a_number in held if not a_numbers or a_number in a_numbers]
        if wanted:
            host_rules(catalogue.feed_url, settings)
            config = DrainConfig(keys=[encode_key(a_number) for a_number in wanted])
            outcome = runner.run("catalogue_import", run_config(product_families, config))
            _, failed = sort_failures(catalogue, outcome)
        still = {a_number: reason for a_number, reason in quarantined_families(catalogue).items() if a_number in wanted}
    unknown = sorted(set(a_numbers or ()) - set(held))
    if as_json:
        print_json({"replayed": len(wanted), "mended": len(wanted) - len(still), "still_quarantined": still})
    else:
        console().print(f"{len(wanted)} replayed, {len(wanted) - len(still)} mended")
    for a_number in unknown:
        note(f"{a_number} is not in quarantine; nothing was done for it")
    _note_problems(runner.problems)
    _note_reasons("quarantined", still)
    _note_reasons("failed", failed)
    return SOME_FAILED if still or unknown or failed or runner.problems else 0


def drift_list(as_json: Json = False) -> None:
    """List fields that are new, gone, or of another type."""
    with open_services() as services, services.database.connect() as connection:
        entries = list_drift(connection)
    if as_json:
        print_json([entry._asdict() for entry in entries])
        return
    rows = [
        (
            entry.supplier,
            entry.path,
            entry.kind,
            "/".join(entry.before),
            "/".join(entry.after),
            entry.example,
            entry.reason,
        )
        for entry in entries
    ]
    print_table("Drift", ("supplier", "field", "what", "before", "after", "example", "reason"), rows)


def drift_accept(
    supplier: Annotated[str | None, typer.Option(help="Only this supplier's.")] = None, as_json: Json = False
) -> None:
    """Take the fields as they now are."""
    with open_services() as services, services.database.begin() as connection:
        accepted = accept_drift(connection, supplier)
    print_json({"accepted": accepted}) if as_json else console().print(f"{accepted} entries accepted")
