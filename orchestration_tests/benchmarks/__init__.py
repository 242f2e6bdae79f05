"""Benchmarks: each races a named rival in the same run and prints ratios."""

import orchestration  # noqa: F401 - before numpy, whose threads it limits in the product too
