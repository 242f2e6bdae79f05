"""Tests of print orders."""
