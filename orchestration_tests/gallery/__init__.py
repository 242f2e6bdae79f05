"""Tests of `orchestration.gallery`."""
