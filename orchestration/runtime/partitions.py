"""Dynamic partition sets, kept in sync with the rows that they stand for.

Keep out: how a text becomes a key (`partition_keys`), and which keys a domain has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.runtime.orphans import is_killed
from orchestration.runtime.partition_keys import encode_key

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
    """How many runs of a job are queued or under way; that of a killed command is not."""
    return len(_unfinished(instance, job))


def _other_runs(instance: dg.DagsterInstance, jobs: Sequence[str], own_run: str) -> bool:
    return any(run.run_id != own_run for job in jobs for run in _unfinished(instance, job))


def _unfinished(instance: dg.DagsterInstance, job: str) -> list[dg.DagsterRun]:
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED))
    return [run for run in runs if not is_killed(run)]
