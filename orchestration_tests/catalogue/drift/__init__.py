"""Tests of `orchestration.catalogue.drift`."""
