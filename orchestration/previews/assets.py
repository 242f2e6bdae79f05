"""The assets of a preview, fetched into a folder and checked against their hashes.

Bounds on bytes, and errors that name the asset by its path in the payload. Keep out: which hosts are allowed
(`orchestration.media`), and what the bytes are (`film.materials`).
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import PermanentError, TransientError
from orchestration.previews.film.materials import TRACK
from orchestration.previews.film.order import AssetFile
from orchestration.previews.payload.model import AssetType
from orchestration.previews.payload.schema import Fault, InvalidPayloadError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.media.download import Downloader
    from orchestration.previews.payload.model import PreviewRequest

AT_ONCE = 4
_LOCAL = "is a local file; serve it by http(s), or render with `orchestration preview --allow-files`"


class AssetLimits(NamedTuple):
    """Bytes that an image, a recording, and all assets of one preview together may have."""

    image: int = 32 * 2**20
    recording: int = 64 * 2**20
    together: int = 256 * 2**20


class FetchedAssets(NamedTuple):
    """The files of the assets by id, and of the track."""

    files: dict[str, AssetFile]
    track: AssetFile | None


class _Wanted(NamedTuple):
    path: str
    id: str
    type: AssetType
    url: str
    sha256: str | None


async def fetch_assets(
    request: PreviewRequest, downloader: Downloader, folder: Path, limits: AssetLimits, *, allow_files: bool = False
) -> FetchedAssets:
    """Fetch every asset, a few at a time.

    Raises `InvalidPayloadError` with a fault for each asset that cannot be had or has another hash, and
    `TransientError` when trying again may help.
    """
    wanted = _wanted(request)
    places = asyncio.Semaphore(AT_ONCE)
    budget = [limits.together]

    async def fetch(number: int, one: _Wanted) -> AssetFile | Fault:
        async with places:
            return await _fetch(one, downloader, folder / f"asset-{number}", limits, budget)

    if not allow_files and (local := [one for one in wanted if one.url[:5].lower() == "file:"]):
        raise InvalidPayloadError([Fault(one.path, _LOCAL) for one in local])
    results = await asyncio.gather(*(fetch(number, one) for number, one in enumerate(wanted)))
    if faults := [one for one in results if isinstance(one, Fault)]:
        raise InvalidPayloadError(faults)
    files = {one.id: one for one in results if isinstance(one, AssetFile)}
    track = files.pop(TRACK_ID, None)
    return FetchedAssets(files, track._replace(id=TRACK) if track else None)


TRACK_ID = "\0track"
"""No asset's id."""


def _wanted(request: PreviewRequest) -> Sequence[_Wanted]:
    wanted = [
        _Wanted(f"$.previewRequest.assets[{number}].url", one.id, one.type, one.url, one.sha256)
        for number, one in enumerate(request.assets)
    ]
    audio = request.audio
    if audio.track_url:
        path = "$.previewRequest.audio.trackUrl"
        wanted.append(_Wanted(path, TRACK_ID, AssetType.AUDIO, audio.track_url, audio.track_sha256))
    return wanted


async def _fetch(
    one: _Wanted, downloader: Downloader, path: Path, limits: AssetLimits, budget: list[int]
) -> AssetFile | Fault:
    most = min(limits.image if one.type is AssetType.IMAGE else limits.recording, budget[0])
    try:
        answer = await downloader.get(one.url, max_bytes=most)
    except PermanentError as error:
        return Fault(one.path, str(error))
    except TransientError as error:
        raise TransientError(f"{one.path}: {error}", retry_after=error.retry_after) from error
    budget[0] -= len(answer.body)
    if budget[0] < 0:
        return Fault(one.path, f"the assets have more than {limits.together} bytes together; send smaller ones")
    digest = hashlib.sha256(answer.body).hexdigest()
    if one.sha256 is not None and digest != one.sha256.lower():
        return Fault(one.path, f"has the SHA-256 {digest}, not {one.sha256.lower()}; correct the hash or the file")
    await asyncio.to_thread(path.write_bytes, answer.body)
    return AssetFile(one.id, one.type, path, digest, len(answer.body))
