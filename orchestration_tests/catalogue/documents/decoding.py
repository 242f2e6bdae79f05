"""Decoding built documents in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.catalogue.documents.decode import Decoded, decode_family
from orchestration_tests.catalogue.sample_documents import as_bytes

if TYPE_CHECKING:
    from orchestration_tests.catalogue.sample_documents import JsonObject


def decode(document: JsonObject) -> Decoded:
    """Decode a document under the SKU and supplier that it says it has."""
    return decode_family(as_bytes(document), a_number=document["Sku"], supplier=document["ANumber"])
