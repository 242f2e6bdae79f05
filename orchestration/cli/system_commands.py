"""The commands of the system: diagnosis, queues, materializing.

Only the last imports Dagster, which takes as long as the rest of a command that reads. Keep out: their work.
"""

from __future__ import annotations

import asyncio
import getpass
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import sqlalchemy as sa
import typer

from orchestration.catalogue.catalogue import Catalogue
from orchestration.cli.options import Feed, Json, open_services, settings_for
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.domains import Domains
from orchestration.errors import ConfigurationError, OrchestrationError
from orchestration.imports import lasting
from orchestration.lettering.fonts import FontLibrary
from orchestration.rendering.confined import closes_network
from orchestration.services import Services
from orchestration.settings import unknown_variables
from orchestration.storage.database import Database
from orchestration.storage.migrate import examine_schema
from orchestration.work_queue.model import TaskState
from orchestration.work_queue.pausing import pause, pauses, resume
from orchestration.work_queue.statistics import quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.work_queue.queue import TaskQueue

PROBE = b"orchestration doctor\n"
# The percentiles of durations that are printed.
SHARES = (50, 95, 99)


def register(app: typer.Typer) -> None:
    """Add the system's commands to `app`."""
    app.command()(doctor)
    app.command()(materialize)
    queue = typer.Typer(help="The work queues: counts, workers, single tasks, dead letters.", no_args_is_help=True)
    queue.command("status")(queue_status)
    queue.command("workers")(queue_workers)
    queue.command("statistics")(queue_statistics)
    queue.command("show")(queue_show)
    queue.command("cancel")(queue_cancel)
    queue.command("pause")(queue_pause)
    queue.command("resume")(queue_resume)
    queue.command("dead")(queue_dead)
    queue.command("replay")(queue_replay)
    app.add_typer(queue, name="queue")


class Diagnosis(NamedTuple):
    """One line of the doctor's."""

    name: str
    ok: bool
    message: str


