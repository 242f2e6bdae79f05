"""The category tree of the sample feed and its `CAT.csv`.

The rows, with both ways in which suppliers name a parent. Keep out: which product is in which category
(`kinds.py`).
"""

from __future__ import annotations

from typing import NamedTuple

HEADER = "Code;Name;ParentCode"


class Category(NamedTuple):
    """A row of `CAT.csv`; without a parent code, the parent is the code up to its last slash."""

    code: str
    name: str
    parent_code: str = ""

    @property
    def parent(self) -> str | None:
        """The parent's code, whichever way it is given; none for a root."""
        return self.parent_code or self.code.rpartition("/")[0] or None


CATEGORIES = (
    Category("BAGS", "Bags & Luggage"),
    Category("BAGS/SHOPPING_BAGS", "Bags & Luggage/Shopping bags"),
    Category("BAGS/BACKPACKS", "Bags & Luggage/Backpacks", "BAGS"),
    Category("HOUSE-LIVING", "House & Living"),
    Category("HOUSE-LIVING/MUGS", "Mugs", "HOUSE-LIVING"),
    Category("HOUSE-LIVING/DRINKING_BOTTLES", "Drinking bottles"),
    Category("OFFICE", "Office"),
    Category("OFFICE/NOTEBOOKS", "Notebooks"),
    Category("WRITING", "Writing"),
    Category("WRITING/BALL_PENS", "Ball pens", "WRITING"),
    Category("OUTDOOR", "Outdoor"),
    Category("OUTDOOR/UMBRELLAS", "Umbrellas"),
    Category("TEXTILES", "Textiles"),
    Category("TEXTILES/SOCKS", "Socks", "TEXTILES"),
    Category("TEXTILES/HATS", "Caps, hats & beanies", "TEXTILES"),
    Category("TEXTILES/T-SHIRTS", "T-shirts"),
    Category("TEXTILES/POLOS", "Polos", "TEXTILES"),
    Category("TEXTILES/SWEATERS", "Sweaters & Hoodies"),
    Category("TEXTILES/SOFTSHELLS", "Softshells", "TEXTILES"),
)


def category_file() -> bytes:
    """`CAT.csv`: semicolons, CRLF, UTF-8."""
    rows = (f"{row.code};{row.name};{row.parent_code}" for row in CATEGORIES)
    return "".join(f"{line}\r\n" for line in (HEADER, *rows)).encode()
