"""`python -m orchestration_tests.chaos --kills 1000`, or `make chaos`: a tool of the tests, no part of the product.

Keep out: the command (`command`).
"""

from __future__ import annotations

import typer

from orchestration_tests.chaos.command import main

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(main)
app()
