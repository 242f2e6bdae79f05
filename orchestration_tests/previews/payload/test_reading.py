"""Payloads are taken whole or refused with every fault, by its path."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.previews.payload.reading import LARGEST_BYTES, UnreadablePayloadError, decode, read_payload
from orchestration.previews.payload.schema import InvalidPayloadError, json_path, schema_text
from orchestration_tests.previews.payloads import FULL, MINIMAL

Path = tuple[str | int, ...]


def faults(document: object) -> dict[str, str]:
    """What is wrong with a document, by path."""
    with pytest.raises(InvalidPayloadError) as caught:
        read_payload(document)
    return dict(caught.value.faults)


def changed(path: Path, value: object, of: dict[str, Any] = FULL) -> dict[str, Any]:
    """A payload with another value in one place; None takes the place away."""
    document = copy.deepcopy(of)
    at: Any = document
    for part in path[:-1]:
        at = at[part]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def paths(value: Any, path: Path = ()) -> list[Path]:  # noqa: ANN401 - as JSON
    """Every place in a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, part in parts for found in paths(part, (*path, name)))]


FREE = ("previewRequest", "metadata")
PLACES = [path for path in paths(FULL) if path and path[:2] != FREE]
CLOSED: list[Path] = [
    (), ("previewRequest", "steps", 0), ("previewRequest", "assets", 1), ("previewRequest", "audio"),
    ("previewRequest", "audio", "captions", 0), ("previewRequest", "options"),
]  # fmt: skip
REQUIRED: list[Path] = [
    *((name,) for name in ("jobId", "projectId", "requestId", "dryRun", "previewRequest")),
    *(("previewRequest", name) for name in ("steps", "assets", "audio")),
    *(("previewRequest", "assets", 0, name) for name in ("id", "type", "url")),
    *(("previewRequest", "audio", "captions", 0, name) for name in ("startMs", "endMs", "text")),
]


@pytest.mark.parametrize("document", [MINIMAL, FULL])
def test_valid_payloads_pass(document: dict[str, Any]) -> None:
    assert read_payload(document).job_id == document["jobId"]


def test_whole_numbers_may_be_written_with_a_point() -> None:
    job = read_payload(changed(("previewRequest", "steps", 0, "durationMs"), 500.0))
    assert job.preview_request.steps[0].duration_ms == 500


@given(st.sampled_from(PLACES), st.sampled_from([True, -1, 10**12, [], {}, [{}]]))
def test_a_value_of_another_type_is_refused_at_its_path(path: Path, value: object) -> None:
    original: Any = FULL
    for part in path:
        original = original[part]
    if type(value) is type(original) or (isinstance(original, list) and isinstance(value, list)):
        return
    found = faults(changed(path, value))
    assert any(where.startswith(json_path(path)) for where in found), found


@given(st.sampled_from(CLOSED), st.text(min_size=1, max_size=8))
def test_an_unknown_field_is_refused_at_its_path(path: Path, name: str) -> None:
    at: Any = FULL
    for part in path:
        at = at[part]
    if name in at:
        return
    found = faults(changed((*path, name), 1))
    assert any(where.startswith(json_path(path)) for where in found), found


def test_an_unknown_field_is_named() -> None:
    assert "$.previewRequest.steps[0].durationMS" in faults(changed(("previewRequest", "steps", 0, "durationMS"), 5))


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_field_is_named(path: Path) -> None:
    assert faults(changed(path, None))[json_path(path)] == "is required"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("jobId",), "../../etc/passwd"), (("jobId",), ".."), (("jobId",), ".hidden"), (("jobId",), "a/b"),
        (("jobId",), "x" * 129), (("jobId",), ""), (("projectId",), "a\nb"), (("projectId",), "a b"),
        (("priority",), "urgent"), (("attempts",), -1), (("attempts",), 1.5), (("createdAt",), "yesterday"),
        (("createdAt",), "2026-02-30T10:00:00Z"), (("updatedAt",), "2026-02-01"),
        (("previewRequest", "options", "resolution"), "1280"), (("previewRequest", "options", "resolution"), "10x10"),
        (("previewRequest", "options", "resolution"), "9999x9999"), (("previewRequest", "options", "format"), "gif"),
        (("previewRequest", "options", "fps"), 1000), (("previewRequest", "options", "accent"), "red"),
        (("previewRequest", "audio", "volume"), 1.01), (("previewRequest", "audio", "trackUrl"), "not a url"),
        (("previewRequest", "assets", 0, "sha256"), "abc"), (("previewRequest", "assets", 1, "id"), "photo"),
        (("previewRequest", "steps", 0, "durationMs"), 99), (("previewRequest", "steps", 0, "durationMs"), "long"),
        (("previewRequest", "steps", 1, "id"), "one"),
        (("previewRequest", "audio", "captions", 0, "endMs"), 1_000_000_000),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_at_its_path(path: Path, value: object) -> None:
    assert json_path(path) in faults(changed(path, value))


def test_ten_thousand_steps_are_refused() -> None:
    assert "$.previewRequest.steps" in faults(changed(("previewRequest", "steps"), [{}] * 10_000))


def test_what_refers_to_nothing_is_named_by_its_place() -> None:
    path = ("previewRequest", "steps", 1, "assetIds")
    assert "$.previewRequest.steps[1].assetIds[1]" in faults(changed(path, ["photo", "gone"]))
    found = faults(changed(("previewRequest", "audio", "captions", 0, "endMs"), 0 + 1) | {"jobId": "/"})
    assert list(found) == ["$.jobId"]


def test_captions_follow_each_other() -> None:
    cues = [{"startMs": 0, "endMs": 900, "text": "a"}, {"startMs": 800, "endMs": 950, "text": "b"}]
    assert "$.previewRequest.audio.captions[1].startMs" in faults(
        changed(("previewRequest", "audio", "captions"), cues)
    )


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\x1b[31m"])
def test_text_that_is_no_text_is_refused_at_its_path(text: str) -> None:
    assert "$.previewRequest.steps[0].title" in faults(changed(("previewRequest", "steps", 0, "title"), text))
    assert "$.previewRequest.metadata" in faults(changed(("previewRequest", "metadata"), {text: 1}))


def test_every_fault_is_listed_at_once() -> None:
    document = MINIMAL | {"jobId": "/", "dryRun": "yes", "more": 1, "priority": "x"}
    assert list(faults(document)) == ["$.dryRun", "$.jobId", "$.more", "$.priority"]


@pytest.mark.parametrize("document", [None, [], "text", 5, True])
def test_what_is_no_object_is_refused(document: object) -> None:
    assert list(faults(document)) == ["$"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 100_000, b" " * (LARGEST_BYTES + 1)])
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayloadError):
        decode(body)


def test_the_schema_is_draft_07_and_closed_at_its_root() -> None:
    schema = json.loads(schema_text())
    assert schema["$schema"].startswith("http://json-schema.org/draft-07/")
    assert schema["additionalProperties"] is False
