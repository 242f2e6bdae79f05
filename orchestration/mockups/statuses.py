"""The states of a render job, and the steps between them.

The database refuses every other step (revision 0012). Keep out: moving a job (`records`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """How far a render job is."""

    PENDING = "pending"
    COMPOSITING = "compositing"
    RENDERING = "rendering"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the job never moves again."""
        return not STEPS[self]


STEPS: Final = {
    JobStatus.PENDING: (JobStatus.COMPOSITING, JobStatus.FAILED),
    JobStatus.COMPOSITING: (JobStatus.RENDERING, JobStatus.FAILED),
    JobStatus.RENDERING: (JobStatus.COMPLETED, JobStatus.FAILED),
    JobStatus.COMPLETED: (),
    JobStatus.FAILED: (),
}
"""Where a job may go from each state. Staying is always allowed, and changes nothing."""

ACTIVE: Final = tuple(status for status, steps in STEPS.items() if steps)
"""The states of a job that has not ended."""

PERCENT: Final = {
    JobStatus.PENDING: 0.0,
    JobStatus.COMPOSITING: 25.0,
    JobStatus.RENDERING: 50.0,
    JobStatus.COMPLETED: 100.0,
    JobStatus.FAILED: 0.0,
}
"""The progress that a job has at least in each state."""
