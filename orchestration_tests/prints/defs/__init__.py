"""Tests of `orchestration.prints.defs`."""
