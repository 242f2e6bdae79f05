"""The designs of a job: from the object store, or from the web the first time.

Keep out: decoding them, which the render processes do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.identify import content_hash
from orchestration.mockups.designs.design import check_design, fetch_design
from orchestration.mockups.jobs.objects import FOLDER
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from orchestration.media.download import Downloader
    from orchestration.media.image_rules import ImageFacts
    from orchestration.mockups.jobs.model import RenderJob
    from orchestration.storage.objects import ObjectStore


class FetchedDesign(NamedTuple):
    """A design that was just fetched, not yet stored."""

    key: str
    body: bytes
    facts: ImageFacts


class JobDesigns:
    """Reads the designs of jobs."""

    def __init__(self, objects: ObjectStore, downloader: Downloader) -> None:
        self._objects = objects
        self._downloader = downloader

    async def fetch(self, job: RenderJob) -> FetchedDesign | None:
        """The design of a job that has it only by URL; None when it is stored, or a text.

        Raises `MockupRefusedError` for what is no design, and what the downloader raises.
        """
        if job.design_key is not None or job.design_file_url is None or job.options.text is not None:
            return None
        body = await fetch_design(self._downloader, job.design_file_url)
        facts = check_design(job.design_file_url, body)
        return FetchedDesign(content_key(f"{FOLDER}/designs", content_hash(body), facts.extension), body, facts)

    async def store(self, design: FetchedDesign) -> None:
        """Put a design into the object store; hold `storing` until a row refers to it."""
        await self._objects.put_once(design.key, design.body, mime=design.facts.mime)

    async def read(self, job: RenderJob) -> dict[str, bytes]:
        """The stored designs of a job by their keys; raises `MissingObjectError`."""
        keys = {job.design_key, *(one.design_key for one in job.options.further_prints)} - {None}
        bodies = await asyncio.gather(*(asyncio.to_thread(self._objects.get, str(key)) for key in keys))
        return {str(key): body for key, body in zip(keys, bodies, strict=True)}
