"""Benchmarks: each races a named rival in the same run and prints ratios."""
