"""Tests of `orchestration.rendering`."""
