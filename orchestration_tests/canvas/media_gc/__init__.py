"""Tests of `orchestration.canvas.media_gc`."""
