"""Tests of preview jobs."""
