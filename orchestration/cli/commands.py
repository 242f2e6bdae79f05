"""Every command by its module, and the group that loads a module only when one of its commands is to run.

`orchestration --help` and a command that needs no Dagster start without it. Keep out: the commands.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from orchestration.imports import lasting

COMMANDS: Final[dict[str, dict[str, str]]] = {
    "catalogue_commands": {
        "sync": "Sync the catalogue with its feed, through Dagster, without its daemon.",
        "export": "Export records as JSON lines, CSV or Parquet.",
        "status": "Show each supplier's sync: state, counts, progress, families a minute, time left.",
        "stop": "Stop a supplier's sync, with what is being imported.",
        "supplier": "Set which syncs take a supplier up.",
        "restore": "Publish removed families again.",
        "quarantine": "Documents that cannot be used.",
        "drift": "Fields that changed their shape.",
    },
    "explain_command": {
        "explain": "Explain one family: from feed line to shop window, what is known, and why it is as it is."
    },
    "prints_commands": {"prints": "Print files of orders.", "orders": "Orders of personalised products."},
    "mockups_commands": {"mockups": "Render jobs of mockups, garments and colours."},
    "gallery_commands": {"gallery": "The public gallery."},
    "canvas_commands": {
        "gc": "Mark canvas media that nothing refers to, and delete those whose grace is over.",
        "canvas": "Canvas projects.",
    },
    "reconcile_command": {
        "reconcile": "Compare the rows that name objects with the objects of the store, and change nothing."
    },
    "migrate_command": {"migrate": "Bring the database to the schema of this version."},
    "system_commands": {
        "doctor": "Check database, object store, fonts, Blender, its confinement, feed and settings; one line each.",
        "materialize": "Materialize any set of an asset's partitions in one run; without keys, what is queued.",
        "queue": "The work queues: counts, workers, single tasks, dead letters.",
    },
    "demo": {"demo": "Work through the samples in a home of their own, and show what came of them."},
    "up": {"up": "Run Dagster and the API; without PROMIDATA_BASE_URL, over a sample feed and its next day."},
    "demo_load": {"demo-load": "Fill the database with samples."},
    "api_commands": {
        "api": "Serve the HTTP API; without any API key on the loopback interface only.",
        "api-keys": "The keys of the HTTP API.",
    },
    "code_server": {"code-server": "Serve the definitions to Dagster's daemon and UI, and run what they launch."},
    "env_command": {
        "env": 'Print the variables of this instance for a shell: eval "$(orchestration env)"; secrets are among them.'
    },
    "request_commands": {"requests": "Work that is asked for, and done by Dagster."},
    "mockup_commands": {"mockup": "Make mockups of a front, a back or both: flat, print file, six stills, turntable."},
    "previews_commands": {"previews": "Previews: from described steps to videos."},
    "preview": {"preview": "Render one preview: video, poster, captions, and the proof that they are right."},
    "stl": {"stl": "Make one product: printable STL, two-colour 3MF and a preview."},
}
"""The first line of each command's help stands here too, so that listing them loads none."""

_MODULES: Final = {name: module for module, names in COMMANDS.items() for name in names}


class LazyCommands(TyperGroup):
    """Commands of which only names and help are known until one is to run."""

    def resolve_command(  # type: ignore[override]  # typer keeps the type of the context to itself
        self, ctx: typer.Context, args: list[str]
    ) -> tuple[str | None, TyperCommand | TyperGroup | None, list[str]]:
        """The command that is to run, from its module."""
        name, listed, rest = super().resolve_command(ctx, args)
        command = None if listed is None or listed.name is None else loaded(_MODULES[listed.name])[listed.name]
        return name, command, rest


def command_line(app: typer.Typer) -> TyperGroup:
    """The group of all commands, with the name and help of `app`, whose class is `LazyCommands`."""
    group = get_group(app)
    for names in COMMANDS.values():
        for name, help_line in names.items():
            group.commands[name] = TyperCommand(name, help=help_line)
    return group


def loaded(module: str) -> dict[str, TyperCommand | TyperGroup]:
    """The commands of a module, by name: it adds them to an app by its function `register`."""
    app = typer.Typer()
    with lasting():
        import_module(f"orchestration.cli.{module}").register(app)
    commands: dict[str, TyperCommand | TyperGroup] = dict(get_group(app).commands)  # type: ignore[arg-type]
    return commands
