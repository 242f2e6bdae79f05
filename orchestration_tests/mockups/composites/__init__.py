"""Tests of the flat garment with its design."""
