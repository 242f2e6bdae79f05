"""`python -m orchestration` is the `orchestration` command."""

from __future__ import annotations

from orchestration.cli.main import main

main()
