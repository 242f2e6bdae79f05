"""Tests of `orchestration.gallery.images`."""
