"""Tests of `orchestration.notifications`."""