def doctor(feed: Feed = None, as_json: Json = False) -> int:
    """Check database, object store, fonts, Blender, its confinement, feed and settings; one line each."""
    services = Services(settings_for(feed))
    examinations: dict[str, Callable[[Services], str]] = {
        "database": _examine_database,
        "store": _examine_store,
        "fonts": _examine_fonts,
        "blender": _examine_blender,
        "confinement": _examine_confinement,
        "feed": _examine_feed,
        "settings": _examine_settings,
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
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is a finding too, and the others are looked at
        return Diagnosis(name, ok=False, message=" ".join(f"{type(error).__name__}: {error}".split()))


def _examine_database(services: Services) -> str:
    # Not the services' own, which refuses a schema that does not fit, and makes one in a home that is new.
    with closing(Database(services.database_urls.domain)) as database, database.begin() as connection:
        version = connection.execute(sa.text("SHOW server_version")).scalar_one()
        schema = examine_schema(connection)
    if schema.revision is None and services.settings.database_url is None:
        return f"PostgreSQL {version}, no schema yet, which the first other command makes"
    if schema.problem:
        raise ConfigurationError(f"PostgreSQL {version}. {schema.problem}")
    return f"PostgreSQL {version}, schema {schema.revision} (current)"


def _examine_store(services: Services) -> str:
    key = "doctor/probe.txt"
    asyncio.run(services.objects.put_once(key, PROBE))
    if services.objects.get(key) != PROBE:
        raise ConfigurationError(f"{services.objects.display_url} gives back other bytes than were put into it")
    return f"{services.objects.display_url} takes and gives objects"


def _examine_fonts(_services: Services) -> str:
    fonts = FontLibrary().files
    if not fonts:
        raise ConfigurationError("No font found; install the packages of requirements.lock again")
    return f"{len(fonts)} font files in {len({font.parent for font in fonts.values()})} folders"


def _examine_blender(services: Services) -> str:
    from orchestration.mockups.views.blender import blender_version

    settings = services.settings
    try:
        return f"Blender {blender_version(settings.mockup_blender)}"
    except ConfigurationError as error:
        if settings.mockup_engine == "blender":
            raise
        return f"not used. {error}"


def _examine_confinement(_services: Services) -> str:
    if closes_network():
        return "OpenSCAD and Blender run without network"
    return "OpenSCAD and Blender run with network: this system has no filter of system calls that is known here"


def _examine_feed(services: Services) -> str:
    catalogue = Catalogue(services)
    feed = asyncio.run(catalogue.read_feed())
    refused = f", {len(feed.problems)} lines refused" if feed.problems else ""
    return f"{catalogue.feed_url} lists {len(feed.entries)} families of {len(feed.suppliers)} suppliers{refused}"


def _examine_settings(services: Services) -> str:
    if unknown := unknown_variables():
        raise ConfigurationError("; ".join(unknown))
    # What fits by itself may not fit together, or is no schedule: the system reads it as it starts.
    with lasting():
        from orchestration.assembly import build_definitions
    build_definitions(services.settings, Domains(services))
    return f"{len(services.settings.environment(secrets=True))} are set, and the system can start with them"


def materialize(
    asset: Annotated[str, typer.Argument(help="The asset, as in catalogue/product_families.")],
    keys: Annotated[
        Path | None, typer.Option(help="A file with one key a line: names as the feed has them, or partition keys.")
    ] = None,
    feed: Feed = None,
    as_json: Json = False,
) -> int:
    """Materialize any set of an asset's partitions in one run; without keys, what is queued."""
    wanted = None if keys is None else _read_lines(keys)
    with lasting():
        from orchestration.cli.job_runner import job_runner

    with job_runner(settings_for(feed)) as runner:
        outcome = runner.materialize(asset, wanted)
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
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--keys {path} cannot be read: {error}") from error
    keys = list(dict.fromkeys(key for line in lines if (key := line.strip())))
    if any("\0" in key for key in keys):
        raise ConfigurationError(f"--keys {path} holds NUL characters, as a file in UTF-16 does; save it in UTF-8")
    if not keys:
        raise ConfigurationError(f"--keys {path} holds no key; leave the option out to drain the queue")
    return keys


def queue_status(as_json: Json = False) -> None:
    """Count the tasks of each queue, and the workers that drain it; who has paused it, and since when."""
    with open_services() as services:
        queues = _queues(services)
        with services.database.connect() as connection:
            counts = {name: queue.counts(connection) for name, queue in queues.items()}
            alive = {
                name: sum(worker.is_alive for worker in queue.workers(connection)) for name, queue in queues.items()
            }
            paused = {
                name: f"since {one.paused_at:%F %T} by {one.paused_by}" for name, one in pauses(connection).items()
            }
    if as_json:
        print_json({name: {**asdict(one), "workers": alive[name]} for name, one in counts.items()})
        return
    rows = [
        (name, one.waiting, one.active, one.completed, one.failed, one.delayed, one.oldest_seconds, alive[name],
         paused.get(name))
        for name, one in counts.items()
    ]  # fmt: skip
    columns = ("queue", "waiting", "active", "completed", "failed", "delayed", "oldest, s", "workers", "paused (UTC)")
    print_table("Queues", columns, rows)


def queue_workers(as_json: Json = False) -> None:
    """List the workers of all queues; those that were lost are listed for a day."""
    with open_services() as services, services.database.connect() as connection:
        workers = [one for queue in _queues(services).values() for one in queue.workers(connection)]
    if as_json:
        print_json(workers)
        return
    rows = [
        (one.queue, one.number, one.host, one.pid, one.run_id, one.started_at, one.tasks, one.seen_at, one.is_alive)
        for one in workers
    ]
    columns = ("queue", "worker", "host", "process", "run", "since", "tasks", "last seen", "alive")
    print_table("Workers", columns, rows)


def queue_statistics(
    name: Annotated[str, typer.Argument(help="The queue.")],
    hours: Annotated[float | None, typer.Option(max=1_000_000, help="Only the last so many hours.")] = None,
    as_json: Json = False,
) -> None:
    """Say how a queue's tasks ended, and how long they waited and ran; also of tasks that are no longer kept."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.connect() as connection:
            found = queue.statistics(connection, None if hours is None else 3_600 * hours)
    rows = [
        {
            "outcome": one.outcome,
            "tasks": one.tasks,
            "waited_seconds": one.waited_seconds,
            "ran_seconds": one.ran_seconds,
            **{f"waited_p{share}": quantile(one.waited, share / 100) for share in SHARES},
            **{f"ran_p{share}": quantile(one.ran, share / 100) for share in SHARES},
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
    else:
        shown = [[f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row.values()] for row in rows]
        print_table(f"Tasks of {name}, in seconds", list(rows[0]) if rows else ("outcome",), shown)


def queue_show(
    name: Annotated[str, typer.Argument(help="The queue.")],
    key: Annotated[str, typer.Argument(help="The task's key.")],
    as_json: Json = False,
) -> int:
    """Show one task: where it is, its progress, its result or errors."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.connect() as connection:
            task = queue.task(connection, key)
    if task is None:
        note(f"The queue {name} holds no task {key}; one that ended long ago is no longer kept")
        return SOME_FAILED
    if as_json:
        print_json(task)
    else:
        print_table(f"Task {key} of {name}", ("", ""), list(asdict(task).items()))
    return 0


def queue_cancel(
    name: Annotated[str, typer.Argument(help="The queue.")],
    key: Annotated[str, typer.Argument(help="The task's key.")],
    as_json: Json = False,
) -> int:
    """Cancel one task; one that is being worked on is stopped by its worker."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.begin() as connection:
            state = queue.request_cancel(connection, key)
    if as_json:
        print_json({"queue": name, "key": key, "state": state})
    elif state is not None:
        console().print("Cancelled" if state is TaskState.CANCELLED else "Its worker is asked to stop it")
    if state is None:
        note(f"The queue {name} holds no unfinished task {key}; nothing was cancelled")
        return SOME_FAILED
    return 0


def queue_pause(
    name: Annotated[str, typer.Argument(help="The queue.")],
    as_json: Json = False,
) -> None:
    """Let no more of the queue's tasks be claimed; what is being worked on goes on, and new tasks come in."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.begin() as connection:
            new = pause(connection, queue, by=getpass.getuser())
    if as_json:
        print_json({"queue": name, "paused": True, "changed": new})
    else:
        console().print("Paused" if new else "It was paused before")


def queue_resume(
    name: Annotated[str, typer.Argument(help="The queue.")],
    as_json: Json = False,
) -> None:
    """Let the queue's tasks be claimed again."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.begin() as connection:
            resumed = resume(connection, queue)
    if as_json:
        print_json({"queue": name, "paused": False, "changed": resumed})
    else:
        console().print("Resumed" if resumed else "It was not paused")


def queue_dead(
    name: Annotated[str, typer.Argument(help="The queue.")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
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
    rows = [(one.key, one.grouping, one.attempt, one.replays, one.reason, one.error, one.first_error) for one in dead]
    columns = ("task", "group", "attempts", "replays", "reason", "error", "first error")
    print_table(f"Dead letters of {name}", columns, rows)


def queue_replay(
    name: Annotated[str, typer.Argument(help="The queue.")],
    key: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    as_json: Json = False,
) -> None:
    """Let a queue's dead letters begin again."""
    with open_services() as services:
        queue = _queue(services, name)
        with services.database.begin() as connection:
            count = queue.replay(connection, key, dry_run=dry_run)
    if as_json:
        print_json({"queue": name, "replayed": 0 if dry_run else count, "dead": count})
    else:
        console().print(f"{count} tasks {'would begin' if dry_run else 'begin'} again")


def _queues(services: Services) -> dict[str, TaskQueue]:
    return {queue.name: queue for queue in Domains(services).queues}


def _queue(services: Services, name: str) -> TaskQueue:
    queues = _queues(services)
    if name not in queues:
        raise ConfigurationError(f"There is no queue {name}; there are {', '.join(queues)}")
    return queues[name]
