"""Tests of `orchestration.catalogue.documents`."""
