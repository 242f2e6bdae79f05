"""A feed as files: documents and pictures that tests put in, change and take out.

The files. Keep out: building documents (`documents`), syncing (`syncing`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from PIL import Image

from orchestration_tests.catalogue.sample_documents import as_bytes, feed_bytes, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CATEGORIES = "Code;Name;ParentCode\r\nTEXTILES;Textiles;\r\nTEXTILES/SOFTSHELLS;Softshells;TEXTILES\r\n"


class FeedFolder:
    """A feed under `root`, whose URLs begin with `base_url`. `publish` writes Import.txt after any change."""

    def __init__(self, root: Path, base_url: str) -> None:
        self.root = root
        self.base_url = base_url
        self.hashes: dict[str, str] = {}
        (root / "Import").mkdir(parents=True)
        (root / "images").mkdir()
        (root / "CAT.csv").write_bytes(CATEGORIES.encode())
        self.publish()

    def put(self, *documents: dict[str, Any]) -> None:
        """Write documents under their true hashes, with pictures of this feed's own, and publish."""
        for document in map(self.with_pictures, documents):
            self.write(document["Sku"], as_bytes(document))
            self.hashes[document["Sku"]] = hash_of(document)
        self.publish()

    def write(self, sku: str, body: bytes) -> None:
        """Write a document's bytes; its hash in Import.txt stays as it is."""
        path = self.root / sku.partition("-")[0] / f"{sku}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)

    def put_broken(self, sku: str, body: bytes, supplier_hash: str = "A" * 40) -> None:
        """List a document of these bytes."""
        self.write(sku, body)
        self.hashes[sku] = supplier_hash
        self.publish()

    def remove(self, *skus: str) -> None:
        """Take families off the list."""
        for sku in skus:
            del self.hashes[sku]
        self.publish()

    def publish(self) -> None:
        """Write Import.txt."""
        (self.root / "Import" / "Import.txt").write_bytes(feed_bytes(self.hashes, base_url=self.base_url))

    def picture(self, name: str, body: bytes | None = None) -> str:
        """Write a picture, drawn from its name unless bytes are given; its URL."""
        path = self.root / "images" / name
        if body is not None or not path.exists():
            path.write_bytes(drawn(name) if body is None else body)
        return f"{self.base_url}/images/{quote(name)}"

    def with_pictures(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with every image URL replaced by one of this feed's, and the pictures written."""
        return {key: self._localised(value) for key, value in document.items()}

    def _localised(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, list):
            return [self._localised(item) for item in value]
        if not isinstance(value, dict):
            return value
        changed = {key: self._localised(item) for key, item in value.items()}
        if isinstance(url := value.get("Url"), str):
            changed["Url"] = self.picture(url.rpartition("/")[2])
        return changed


def drawn(name: str, size: tuple[int, int] = (60, 40)) -> bytes:
    """A small JPEG that differs with `name`."""
    shade = sum(name.encode()) % 256, len(name) * 7 % 256, hash_byte(name)
    out = io.BytesIO()
    Image.new("RGB", size, shade).save(out, "JPEG", comment=name.encode())
    return out.getvalue()


def hash_byte(name: str) -> int:
    """A byte that depends on the order of the characters."""
    value = 0
    for character in name.encode():
        value = (value * 31 + character) % 251
    return value


def skus(documents: Iterable[dict[str, Any]]) -> list[str]:
    """The keys of documents."""
    return [document["Sku"] for document in documents]
