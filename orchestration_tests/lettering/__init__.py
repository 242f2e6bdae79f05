"""Tests of `orchestration.lettering`."""
