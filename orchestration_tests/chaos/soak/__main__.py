"""`python -m orchestration_tests.chaos.soak --minutes 30`, or `make soak`: a tool of the tests.

Keep out: the command (`soak`).
"""

from __future__ import annotations

if __name__ == "__main__":  # the processes of the soak import this file again
    import typer

    from orchestration_tests.chaos.soak.soak import main

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
