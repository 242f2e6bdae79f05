"""What operators read beside a run over canvas projects.

Belongs here: from the domain's reports to Dagster's metadata. Does not: deciding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.runtime.markdown import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.canvas.saving import SaveReport, Unfinished

# As many as are shown in place: Dagster hides Markdown of more than 1,000 characters behind a link.
SHOWN_PROJECTS = 12
SHOWN_REASONS = 8
LONGEST_REASON = 80


def of_snapshots(report: SaveReport) -> dict[str, Any]:
    """A run's counts, its first projects, and why others were left."""
    shown: dict[str, Any] = {
        "processed": report.processed,
        "created": len(report.created),
        "skipped": len(report.skipped),
        "errors": len(report.errors),
        "bytes": report.bytes,
        "thinned": report.thinned,
        "dry_run": report.dry_run,
    }
    rows = [(one.project_id, one.op_index, one.element_count, one.bytes) for one in report.created]
    tables: dict[str, tuple[tuple[str, ...], Sequence[tuple[object, ...]]]] = {
        "projects": (("project", "last operation", "elements", "bytes"), rows[:SHOWN_PROJECTS]),
        "skipped_because": (("project", "has"), _reasons(report.skipped)),
        "failed_because": (("project", "why"), _reasons(report.errors)),
    }
    for name, (columns, table) in tables.items():
        if table:
            shown[name] = dg.MetadataValue.md(markdown_table(columns, table))
    return shown


def _reasons(unfinished: Sequence[Unfinished]) -> list[tuple[str, str]]:
    return [(one.project_id, one.reason[:LONGEST_REASON]) for one in unfinished[:SHOWN_REASONS]]
