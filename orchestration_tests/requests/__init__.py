"""Tests of `orchestration.requests`."""
