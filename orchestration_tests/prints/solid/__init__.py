"""Tests of `orchestration.prints.solid`."""
