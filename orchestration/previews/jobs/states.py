"""The states of a preview job, how it may fail, and how it counts. Keep out: who changes them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

ARTIFACTS_FOLDER: Final = "previews/sha256"
"""What the keys of artifacts in the object store begin with."""


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def word(self) -> str:
        """What the status of a job calls it."""
        return "success" if self is JobState.COMPLETED else self.value

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


class ErrorType(StrEnum):
    """Why a job failed."""

    INVALID = "invalid"
    RENDER = "render"
    TIMEOUT = "timeout"


class Counted(StrEnum):
    """What is counted for good, each apart."""

    INVALID = "invalid"
    DRYRUN = "dryrun"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REPEATED = "repeated"
    FULL = "full"
