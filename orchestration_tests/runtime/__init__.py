"""Tests of the Dagster-side policy."""
