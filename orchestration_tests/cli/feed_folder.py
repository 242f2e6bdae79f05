"""A small `file://` feed in a folder: families come, change, break and go.

The files of a feed. Keep out: what is in a document (`orchestration_tests.catalogue.sample_documents`).
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image

from orchestration.demo.categories import category_file
from orchestration_tests.catalogue.sample_documents import IMAGE_URL, as_bytes, family_document

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestration_tests.catalogue.sample_documents import JsonObject

_PICTURE = re.compile(rb"/images/([0-9a-f]{64})\.jpg")


class FeedFolder:
    """A feed under `root`; nothing is seen of a change until `publish`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()
        self._bodies: dict[str, bytes] = {}

    def put(self, *documents: JsonObject) -> None:
        """List these families, or put them in the place of those with the same SKU."""
        for document in documents:
            body = as_bytes(document).replace(IMAGE_URL.encode(), f"{self.url}/images".encode())
            self._bodies[document["Sku"]] = body

    def put_plain(self, *skus: str, name: str = "Cap", children: int = 1, pictures: int = 0) -> None:
        """List plain families under these SKUs."""
        self.put(*(family_document(sku, name=name, children=children, pictures=pictures) for sku in skus))

    def spoil(self, sku: str, body: bytes) -> None:
        """Let the family's document be these bytes."""
        self._bodies[sku] = body

    def drop(self, skus: Iterable[str]) -> None:
        """List these families no longer."""
        for sku in skus:
            del self._bodies[sku]

    def body(self, sku: str) -> bytes:
        """The family's document."""
        return self._bodies[sku]

    def publish(self) -> None:
        """Write the documents, their pictures, the categories, and `Import.txt` last."""
        self._write("CAT.csv", category_file())
        lines = [f"{self.url}/CAT.csv"]
        for sku, body in self._bodies.items():
            folder = sku.partition("-")[0]
            self._write(f"{folder}/{sku}.json", body)
            digest = hashlib.sha1(body, usedforsecurity=False).hexdigest()
            lines.append(f"{self.url}/{folder}/{quote(sku, safe='')}.json|{digest}")
            for name in _PICTURE.findall(body):
                self._write(f"images/{name.decode()}.jpg", picture(name.decode()))
        self._write("Import/Import.txt", "\r\n".join([*lines, ""]).encode())

    def _write(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def picture(subject: str) -> bytes:
    """A small JPEG whose colour follows from the subject."""
    color = hashlib.sha256(subject.encode()).digest()[:3]
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (color[0], color[1], color[2])).save(stream, "JPEG")
    return stream.getvalue()
