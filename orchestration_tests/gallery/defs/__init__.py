"""Tests of the gallery in Dagster."""
