"""Tests of the garments."""
