"""Which pictures a root or a child shows, as source URLs.

It finds the primary picture and the gallery of one product level. Keep out: downloading, and which URLs are safe.

Languages are given in reading order. Documents repeat the same pictures under every language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.catalogue.documents.wire import Details, Picture


def primary_url(blocks: Sequence[Details]) -> str | None:
    """The picture of the first language that has one."""
    return next((url for block in blocks for url in _urls((block.image,))), None)


def gallery_urls(blocks: Sequence[Details], *, without: Iterable[str | None]) -> tuple[str, ...]:
    """The galleries of all languages, each picture once, then primary pictures that only another language shows."""
    urls = dict.fromkeys(url for block in blocks for url in _urls(block.media_gallery_images or ()))
    urls.update(dict.fromkeys(url for block in blocks for url in _urls((block.image,))))
    for shown in without:
        urls.pop(shown or "", None)
    return tuple(urls)


def _urls(pictures: Iterable[Picture | None]) -> list[str]:
    return [url for picture in pictures if picture is not None and (url := (picture.url or "").strip())]
