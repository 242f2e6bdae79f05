"""From bytes or a decoded document to a payload: the schema, and what a schema cannot say.

One function for all who take payloads in. Keep out: the schema itself (`schema`), and anything that has to be fetched.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.errors import InvalidInputError
from orchestration.previews.payload.model import AssetType, PreviewJob
from orchestration.previews.payload.schema import Fault, InvalidPayloadError, json_path, schema_faults
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.previews.payload.model import PreviewRequest
    from orchestration.previews.payload.schema import Path

LARGEST_BYTES = 2 * 2**20
SHORTEST_SIDE, LONGEST_SIDE = 64, 3840
MOST_PIXELS = 3840 * 2160
# Lists and objects within each other; a payload has seven, and what is free in it hardly more.
DEEPEST = 64
# What is neither text nor the space between texts; a database and a font refuse the first of them alike.
_CONTROLS = {*range(0x20), 0x7F} - set(map(ord, "\t\n\r"))
_REQUEST: Path = ("previewRequest",)
_JOB = prepared(PreviewJob)


class UnreadablePayloadError(InvalidInputError):
    """The bytes are no JSON document of a size that is read."""


def decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Decode a JSON document; raises `UnreadablePayloadError`."""
    if len(body) > LARGEST_BYTES:
        raise UnreadablePayloadError(f"The payload has {len(body)} bytes, more than {LARGEST_BYTES}; send fewer steps")
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadablePayloadError(f"The payload is no JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise UnreadablePayloadError("The payload is nested too deep; send a flat document") from error


def read_payload(document: object) -> PreviewJob:
    """The payload of a decoded document; raises `InvalidPayloadError` with every fault, by path."""
    # Text that is broken, or nested too deep, would not get as far as the schema, so it is looked for first.
    if faults := list(_broken_text(document, ())) or schema_faults(document):
        raise InvalidPayloadError(faults)
    job = msgspec.convert(document, _JOB, strict=False)
    if faults := sorted(_contradictions(job.preview_request)):
        raise InvalidPayloadError(faults)
    return job


def _broken_text(value: object, path: Path) -> Iterator[Fault]:
    if len(path) > DEEPEST:
        yield Fault(json_path(path[:1]), f"is nested more than {DEEPEST} levels deep; flatten it")
    elif isinstance(value, dict):
        for name, part in value.items():
            if problem := _text_problem(name):
                yield Fault(json_path(path), f"has a field whose name {problem}")
            else:
                yield from _broken_text(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _broken_text(part, (*path, index))
    elif isinstance(value, str) and (problem := _text_problem(value)):
        yield Fault(json_path(path), problem)


def _text_problem(text: str) -> str | None:
    for character in text:
        code = ord(character)
        if code in _CONTROLS or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the range of surrogates
            return f"holds U+{code:04X}, which is no text; remove it"
    return None


def _contradictions(request: PreviewRequest) -> Iterator[Fault]:
    yield from _size_faults(request)
    yield from _doubled("assets", [asset.id for asset in request.assets])
    yield from _doubled("steps", [step.id for step in request.steps])
    yield from _reference_faults(request)
    yield from _caption_faults(request)


def _size_faults(request: PreviewRequest) -> Iterator[Fault]:
    width, height = request.options.size
    path = json_path((*_REQUEST, "options", "resolution"))
    if not (min(width, height) >= SHORTEST_SIDE and max(width, height) <= LONGEST_SIDE):
        yield Fault(path, f"each side must measure {SHORTEST_SIDE} to {LONGEST_SIDE} pixels")
    elif width * height > MOST_PIXELS:
        yield Fault(path, f"has more than {MOST_PIXELS} pixels; ask for a smaller one")


def _doubled(field: str, ids: list[str]) -> Iterator[Fault]:
    counts = Counter(filter(None, ids))
    for index, one in enumerate(ids):
        if counts[one] > 1 and one in ids[:index]:
            yield Fault(json_path((*_REQUEST, field, index, "id")), f"{one} is used twice; give each its own id")


def _reference_faults(request: PreviewRequest) -> Iterator[Fault]:
    types = {asset.id: asset.type for asset in request.assets}
    for number, step in enumerate(request.steps):
        path = (*_REQUEST, "steps", number, "assetIds")
        for index, one in enumerate(step.asset_ids):
            if one not in types:
                yield Fault(
                    json_path((*path, index)), f"there is no asset {one}; add it to the assets, or leave it out"
                )
        used = Counter(types[one] for one in step.asset_ids if one in types)
        if used[AssetType.AUDIO] > 1:
            yield Fault(json_path(path), "names more than one audio asset; a step has one narration")
        if used[AssetType.VIDEO] > 1 or (used[AssetType.VIDEO] and used[AssetType.IMAGE]):
            yield Fault(json_path(path), "names a video beside something else to see; give each a step of its own")


def _caption_faults(request: PreviewRequest) -> Iterator[Fault]:
    previous = 0
    for index, caption in enumerate(request.audio.captions):
        path = (*_REQUEST, "audio", "captions", index)
        if caption.end_ms <= caption.start_ms:
            yield Fault(json_path((*path, "endMs")), "must be later than startMs")
        elif caption.start_ms < previous:
            yield Fault(json_path((*path, "startMs")), "begins before the caption before it has ended")
        previous = max(previous, caption.end_ms)
