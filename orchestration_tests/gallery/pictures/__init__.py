"""Tests of the gallery's images."""
