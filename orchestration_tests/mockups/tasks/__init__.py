"""Tests of the mockups' tasks."""
