"""The commands of the gallery: mirroring, comparing, the signup images, taking items down.

It holds arguments, and what is printed. Keep out: the work. Only what runs jobs imports Dagster, which takes as long as
the rest of a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.options import Json, open_services, settings_for
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.errors import StoppedError
from orchestration.gallery.queues import mirror_queue
from orchestration.gallery.reconcile import find_drift
from orchestration.gallery.reconcile import repair as repair_drift
from orchestration.gallery.takedowns import known_items, lift, takedown
from orchestration.imports import lasting
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.cli.job_runner import JobRunner, RunOutcome

LISTED = 100

Ids = Annotated[list[str], typer.Argument(help="Generations, by their ids.", metavar="ID...")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(help="The public gallery.", no_args_is_help=True)
    for name, command in (
        ("drain", gallery_drain), ("drift", gallery_drift), ("refresh-signup", gallery_refresh_signup),
        ("mirror", gallery_mirror), ("remove", gallery_remove), ("lift", gallery_lift),
    ):  # fmt: skip
        group.command(name)(command)
    app.add_typer(group, name="gallery")


def gallery_drain(as_json: Json = False) -> int:
    """Mirror what is queued, and make the smaller forms of its images, through Dagster, in this process."""
    with lasting():
        from orchestration.cli.job_runner import job_runner

    with job_runner(settings_for()) as runner:
        outcome = mirror(runner)
        _print_run("Mirror", outcome, as_json=as_json)
        failed = {**outcome.failed, **render_images(runner).failed}
    _note([*runner.problems, *(f"{item} failed: {reason}" for item, reason in failed.items())])
    if runner.shutdown.is_requested:
        raise StoppedError("Stopped by a signal; what is left is still queued, run the command again")
    return SOME_FAILED if runner.problems or failed else 0


def gallery_refresh_signup(as_json: Json = False) -> int:
    """Choose the signup images again, through Dagster, in this process."""
    with lasting():
        from orchestration.cli.job_runner import job_runner

    with job_runner(settings_for()) as runner:
        outcome = refresh_signup(runner)
    _print_run("Signup images", outcome, as_json=as_json)
    _note(runner.problems)
    return SOME_FAILED if runner.problems or "kept" in outcome.metadata else 0


def mirror(runner: JobRunner) -> RunOutcome:
    """Bring the gallery's mirror in sync with the history."""
    from orchestration.gallery.defs.public_generations import MirrorConfig, public_generations
    from orchestration.runtime.assets import run_config

    return runner.run("gallery_mirror", run_config(public_generations, MirrorConfig(idle_seconds=None)))


def render_images(runner: JobRunner) -> RunOutcome:
    """Make the smaller forms of the images that are queued, and mirror the items that show them.

    Does nothing more once a signal has arrived.
    """
    from orchestration.cli.job_runner import NOTHING_DONE
    from orchestration.gallery.defs.image_variants import ImageConfig, image_variants
    from orchestration.runtime.assets import run_config

    gallery, outcome = runner.domains.gallery, NOTHING_DONE
    if not runner.shutdown.is_requested and runner.has_work(gallery.image_queue, gallery.rendition_queue):
        outcome = runner.run("gallery_render", run_config(image_variants, ImageConfig(idle_seconds=None)))
    if outcome is not NOTHING_DONE and not runner.shutdown.is_requested and runner.has_work(gallery.mirror_queue):
        mirror(runner)
    return outcome


def refresh_signup(runner: JobRunner) -> RunOutcome:
    """Choose the signup images again."""
    return runner.run("gallery_signup")


def check_gallery(runner: JobRunner) -> None:
    """Run the gallery's checks."""
    runner.run("gallery_check")


