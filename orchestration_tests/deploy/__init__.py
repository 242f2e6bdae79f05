"""Tests of what `deploy` holds: each file of it is checked, and run as far as this machine can."""
