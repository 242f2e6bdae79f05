"""The canvas, as Dagster sees it."""
