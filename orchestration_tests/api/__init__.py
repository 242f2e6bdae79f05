"""Tests of `orchestration.api`."""
