"""The Python client of the HTTP API."""

from orchestration.client.previews import JobFailedError, PreviewClient, PreviewRejectedError, build_job

__all__ = ["JobFailedError", "PreviewClient", "PreviewRejectedError", "build_job"]
