"""Tests of mockups."""
