"""Tests of the mockups' defs."""
