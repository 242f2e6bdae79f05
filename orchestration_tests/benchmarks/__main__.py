"""All benchmarks, one after the other."""

from __future__ import annotations

from orchestration_tests.benchmarks import catalogue, dagster_share

for benchmark in (catalogue, dagster_share):
    benchmark.main()
