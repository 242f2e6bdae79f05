"""The form that the feed has in the German market: the same offers, otherwise written.

How a document and `CAT.csv` differ there. Keep out: what is offered (`days.py`).

Prices are those of the region `DEU`. The ways of printing stand once, in the root's `ImprintReferences`, and positions
refer to them by hash; the size of a position has fields of its own, whose height is misspelled. `CAT.csv` has a column
for each language, with whole paths.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.demo.categories import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "DEU"
HEADER = "DE;EN;KEY;ICON;IMAGE"
# In the markets of the sample, two families come in this form too.
GERMAN_FAMILIES = frozenset({"A461-2111042", "A461-2120020"})
_AREA = re.compile(r"([\d.]+) x ([\d.]+) mm")


def in_german_form(content: bytes) -> bytes:
    """The document as it stands in the German feed."""
    document = msgspec.json.decode(content, type=dict[str, Any])
    references: dict[str, Any] = {}
    for item in (document, *document["ChildProducts"]):
        _rename_regions(item)
    for child in document["ChildProducts"]:
        for position in child["ImprintPositions"] or ():
            _refer(position, references)
    document["ImprintReferences"] = references
    if document["DefaultProducts"]:
        document["DefaultProducts"] = {REGION: next(iter(document["DefaultProducts"].values()))}
    return msgspec.json.encode(document)


def _rename_regions(node: Any) -> None:  # noqa: ANN401 - any part of a document
    """Let all prices below a part of a document be those of one region."""
    if isinstance(node, list):
        for item in node:
            _rename_regions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "ProductPriceCountryBased" and value:
                node[key] = {REGION: next(iter(value.values()))}
            elif key != "ChildProducts":
                _rename_regions(value)


def _refer(position: dict[str, Any], references: dict[str, Any]) -> None:
    """Move a position's options to the table of references, and its area into fields."""
    options = {_digest(option): option for option in position["ImprintOptions"]}
    references |= options
    position["ImprintOptions"] = []
    position["ImprintOptionsReferences"] = dict.fromkeys(options)
    area = (position["UnstructuredInformation"] or {}).get("MaxPrintArea", "")
    if match := _AREA.fullmatch(area):
        position["PositionInformation"] = {"MaxWidth": float(match[1]), "MaxHeigth": float(match[2])}
        position["UnstructuredInformation"] = None
    for option in options.values():
        option["Dimension"] = None


def _digest(option: object) -> str:
    return hashlib.sha1(msgspec.json.encode(option), usedforsecurity=False).hexdigest()


def german_category_file() -> bytes:
    """`CAT.csv` with whole paths; the German names are those of the sample, which has English ones only."""
    lines = (f"{path};{path};{code};;" for code, path in _paths())
    return "".join(f"{line}\r\n" for line in (HEADER, *lines)).encode()


def _paths() -> Iterator[tuple[str, str]]:
    paths: dict[str, str] = {}
    for row in CATEGORIES:
        name = row.name.rpartition("/")[2]
        paths[row.code] = f"{paths[row.parent]} / {name}" if row.parent else name
        yield row.code, paths[row.code]
