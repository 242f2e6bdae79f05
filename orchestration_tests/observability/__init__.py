"""Tests of what a running system tells about itself."""
