"""Tests of `orchestration.catalogue.families`."""
