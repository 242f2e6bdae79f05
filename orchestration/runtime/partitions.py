"""Partition keys: any text of the outside world as a key that the UI, its URLs and its ranges can carry.

The encoding, and keeping a dynamic partition set in step with the rows it stands for. Keep out: which
keys a domain has.

A key keeps letters, digits, `_`, `-` and single dots; any other byte of the UTF-8 text becomes `~XX`. Dagster refuses
commas, `...` and control characters in keys, and the UI puts keys into URLs unescaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# The states of a run that has not ended.
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]|(?<![^.])\.", re.ASCII)
_ESCAPE = re.compile(rb"~([0-9A-F]{2})")
_KEY = re.compile(r"(?:[A-Za-z0-9_.-]|~[0-9A-F]{2})+", re.ASCII)


def encode_key(text: str) -> str:
    """The partition key of `text`, which must be Unicode and not empty. `decode_key` gives it back."""
    if not text:
        raise InvalidInputError("An empty name cannot be a partition key")
    try:
        return _UNSAFE.sub(_escape, text)
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{text!r} holds half a character; it cannot be a partition key") from error


def decode_key(key: str) -> str:
    """The text that `key` stands for; raises `InvalidInputError` for what `encode_key` never makes."""
    try:
        text = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), key.encode()).decode()
    except UnicodeDecodeError:
        text = ""
    if not _KEY.fullmatch(key) or encode_key(text or "?") != key:
        raise InvalidInputError(f"{key!r} is no partition key; characters other than A-Z a-z 0-9 _ - . are written ~XX")
    return text


def _escape(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode())


def add_partitions(instance: dg.DagsterInstance, name: str, texts: Iterable[str]) -> int:
    """Add partitions for `texts` to the dynamic set `name`; how many are new.

    One query for any number of keys: through a sensor's result it would be one query a key, 57 s for 10,000.
    """
    known = set(instance.get_dynamic_partitions(name))
    new = list(dict.fromkeys(key for key in map(encode_key, texts) if key not in known))
    if new:
        instance.add_dynamic_partitions(name, new)
    return len(new)


def prune_partitions(
    instance: dg.DagsterInstance, name: str, texts: Collection[str], *, jobs: Sequence[str], own_run: str
) -> int:
    """Delete the partitions of `texts`, which are gone for good; returns how many.

    None is deleted while another run than `own_run` of one of `jobs`, which use the set, is unfinished.
    """
    known = set(instance.get_dynamic_partitions(name)) if texts else set()
    gone = [key for key in map(encode_key, texts) if key in known]
    if not gone or _other_runs(instance, jobs, own_run):
        return 0
    for key in gone:
        instance.delete_dynamic_partition(name, key)
    return len(gone)


def count_unfinished(instance: dg.DagsterInstance, job: str) -> int:
    """How many runs of a job are queued or under way."""
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=UNFINISHED))


def _other_runs(instance: dg.DagsterInstance, jobs: Sequence[str], own_run: str) -> bool:
    filters = [dg.RunsFilter(job_name=job, statuses=UNFINISHED) for job in jobs]
    return any(run.run_id != own_run for one in filters for run in instance.get_runs(one, limit=2))
