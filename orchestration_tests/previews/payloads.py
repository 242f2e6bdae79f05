"""Payloads for tests: the smallest, a full one, and small films.

Building documents. Keep out: expectations.
"""

from __future__ import annotations

from typing import Any

MINIMAL: dict[str, Any] = {
    "jobId": "preview-job-0001",
    "projectId": "proj-mobius-123",
    "requestId": "req-0001",
    "dryRun": True,
    "createdAt": "2026-02-01T10:00:00Z",
    "previewRequest": {"title": "Minimal", "steps": [], "assets": [], "audio": {}, "metadata": {}},
}
"""The sample of the system before this one."""

FULL: dict[str, Any] = {
    "jobId": "preview-job-0002",
    "projectId": "proj-mobius-123",
    "requestId": "req-0002",
    "dryRun": False,
    "priority": "high",
    "attempts": 0,
    "createdAt": "2026-02-01T10:00:00Z",
    "updatedAt": "2026-02-01T11:00:00.5+01:00",
    "previewRequest": {
        "title": "A mug",
        "description": "How it is made",
        "steps": [
            {"id": "one", "title": "Choose", "text": "A design.", "durationMs": 4000, "assetIds": ["photo", "voice"]},
            {"id": "two", "title": "Print", "text": "Your name.", "caption": "It is printed.", "durationMs": "auto"},
        ],
        "assets": [
            {"id": "photo", "type": "image", "url": "https://images.example/mug.png", "sha256": "ab" * 32},
            {"id": "voice", "type": "audio", "url": "https://images.example/voice.mp3"},
        ],
        "audio": {
            "trackUrl": "https://images.example/track.mp3",
            "trackSha256": "cd" * 32,
            "volume": 0.5,
            "captions": [{"startMs": 0, "endMs": 900, "text": "Hello"}],
        },
        "options": {
            "resolution": "1280x720",
            "format": "webm",
            "includeCaptions": True,
            "captionFormat": "webvtt",
            "fps": 25,
            "theme": "light",
            "accent": "#336699",
        },
        "metadata": {"author": "Ada", "tags": ["mug"]},
    },
}
"""Every field that there is, but for a callback."""


def small(job_id: str = "small", *, dry_run: bool = False, priority: str = "normal", **request: Any) -> dict[str, Any]:  # noqa: ANN401
    """A film of 3.5 seconds in 160 x 90 pixels."""
    options = {"resolution": "160x90", "fps": 24, **request.pop("options", {})}
    wanted = {"title": "Small", "steps": [{"title": "One", "text": "Hello.", "durationMs": 500}], "assets": []}
    return {
        "jobId": job_id,
        "projectId": "tests",
        "requestId": f"request of {job_id}",
        "dryRun": dry_run,
        "priority": priority,
        "previewRequest": {"audio": {}, **wanted, "options": options, **request},
    }
