"""The catalogue's partition sets."""

from __future__ import annotations

import dagster as dg

SUPPLIER = "supplier"
A_NUMBER = "a_number"

suppliers = dg.DynamicPartitionsDefinition(name=SUPPLIER)
a_numbers = dg.DynamicPartitionsDefinition(name=A_NUMBER)
