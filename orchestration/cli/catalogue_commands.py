"""The commands of the catalogue: sync, export, quarantine, status and what operators mend by hand."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from orchestration.catalogue.drift import accept_drift, list_drift
from orchestration.catalogue.export import Export, export_columns, export_rows
from orchestration.catalogue.feed_source import host_rules
from orchestration.catalogue.pipeline import Catalogue
from orchestration.catalogue.quarantine import kept_document, list_quarantine
from orchestration.catalogue.removal import restore_families
from orchestration.catalogue.syncs import end_running, supplier_statuses
from orchestration.cli.conductor import SyncOptions, conductor
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.session import Feed, Json, open_services, settings_for
from orchestration.errors import ConfigurationError, InvalidInputError
from orchestration.runtime.partition_keys import encode_key
from orchestration.storage.tabular import TableFormat, write_rows

if TYPE_CHECKING:
    from orchestration.catalogue.tally import SyncTally

LISTED_FAILURES = 20


def register(app: typer.Typer) -> None:
    """Add the catalogue's commands to `app`."""
    app.command()(sync)
    app.command()(export)
    app.command()(status)
    app.command()(stop)
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
    full: Annotated[bool, typer.Option("--full", help="Download everything, whatever the hashes say.")] = False,
    allow_mass_removal: Annotated[
        bool, typer.Option("--allow-mass-removal", help="Remove families that the guard would hold back.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Sync the catalogue with its feed, through Dagster, in this process."""
    settings = settings_for(feed)
    started = time.monotonic()
    with conductor(settings) as conduct:
        host_rules(conduct.catalogue.services.feed_url, settings)  # complain of a bad address before anything starts
        conduct.sync(SyncOptions(supplier or (), full, allow_mass_removal))
    tally, problems = conduct.catalogue.tally, conduct.problems
    summary = tally.summary(time.monotonic() - started)
    if as_json:
        print_json(summary)
    else:
        _print_sync(summary)
    _note_failures(tally, problems)
    return SOME_FAILED if tally.has_failures or problems else 0


def _print_sync(summary: dict[str, object]) -> None:
    rows = []
    for name, value in summary.items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        rows.append((name.replace("_", " "), shown))
    print_table("Sync", ("what", "count"), rows)


def _note_failures(tally: SyncTally, problems: list[str]) -> None:
    for problem in problems:
        note(problem)
    for title, reasons in (
        ("removals held back", tally.guarded), ("quarantined", tally.quarantined),
        ("failed", tally.failed), ("image failed", tally.failed_images),
    ):  # fmt: skip
        for key, reason in list(reasons.items())[:LISTED_FAILURES]:
            note(f"{title}: {key}: {reason}")
        if len(reasons) > LISTED_FAILURES:
            note(f"... and {len(reasons) - LISTED_FAILURES} more {title}")


def export(
    what: Annotated[Export, typer.Argument(help="Which records.")],
    table_format: Annotated[TableFormat, typer.Option("--format", help="The file's format.")] = TableFormat.JSONL,
    out: Annotated[Path | None, typer.Option(help="The file; standard output without it.")] = None,
) -> None:
    """Export records as JSON lines, CSV or Parquet."""
    if out is None:
        _export(what, table_format, sys.stdout.buffer)
        return
    try:
        with out.open("wb") as file:
            count = _export(what, table_format, file)
    except OSError as error:
        raise ConfigurationError(f"--out {out} cannot be written: {error.strerror}") from error
    note(f"{count} {what.value} written to {out}")


def _export(what: Export, table_format: TableFormat, file: IO[bytes]) -> int:
    with open_services() as services, services.database.begin() as connection:
        columns = export_columns(connection, what)
        return write_rows(export_rows(connection, what), file, table_format, columns=columns)


def status(as_json: Json = False) -> None:
    """Show each supplier's sync: state, counts, progress, families a minute, time left."""
    with open_services() as services, services.database.connect() as connection:
        statuses = supplier_statuses(connection)
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


def stop(
    supplier: Annotated[str, typer.Argument(help="The supplier's code.")],
    as_json: Json = False,
) -> None:
    """Stop a supplier's sync between two families. The next sync goes on where this one ended."""
    with open_services() as services, services.database.begin() as connection:
        cancelled = Catalogue(services).families.cancel(connection, supplier)
        end_running(connection, supplier, message="Stopped by an operator")
    print_json({"cancelled": cancelled}) if as_json else console().print(f"{cancelled} families taken from the queue")


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
    """Download and import quarantined families again; those that are mended leave the quarantine."""
    settings = settings_for(feed)
    with conductor(settings) as conduct:
        held = _held(conduct.catalogue)
        wanted = [a_number for a_number in held if not a_numbers or a_number in a_numbers]
        if wanted:
            host_rules(conduct.catalogue.services.feed_url, settings)
            keys = [encode_key(a_number) for a_number in wanted]
            conduct.run("catalogue_import", {"catalogue__product_families": {"keys": keys}})
        still = {a_number: reason for a_number, reason in _held(conduct.catalogue).items() if a_number in wanted}
    unknown = sorted(set(a_numbers or ()) - set(held))
    if as_json:
        print_json({"replayed": len(wanted), "mended": len(wanted) - len(still), "still_quarantined": still})
    else:
        console().print(f"{len(wanted)} replayed, {len(wanted) - len(still)} mended")
    for a_number in unknown:
        note(f"{a_number} is not in quarantine; nothing was done for it")
    _note_failures(conduct.catalogue.tally, conduct.problems)
    return SOME_FAILED if still or unknown else 0


def _held(catalogue: Catalogue) -> dict[str, str]:
    """The families in quarantine, with the reasons."""
    with catalogue.database.connect() as connection:
        return {entry.a_number: entry.reason for entry in list_quarantine(connection)}


def drift_list(as_json: Json = False) -> None:
    """List fields that are new, gone, or of another type."""
    with open_services() as services, services.database.connect() as connection:
        entries = list_drift(connection)
    if as_json:
        print_json([entry._asdict() for entry in entries])
        return
    rows = [
        (entry.supplier, entry.path, entry.kind, "/".join(entry.before), "/".join(entry.after), entry.example)
        for entry in entries
    ]
    print_table("Drift", ("supplier", "field", "what", "before", "after", "example"), rows)


def drift_accept(
    supplier: Annotated[str | None, typer.Option(help="Only this supplier's.")] = None, as_json: Json = False
) -> None:
    """Take the fields as they now are."""
    with open_services() as services, services.database.begin() as connection:
        accepted = accept_drift(connection, supplier)
    print_json({"accepted": accepted}) if as_json else console().print(f"{accepted} entries accepted")
