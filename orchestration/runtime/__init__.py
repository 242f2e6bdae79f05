"""Dagster-side policy that the domains share."""