def gallery_drift(
    repair: Annotated[bool, typer.Option("--repair", help="Queue what differs, to be mirrored again.")] = False,
    as_json: Json = False,
) -> int:
    """Compare the mirror with the history; 1 when they differ and are not repaired."""
    with open_services() as services, services.database.begin() as connection:
        drift = find_drift(connection)
        queue = mirror_queue(services.settings)
        repaired = repair_drift(connection, queue, drift) if repair else 0
        counts = queue.counts(connection)
    if as_json:
        sides = {"in_history": drift.source, "in_mirror": drift.mirror, "differing": drift.total, "queued": repaired}
        kinds = {"shown_wrongly": drift.extra, "missing": drift.missing, "out_of_date": drift.stale}
        print_json(sides | {name: ids[:LISTED] for name, ids in kinds.items()})
    else:
        rows = [("shown, and must not be", drift.extra), ("missing", drift.missing), ("out of date", drift.stale)]
        listed = [(what, len(ids), ", ".join(ids[:5])) for what, ids in rows]
        print_table(f"{drift.source} in the history, {drift.mirror} in the mirror", ("what", "items", "first"), listed)
        if repair:
            console().print(f"{repaired} items queued")
        elif queued := counts.waiting + counts.active + counts.delayed:
            note(f"{queued} more are queued: a running system mirrors them, or `orchestration gallery drain`")
    if repair and repaired < drift.total:
        note(f"{drift.total - repaired} are dead letters and still the same; fix them, or `orchestration queue replay`")
    return SOME_FAILED if drift.total > repaired else 0


def gallery_remove(
    ids: Ids,
    reason: Annotated[str, typer.Option(help="Why, for those who ask later.")] = "removed by an operator",
    as_json: Json = False,
) -> int:
    """Take generations down until they are lifted, also against their makers; 1 when one is not known."""
    with open_services() as services, services.database.begin() as connection:
        known = known_items(connection, ids)
        new = takedown(connection, known, reason)
    if as_json:
        print_json({"taken_down": new, "were_down": len(known) - new, "unknown": sorted(set(ids) - known)})
    else:
        console().print(f"{new} taken down; the mirror follows within the second where a drain is up")
    return _note_unknown(ids, known)


def gallery_mirror(ids: Ids, as_json: Json = False) -> int:
    """Mirror these generations now, whether or not they changed, through Dagster, in this process."""
    with lasting():
        from orchestration.cli.job_runner import job_runner
        from orchestration.gallery.defs.public_generations import MirrorConfig, public_generations
        from orchestration.runtime.assets import run_config

    with open_services() as services, services.database.begin() as connection:
        known = known_items(connection, ids)
    failed: dict[str, str] = {}
    if known:
        keys = [encode_key(one) for one in sorted(known)]
        with job_runner(settings_for()) as runner:
            config = MirrorConfig(keys=keys, idle_seconds=None)
            outcome = runner.run("gallery_mirror", run_config(public_generations, config))
        _print_run("Mirror", outcome, as_json=as_json)
        failed = dict(outcome.failed)
        _note([*runner.problems, *(f"{item} failed: {reason}" for item, reason in failed.items())])
    return _note_unknown(ids, known) or (SOME_FAILED if failed else 0)


def _note_unknown(ids: Sequence[str], known: Collection[str]) -> int:
    unknown = sorted(set(ids) - set(known))
    _note([f"The history knows no generation {one!r}; nothing was done for it" for one in unknown[:LISTED]])
    return SOME_FAILED if unknown else 0


def gallery_lift(ids: Ids, as_json: Json = False) -> int:
    """Let the history decide again about generations that were taken down."""
    with open_services() as services, services.database.begin() as connection:
        lifted = lift(connection, ids)
    missed = len(set(ids)) - lifted
    print_json({"lifted": lifted, "were_not_down": missed}) if as_json else console().print(f"{lifted} lifted")
    if missed:
        note(f"{missed} were not taken down; nothing was done for them")
    return SOME_FAILED if missed else 0


def _print_run(title: str, outcome: RunOutcome, *, as_json: bool) -> None:
    shown: dict[str, Any] = {name: value for name, value in outcome.metadata.items() if "\n" not in str(value)}
    if as_json:
        print_json({"run_id": outcome.run_id, "success": outcome.success, **shown})
    else:
        print_table(title, ("what", "value"), [(name.replace("_", " "), value) for name, value in shown.items()])


def _note(problems: Sequence[str]) -> None:
    for problem in problems:
        note(problem)
