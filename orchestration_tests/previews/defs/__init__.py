"""Tests of previews in Dagster."""
