"""The table of policies: complete, and in force in the instance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestration.runtime.policy import MAX_RUNTIME_TAG, POLICIES, POOL_LIMITS, apply_pool_limits

if TYPE_CHECKING:
    import dagster as dg


def test_every_pool_that_an_asset_uses_has_a_limit_and_no_other_has() -> None:
    assert {policy.pool for policy in POLICIES.values()} == set(POOL_LIMITS)
    assert all(limit >= 1 for limit in POOL_LIMITS.values())


def test_every_policy_is_of_an_asset_of_a_domain_and_its_team() -> None:
    for key, policy in POLICIES.items():
        domain, noun = key.split("/")
        assert re.fullmatch(r"[a-z_]+", noun)
        assert policy.owner == f"team:{domain}"
        assert policy.pool.startswith(f"{domain}_")


def test_the_longest_run_is_a_tag_that_dagster_reads() -> None:
    for policy in POLICIES.values():
        assert policy.tags == {MAX_RUNTIME_TAG: str(policy.max_runtime)}
    assert MAX_RUNTIME_TAG == "dagster/max_runtime"


def test_the_limits_are_set_in_the_instance_and_may_be_set_again(instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        apply_pool_limits(instance)
    storage = instance.event_log_storage
    assert {pool: storage.get_concurrency_info(pool).slot_count for pool in POOL_LIMITS} == POOL_LIMITS
