"""Tests of the mockups' jobs."""
