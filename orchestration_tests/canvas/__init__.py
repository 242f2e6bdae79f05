"""Tests of `orchestration.canvas`."""
