"""Tests of `orchestration.prints.plates`."""
