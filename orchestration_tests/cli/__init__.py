"""Tests of the `orchestration` command."""
