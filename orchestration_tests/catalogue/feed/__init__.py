"""Tests of `orchestration.catalogue.feed`."""
