"""The page that explains one family: from the line of the feed to the shop's window, and what was made of it.

Keep out: the steps (`catalogue.explanation`), and the family as it is stored (`family_page`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.frame import Looking, address
from orchestration.admin.parts import Button, Cell, Page, Section, moment, number, state, text
from orchestration.admin.places import partition_address
from orchestration.admin.runs import runs_section
from orchestration.catalogue.explanation import Step, explain_family

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

_WORDS = {"good": "done", "bad": "failed", "warn": "warning", "busy": "running", "plain": "unknown"}


def add_explain_page(pages: APIRouter, frame: Frame) -> None:
    """The page."""

    @pages.get("/admin/explain/{a_number}")
    def show_explanation(request: Request, visitor: Looking, a_number: str) -> Response:
        catalogue = frame.domains.catalogue
        with frame.reading() as connection:
            steps = explain_family(connection, a_number, catalogue.family_queue, catalogue.image_queue)
            made = connection.execute(_MADE, {"a_number": a_number}).tuples().all()
        sections = [_section(place, step) for place, step in enumerate(steps, 1)]
        facts = [
            (status.title(), number(count, href=address("mockups", family=a_number, status=status)))
            for status, count in made
        ]
        if facts:
            sections.append(Section("Mockups of it", facts=facts))
        sections.append(runs_section(frame, "catalogue/product_families", a_number))
        links = [
            ("the family", address("families", a_number)),
            ("timeline", address("timeline", q=a_number)),
            (
                "partition in Dagster",
                partition_address(frame.services.settings, "catalogue/product_families", a_number),
            ),
        ]
        buttons = [Button("sync.start", {"supplier": a_number.partition("-")[0]}, "Sync its supplier")]
        return frame.show(
            request, visitor, Page(f"Why is {a_number} so?", sections, steps[-1].verdict, None, links, buttons)
        )


def _section(place: int, step: Step) -> Section:
    facts: list[tuple[str, Cell]] = [("It is", state(_WORDS[step.tone])), ("That is", text(step.verdict))]
    facts += [("What to do", text(step.remedy))] if step.remedy else []
    for name, value in step.facts.items():
        if value in (None, "", []):
            continue
        is_time = hasattr(value, "astimezone")
        shown = "; ".join(map(str, value)) if isinstance(value, list) else value
        facts.append((name.replace("_", " ").capitalize(), moment(value) if is_time else text(shown)))
    return Section(f"{place}. {step.title}", facts=facts)


_MADE = sa.text("""
SELECT status, count(*) FROM render_job WHERE product_id = :a_number AND deleted_at IS NULL GROUP BY 1 ORDER BY 1""")
