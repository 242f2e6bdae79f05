"""The garment that is shown unless another one is asked for.

Keep out: the garments (`library`), so that what only names one loads no numbers.
"""

from __future__ import annotations

from typing import Final

DEFAULT_TEMPLATE: Final = "mens-tshirt"
