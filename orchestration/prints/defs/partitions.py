"""The partition set of prints: one key a SKU that was ever ordered.

Belongs here: its name. Does not: which SKUs have a design (`sku`).
"""

from __future__ import annotations

import dagster as dg

SKU = "sku"

skus = dg.DynamicPartitionsDefinition(name=SKU)
