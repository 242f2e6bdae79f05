"""The HTTP API; never imports Dagster."""
