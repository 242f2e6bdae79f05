"""Whether what is asked of a render job can be.

Values and steps, each refused with the field and the remedy. Keep out: whether the product exists (`submission`), and
the design's pixels (`designs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestration.errors import ConflictError, InvalidInputError
from orchestration.media.rules import parse_web_url
from orchestration.mockups.presets import parse_preset
from orchestration.mockups.statuses import STEPS, JobStatus

if TYPE_CHECKING:
    from orchestration.mockups.jobs.model import NewJob

# What PostgreSQL cannot hold in a text, as JSON spells it.
_NUL = b"\\u0000"


def check_new(job: NewJob) -> None:
    """Raise `InvalidInputError` for a job that cannot be created."""
    check_name("product_id", job.product_id)
    if job.variant_id is not None:
        check_name("variant_id", job.variant_id)
    if job.design_file_url is not None:
        check_url("design_file_url", job.design_file_url)
    parse_preset(job.preset)
    check_document("metadata", job.metadata)


def check_name(field: str, value: object) -> None:
    """Raise `InvalidInputError` for what names nothing."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"{field} is {value!r}; give a name that is not empty")
    check_document(field, value)


def check_url(field: str, value: object) -> None:
    """Raise `InvalidInputError` for what is no absolute URL."""
    check_name(field, value)
    try:
        parse_web_url(str(value))
    except InvalidInputError as error:
        raise InvalidInputError(f"{field}: {error}; give an absolute URL, or none before the upload") from error


def check_document(field: str, value: object) -> None:
    """Raise `InvalidInputError` for what the database cannot hold as JSON."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{field} cannot be written as JSON: {error}; send plain values") from error
    if _NUL in text:
        raise InvalidInputError(f"{field} holds a NUL character, which cannot be stored; take it out")


def check_step(job_id: str, former: JobStatus, wanted: JobStatus) -> None:
    """Raise for a step that the state machine does not have.

    `ConflictError` when the job has ended, `InvalidInputError` otherwise. Staying is no step.
    """
    if wanted is former or wanted in STEPS[former]:
        return
    if former.is_terminal:
        raise ConflictError(
            f"{job_id} is {former.value} and stays so, it cannot become {wanted.value}; "
            f"`orchestration mockups retry {job_id}` makes a new job of a failed one"
        )
    allowed = " or ".join(status.value for status in STEPS[former])
    raise InvalidInputError(f"{job_id} cannot go from {former.value} to {wanted.value}; the next is {allowed}")
