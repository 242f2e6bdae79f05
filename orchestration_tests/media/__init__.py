"""Tests of `orchestration.media`."""
