"""Asking Dagster for work from a form: one row in the table of requests, in the visitor's name.

Keep out: the kinds of request, which each domain declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.requests.requests import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.admin.forms import Doing
    from orchestration.requests.requests import RequestKind, WorkRequest


def start_work(doing: Doing, kind: RequestKind[Any], arguments: Mapping[str, Any]) -> WorkRequest:
    """Ask for work; Dagster's sensor picks it up within seconds."""
    return ask(doing.connection, kind, arguments, requested_by=doing.by, http_request_id=doing.request_id)
