"""The commands of the system: migrations, diagnosis, queues, materializing."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import sqlalchemy as sa
import typer

from orchestration.catalogue.pipeline import Catalogue
from orchestration.cli.conductor import conductor
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.cli.session import Feed, Json, open_services, settings_for
from orchestration.domains import Domains
from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.prints.fonts import FontLibrary
from orchestration.services import Services
from orchestration.storage.database import Database
from orchestration.storage.migrate import current_revision, head_revision
from orchestration.storage.migrate import migrate as migrate_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.work_queue.queue import TaskQueue

PROBE = b"orchestration doctor\n"


def register(app: typer.Typer) -> None:
    """Add the system's commands to `app`."""
    app.command()(migrate)
    app.command()(doctor)
    app.command()(materialize)
    queue = typer.Typer(help="The work queues: counts, dead letters, replay.", no_args_is_help=True)
    queue.command("status")(queue_status)
    queue.command("dead")(queue_dead)
    queue.command("replay")(queue_replay)
    app.add_typer(queue, name="queue")


def migrate(as_json: Json = False) -> None:
    """Bring the database to the schema of today."""
    with open_services() as services:
        database = Database(services.database_urls.domain)
        before, after = migrate_database(database)
        database.close()
    if as_json:
        print_json({"from": before, "to": after})
    else:
        console().print(f"The schema is at {after}" + ("" if before == after else f", from {before or 'nothing'}"))


class Diagnosis(NamedTuple):
    """One line of the doctor's."""

    name: str
    ok: bool
    message: str


def doctor(feed: Feed = None, as_json: Json = False) -> int:
    """Check database, object store, fonts and feed; one line each."""
    services = Services(settings_for(feed))
    examinations: dict[str, Callable[[Services], str]] = {
        "database": _examine_database,
        "store": _examine_store,
        "fonts": _examine_fonts,
        "feed": _examine_feed,
    }
    found = [_examine(name, examine, services) for name, examine in examinations.items()]
    if as_json:
        print_json([one._asdict() for one in found])
    else:
        for one in found:
            console().print(f"{'ok    ' if one.ok else 'FAILED'} {one.name}: {one.message}", markup=False)
    return 0 if all(one.ok for one in found) else SOME_FAILED


def _examine(name: str, examine: Callable[[Services], str], services: Services) -> Diagnosis:
    try:
        return Diagnosis(name, ok=True, message=examine(services))
    except OrchestrationError as error:
        return Diagnosis(name, ok=False, message=str(error))


def _examine_database(services: Services) -> str:
    # Not the services' own, which would be migrated first.
    with closing(Database(services.database_urls.domain)) as database, database.begin() as connection:
        version = connection.execute(sa.text("SHOW server_version")).scalar_one()
        revision = current_revision(connection)
    state = "current" if revision == head_revision() else f"not at {head_revision()}: run `orchestration migrate`"
    return f"PostgreSQL {version}, schema {revision} ({state})"


def _examine_store(services: Services) -> str:
    key = "doctor/probe.txt"
    asyncio.run(services.objects.put_once(key, PROBE))
    if services.objects.get(key) != PROBE:
        raise ConfigurationError(f"{services.objects.url} gives back other bytes than were put into it")
    return f"{services.objects.url} takes and gives objects"


def _examine_fonts(_services: Services) -> str:
    fonts = FontLibrary().files
    if not fonts:
        raise ConfigurationError("No font found; install the packages of requirements.lock again")
    return f"{len(fonts)} font files in {len({font.parent for font in fonts.values()})} folders"


def _examine_feed(services: Services) -> str:
    feed = asyncio.run(Catalogue(services).read_feed())
    refused = f", {len(feed.problems)} lines refused" if feed.problems else ""
    return f"{services.feed_url} lists {len(feed.entries)} families of {len(feed.suppliers)} suppliers{refused}"


def materialize(
    asset: Annotated[str, typer.Argument(help="The asset, as in catalogue/product_families.")],
    keys: Annotated[
        Path | None, typer.Option(help="A file with one key a line: names as the feed has them, or partition keys.")
    ] = None,
    feed: Feed = None,
    as_json: Json = False,
) -> int:
    """Materialize any set of an asset's partitions in one run; without keys, what is queued."""
    with conductor(settings_for(feed)) as conduct:
        wanted = None if keys is None else _read_lines(keys)
        outcome = conduct.materialize(asset, wanted)
    if as_json:
        print_json(
            {
                "asset": asset,
                "run_id": outcome.run_id,
                "success": outcome.success,
                "keys": None if wanted is None else len(wanted),
                "failed": outcome.failed,
                "problems": outcome.problems,
            }
        )
    else:
        console().print(f"Run {outcome.run_id}: {'done' if outcome.success else 'failed'}")
    for key, reason in outcome.failed.items():
        note(f"failed: {key}: {reason}")
    for problem in outcome.problems:
        note(problem)
    return 0 if outcome.success else SOME_FAILED


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--keys {path} cannot be read: {error}") from error
    keys = [line for line in dict.fromkeys(lines) if line.strip()]
    if not keys:
        raise ConfigurationError(f"--keys {path} holds no key; leave the option out to work off the queue")
    return keys


def queue_status(as_json: Json = False) -> None:
    """Count the tasks of each queue."""
    with open_services() as services:
        queues = _queues(services)
        with services.database.connect() as connection:
            counts = {name: queue.counts(connection) for name, queue in queues.items()}
    if as_json:
        print_json(counts)
        return
    rows = [
        (name, one.waiting, one.active, one.completed, one.failed, one.delayed, one.oldest_seconds)
        for name, one in counts.items()
    ]
    print_table("Queues", ("queue", "waiting", "active", "completed", "failed", "delayed", "oldest, s"), rows)


def queue_dead(
    name: Annotated[str, typer.Argument(help="The queue.")],
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List a queue's dead letters, newest first."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.connect() as connection:
            dead = queue.dead(connection, limit)
    if as_json:
        print_json(dead)
        return
    rows = [(one.key, one.grouping, one.attempt, one.reason, one.error) for one in dead]
    print_table(f"Dead letters of {name}", ("task", "group", "attempts", "reason", "error"), rows)


def queue_replay(
    name: Annotated[str, typer.Argument(help="The queue.")],
    key: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    as_json: Json = False,
) -> None:
    """Let a queue's dead letters begin anew."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.begin() as connection:
            count = queue.replay(connection, key, dry_run=dry_run)
    if as_json:
        print_json({"queue": name, "replayed": 0 if dry_run else count, "dead": count})
    else:
        console().print(f"{count} tasks {'would begin' if dry_run else 'begin'} anew")


def _queues(services: Services) -> dict[str, TaskQueue]:
    return {queue.name: queue for queue in Domains(services).queues}


def _queue(services: Services, name: str) -> TaskQueue:
    queues = _queues(services)
    if name not in queues:
        raise ConfigurationError(f"There is no queue {name}; there are {', '.join(queues)}")
    return queues[name]
