"""Tests of `orchestration.prints.tasks`."""
