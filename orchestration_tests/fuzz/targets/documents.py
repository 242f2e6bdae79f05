"""Documents of users: preview jobs, tables of merge fields, histories of generations, mockup jobs, settings."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec

from orchestration.errors import ConfigurationError, PermanentError
from orchestration.gallery.merge import Creator, HistoryItem, image_urls, merge_media, own_creator, public_document
from orchestration.gallery.shown import PERSONAL
from orchestration.gallery.signup_choice import Generation, candidate
from orchestration.mockups.fabrics import parse_background, parse_fabric
from orchestration.mockups.jobs.model import NewJob
from orchestration.mockups.jobs.validation import check_new
from orchestration.mockups.presets import parse_preset
from orchestration.previews.payload.merge import merge
from orchestration.previews.payload.reading import decode, read_payload
from orchestration.previews.payload.schema import InvalidPayloadError
from orchestration.settings import Settings, load_settings
from orchestration.settings.fields import variables_of
from orchestration_tests.fuzz.mutation import of_json, of_text
from orchestration_tests.fuzz.target import Target, each, expect, expect_storable, json_of, parts_of, text_of
from orchestration_tests.previews.payloads import FULL, small

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_ROWS = [{"id": "a", "name": "Anna", "text": "Hello"}, {"id": "b", "name": "", "text": ""}]
_REFUSED = (PermanentError, msgspec.MsgspecError)
_NUL = b"\\u0000"


def read_preview(data: bytes) -> None:
    """A preview job; what passes can be stored, and read again."""
    document = decode(data)
    try:
        job = read_payload(document)
    except InvalidPayloadError as error:
        for fault in error.faults:
            expect(fault.path.startswith("$"), "a fault without a path")
            expect_storable(fault.problem.encode("utf-8", "replace").decode())
        raise
    written = msgspec.json.encode(job)
    expect(_NUL not in written, "a NUL is kept")
    expect(read_payload(msgspec.json.decode(written)) == job, "it is read as another job")


def merge_preview(data: bytes) -> None:
    """A template with merge fields: each row of a table becomes a document or an error."""
    document = json_of(data)
    if isinstance(document, dict):
        for one in merge(document, _ROWS):
            expect((one.document is None) == (one.error is not None), "neither a document nor an error")


def show_generation(data: bytes) -> None:
    """The document of a history; what becomes public can be stored, and tells no address of a person."""
    document = json_of(data)
    item = HistoryItem("h-1", "u-1", "completed", "public", True, False, False, None, None, document, _NOW, _NOW, 1)
    list(image_urls(item))
    own_creator(item)
    candidate(Generation("h-1", "u-1", _NOW, _inner(document, "images"), _inner(document, "score")), 5.0, _NOW)
    merge_media(_inner(document, "images"), _inner(document, "videos"))
    shown = public_document(item)
    assert shown is not None, "a public item is not shown"
    again = public_document(item, previous=shown)
    expect(msgspec.json.encode(again) == msgspec.json.encode(shown), "a second merge gives another document")
    for name in ("username", "displayName", "photoURL"):
        expect(not re.search(PERSONAL, shown["createdBy"][name] or ""), "an address of a person is shown")
    public_document(item, creator=Creator(text_of(data), None, None))


def read_mockup_job(data: bytes) -> None:
    """A render job, as the API hands it on."""
    job = msgspec.convert(json_of(data), NewJob)
    for text in (job.options.fabric, job.options.text_colour):
        if text is not None:
            parse_fabric(text)
    parse_background(job.options.background)
    parse_preset(job.preset)
    check_new(job)
    expect(_NUL not in msgspec.json.encode(job.metadata), "a NUL is kept")


def read_settings(data: bytes) -> None:
    """A setting as text: it is read and handed on as the same, or refused by the name of its variable."""
    name, text = parts_of(data, 2)
    fields = sorted(Settings.model_fields)
    field = name if name in Settings.model_fields else fields[sum(name.encode("utf-8", "replace")) % len(fields)]
    variable = variables_of(field, Settings.model_fields[field])[0]
    with patch.dict(os.environ, {"ORCHESTRATION_HOME": "home", variable: text.replace("\0", "")}):
        settings = load_settings()
    for days in (
        settings.gc_ttl_days,
        settings.run_keep_days,
        settings.preview_keep_days,
        settings.gc_grace_hours / 24,
    ):
        expect(_NOW - timedelta(days=days) < _NOW or days <= 0, "a time that no calendar has")
    variables = settings.environment(secrets=True)
    expect(all(isinstance(value, str) for value in variables.values()), "a variable that is no text")


def _inner(document: object, name: str) -> Any:  # noqa: ANN401 - as JSON
    return document.get(name) if isinstance(document, dict) else document


def _previews() -> Iterable[bytes]:
    template = small("{{id}}", steps=[{"title": "{{ name | Guest }}", "text": "{{text}}"}])
    yield from (json.dumps(one).encode() for one in (FULL, small(), template))


def _generations() -> Iterable[bytes]:
    medium = {"id": "m-1", "url": "https://a.example/x.png?X-Amz-Signature=1&v=2", "width": 3, "thumbnailUrl": "https://t/",
              "aesthetic": {"score": 7.5, "note": "n"}, "aestheticScore": 6}  # fmt: skip
    creator = {"uid": "u-1", "username": "ada", "displayName": "ada@example.org", "photoURL": "https://p.example/a.png"}
    document = {"prompt": "a mug", "images": [medium, {"storagePath": "x"}], "videos": [medium], "audios": [medium],
                "createdBy": creator, "tags": ["a", 1], "secret": {"a": 1}, "score": 5}  # fmt: skip
    yield json.dumps(document).encode()


def _mockup_jobs() -> Iterable[bytes]:
    options = {"fabric": "navy", "background": "#00112233", "mode": "all", "width_mm": 80.5, "offset_mm": [1, -2],
               "further_prints": [{"preset": "back-small", "text": "Anna"}], "text": "Hi",
               "text_colour": "white"}  # fmt: skip
    job = {"product_id": "p", "preset": "chest-small", "design_file_url": "https://a.example/d.png", "options": options,
           "metadata": {"a": [1, None]}}  # fmt: skip
    yield json.dumps(job).encode()


def _settings() -> Iterable[bytes]:
    values = {"print_bed_mm": "[220, 220, 250]", "database_url": "postgresql://a:b@c/d", "gc_cron": "0 3 * * *",
              "image_hosts": "a.example, b.example:80", "log_level": "debug", "preview_queue_name": "x-1",
              "public_url": "https://a.example", "print_order_statuses": "awaiting_shipment,shipped"}  # fmt: skip
    values = {name: text for name, text in values.items() if name in Settings.model_fields}
    yield from (f"{name}\0{text}".encode() for name, text in values.items())
    yield from (f"{name}\x001".encode() for name in Settings.model_fields)


_READERS = each(read_preview, merge_preview, show_generation, read_mockup_job, declared=_REFUSED)

TARGETS = (
    Target("documents", _READERS, lambda: [*_previews(), *_generations(), *_mockup_jobs()], declared=_REFUSED,
           mutation=of_json, longest=20_000),
    Target("settings", read_settings, _settings, mutation=of_text, declared=(ConfigurationError,), longest=300),
)  # fmt: skip
