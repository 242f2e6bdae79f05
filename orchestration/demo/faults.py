"""Documents and pictures with something wrong: what a supplier's exporter really sends on a bad day.

The damage. Keep out: which family has it on which day (`days.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from orchestration.demo.days import Drift, Fault

if TYPE_CHECKING:
    from orchestration.demo import wire

ERROR_PAGE = b"""<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>The export service did not answer in time.</p></body></html>
"""


def spoiled(document: bytes, fault: Fault | None) -> bytes:
    """The document with its fault, or as it is."""
    match fault:
        case None:
            return document
        case Fault.TRUNCATED:
            return cut_short(document)
        case Fault.HTML:
            return ERROR_PAGE
        case Fault.MISTYPED:
            mistyped = msgspec.json.decode(document) | {"ChildProducts": "see attachment"}
            return msgspec.json.encode(mistyped)


def cut_short(content: bytes) -> bytes:
    """The first three fifths of a file."""
    return content[: len(content) * 3 // 5]


def drift(family: wire.Family, kind: Drift | None) -> None:
    """Make a family depart from the format, in place."""
    match kind:
        case Drift.NEW_FIELD:
            for child in family.child_products:
                child.non_language_depended_product_details.sustainability = {"Score": "B", "Scheme": "ProductTrace"}
        case Drift.LOST_FIELD:
            documents: list[wire.Family | wire.Child] = [family, *family.child_products]
            for document in documents:
                document.video_url = UNSET
                document.warnings = []
        case None:
            pass
