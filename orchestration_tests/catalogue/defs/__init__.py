"""Tests of `orchestration.catalogue.defs`."""
