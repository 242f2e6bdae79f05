"""Tests of the work queue, on a real PostgreSQL."""
