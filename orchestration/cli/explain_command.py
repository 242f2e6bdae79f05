"""`orchestration explain`: what the product knows of one family, from the line of the feed to the shop's window.

What is printed. Keep out: what is known (`catalogue.explanation`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.explanation import explain_family
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import console, print_json


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(explain)


def explain(a_number: Annotated[str, typer.Argument(help="The family's number.")], as_json: Json = False) -> None:
    """Explain one family: from feed line to shop window, what is known, and why it is as it is."""
    with open_services() as services, services.database.connect() as connection:
        catalogue = Catalogue(services)
        steps = explain_family(connection, a_number, catalogue.family_queue, catalogue.image_queue)
    if as_json:
        print_json({"a_number": a_number, "steps": [step._asdict() for step in steps]})
        return
    for step in steps:
        console().print(
            f"{step.title}: {step.verdict}", style={"good": "green", "bad": "red", "warn": "yellow"}.get(step.tone)
        )
        if step.remedy:
            console().print(f"    what to do: {step.remedy}")
        for name, value in step.facts.items():
            if value not in (None, "", []):
                console().print(f"    {name}: {'; '.join(map(str, value)) if isinstance(value, list) else value}")
