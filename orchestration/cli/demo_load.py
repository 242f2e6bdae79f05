"""`orchestration demo-load`: sample rows of any size, for tests, benchmarks and trials.

Arguments, and what is printed. Keep out: the samples (`orchestration.demo`).
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from orchestration.cli.options import Json, open_services
from orchestration.cli.output import console, print_json


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("demo-load")(demo_load)


def demo_load(
    histories: Annotated[int, typer.Option(min=0, help="Generations of the gallery's users.")] = 0,
    projects: Annotated[int, typer.Option(min=0, help="Canvas projects, with their operations.")] = 0,
    media: Annotated[int, typer.Option(min=0, help="Canvas media, with their objects.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 1,
    as_json: Json = False,
) -> None:
    """Fill the database with samples."""
    from orchestration.demo.canvas_media import load_media
    from orchestration.demo.histories import load_histories
    from orchestration.demo.projects import load_projects

    loaded: dict[str, Any] = {}
    with open_services() as services:
        for name, count, load in (
            ("histories", histories, lambda count: load_histories(services.database, count, seed)),
            ("projects", projects, lambda count: load_projects(services.database, count, seed)),
            ("media", media, lambda count: load_media(services, count, seed)),
        ):
            if count:
                started = time.monotonic()
                counts = load(count)._asdict()
                loaded[name] = counts | {"seconds": round(time.monotonic() - started, 2)}
    if as_json:
        print_json({"seed": seed, **loaded})
        return
    for name, counts in loaded.items():
        console().print(f"{name}: " + ", ".join(f"{value} {what.replace('_', ' ')}" for what, value in counts.items()))
    if not loaded:
        console().print("Nothing was asked for: give --histories, --projects or --media a number")
