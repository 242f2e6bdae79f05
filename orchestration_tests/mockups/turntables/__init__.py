"""Tests of turning garments."""
