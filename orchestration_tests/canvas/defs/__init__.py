"""Tests of the canvas in Dagster."""
