"""Structured logs: one JSON object a line, on standard error.

The format, and binding what a line is about. Keep out: what is logged.
Bound names: `run`, `supplier`, `a_number`, `attempt`, and whatever a domain adds.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from orchestration.observability.untrusted import for_json_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from structlog.typing import FilteringBoundLogger


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every line as JSON to `stream` (standard error by default), from `level` upward."""
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
            _harmless,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
    )


def _harmless(_logger: object, _method: str, line: Any) -> str:  # noqa: ANN401 - structlog hands on what the last one made
    return for_json_line(line)


def get_logger() -> FilteringBoundLogger:
    """The logger of the calling module."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def about(**names: object) -> AbstractContextManager[None]:
    """Bind `names` to every line that is logged inside the block, also across awaits."""
    return bound_contextvars(**names)
